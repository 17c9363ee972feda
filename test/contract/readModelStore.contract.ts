import { expect } from 'chai'
import { afterEach, beforeEach, describe, it } from 'mocha'
import { DomainError } from '../../domain/errors.ts'
import type { Query, ReadModelStore, StoredDoc } from '../../projections/readModelStore.ts'
import { at, byKey, doc, INDEXES, MODEL, refusal, standing } from './readModels.ts'

export interface ReadModelStoreSubject {
  readonly store: ReadModelStore
  /** The same contents through a new instance; the first one is closed in an orderly way. */
  reopen(): Promise<ReadModelStore>
  dispose(): Promise<void>
}

/** What every ReadModelStore does. */
export const readModelStoreContract = (create: () => Promise<ReadModelStoreSubject>): void => {
  describe('ReadModelStore contract', () => {
    let subject: ReadModelStoreSubject
    let store: ReadModelStore

    beforeEach(async () => {
      subject = await create()
      store = subject.store
      await store.open(MODEL, INDEXES)
    })
    afterEach(() => subject.dispose())

    const keysOf = async (query: Query): Promise<string[]> => (await store.query(MODEL, query)).map(({ key }) => key)

    describe('commit', () => {
      it('is visible to every later read', async () => {
        const written = [doc('a', 1, { title: 'A' }), doc('b', 2, { title: 'B' })]
        await store.commit(MODEL, written, standing(2))
        expect(byKey(await store.get(MODEL, ['a', 'b']))).to.deep.equal(written)
        expect(await store.query(MODEL, { index: 'byTitle', equals: ['B'], limit: 9 })).to.deep.equal([written[1]])
        expect(await store.scan(MODEL, undefined, 9)).to.deep.equal(written)
        expect(await store.checkpoint(MODEL)).to.deep.equal(standing(2))
      })

      it('gives a document back as it was', async () => {
        const content = {
          text: 'quote " backslash \\ line\n nul \u0000 é 漢 😀 lone \ud800',
          number: -1.5,
          large: 2 ** 53 - 1,
          yes: true,
          nothing: null,
          list: [1, [2, { three: 3 }], []],
          nested: { 'a.b': { $c: '' } },
        }
        await store.commit(MODEL, [doc('a/b#c d', 1, content)], standing(1))
        expect(await store.get(MODEL, ['a/b#c d'])).to.deep.equal([doc('a/b#c d', 1, content)])
      })

      it('replaces a document of a lower position', async () => {
        await store.commit(MODEL, [doc('a', 1, { title: 'old', likes: 1 })], standing(1))
        await store.commit(MODEL, [doc('a', 2, { title: 'new' })], standing(2))
        expect(await store.get(MODEL, ['a'])).to.deep.equal([doc('a', 2, { title: 'new' })])
        expect(await keysOf({ index: 'byTitle', equals: ['old'], limit: 9 })).to.deep.equal([])
        expect(await keysOf({ index: 'byTitle', equals: ['new'], limit: 9 })).to.deep.equal(['a'])
      })

      it('ignores a document of the same or a lower position, and writes the others', async () => {
        await store.commit(MODEL, [doc('a', 5, { title: 'kept' })], standing(5))
        await store.commit(
          MODEL,
          [doc('a', 5, { title: 'same' }), doc('b', 4, { title: 'B' }), doc('a', 4, { title: 'stale' })],
          standing(6),
        )
        expect(byKey(await store.get(MODEL, ['a', 'b']))).to.deep.equal([
          doc('a', 5, { title: 'kept' }),
          doc('b', 4, { title: 'B' }),
        ])
        expect(await keysOf({ index: 'byTitle', limit: 9 })).to.deep.equal(['b', 'a'])
      })

      it('takes the last of several states of one document', async () => {
        await store.commit(MODEL, [doc('a', 1, { title: 'one' }), doc('a', 2, { title: 'two' })], standing(2))
        expect(await store.get(MODEL, ['a'])).to.deep.equal([doc('a', 2, { title: 'two' })])
      })

      it('moves the checkpoint without documents', async () => {
        await store.commit(MODEL, [], standing(7))
        expect(await store.checkpoint(MODEL)).to.deep.equal(standing(7))
      })

      it('leaves the checkpoint where it was when a document cannot be written', async () => {
        await store.commit(MODEL, [doc('a', 1, { title: 'A' })], standing(1))
        const circular: Record<string, unknown> = { title: 'C' }
        circular.self = circular
        const outcome = await refusal(store.commit(MODEL, [doc('c', 2, circular)], standing(2)))
        expect(outcome).to.be.instanceOf(Error)
        expect(await store.scan(MODEL, undefined, 9)).to.deep.equal([doc('a', 1, { title: 'A' })])
        expect(await store.checkpoint(MODEL)).to.deep.equal(standing(1))
      })

      it('touches no other model', async () => {
        await store.open('other@1', INDEXES)
        await store.commit(MODEL, [doc('a', 1, { title: 'A' })], standing(1))
        expect(await store.get('other@1', ['a'])).to.deep.equal([])
        expect(await store.checkpoint('other@1')).to.equal(undefined)
      })
    })

    describe('checkpoint', () => {
      it('is undefined in a new model', async () => {
        expect(await store.checkpoint(MODEL)).to.equal(undefined)
      })

      it('moves forwards only', async () => {
        await store.commit(MODEL, [], standing(9))
        await store.commit(MODEL, [doc('a', 3, { title: 'A' })], standing(8))
        expect(await store.checkpoint(MODEL)).to.deep.equal(standing(9))
        expect(await store.get(MODEL, ['a'])).to.have.length(1)
      })

      it('follows another incarnation wherever that stands', async () => {
        await store.commit(MODEL, [], standing(9, 'bbbbbbbb'))
        await store.commit(MODEL, [], standing(4, 'aaaaaaaa'))
        expect(await store.checkpoint(MODEL)).to.deep.equal(standing(4, 'aaaaaaaa'))
      })
    })

    describe('get', () => {
      it('leaves out what does not exist', async () => {
        await store.commit(MODEL, [doc('a', 1, {})], standing(1))
        expect(await store.get(MODEL, ['x', 'a', 'y'])).to.deep.equal([doc('a', 1, {})])
        expect(await store.get(MODEL, [])).to.deep.equal([])
      })

      it('takes thousands of keys', async () => {
        const documents = Array.from({ length: 3000 }, (_, n) => doc(`k${String(n).padStart(4, '0')}`, 1, { n }))
        await store.commit(MODEL, documents, standing(1))
        const found = await store.get(
          MODEL,
          documents.map(({ key }) => key),
        )
        expect(byKey(found)).to.deep.equal(documents)
      })
    })

    describe('tombstone', () => {
      beforeEach(async () => {
        await store.commit(MODEL, [doc('a', 1, { title: 'A', author: 'u' }), doc('b', 2, { title: 'B' })], standing(2))
        await store.commit(MODEL, [doc('a', 5, undefined), doc('c', 5, undefined)], standing(5))
      })

      it('is given by get', async () => {
        expect(await store.get(MODEL, ['a'])).to.deep.equal([doc('a', 5, undefined)])
      })

      it('is outside queries and scans', async () => {
        expect(await keysOf({ index: 'byTitle', limit: 9 })).to.deep.equal(['b'])
        expect(await keysOf({ index: 'byAuthor', equals: ['u'], limit: 9 })).to.deep.equal([])
        expect(await keysOf({ index: 'key', limit: 9 })).to.deep.equal(['b'])
        expect((await store.scan(MODEL, undefined, 9)).map(({ key }) => key)).to.deep.equal(['b'])
      })

      it('takes no place in a limit', async () => {
        expect(await keysOf({ index: 'key', limit: 1 })).to.deep.equal(['b'])
        expect((await store.scan(MODEL, undefined, 1)).map(({ key }) => key)).to.deep.equal(['b'])
      })

      it('keeps a replay from bringing the document back', async () => {
        await store.commit(MODEL, [doc('a', 1, { title: 'A' }), doc('c', 3, { title: 'C' })], standing(5))
        expect(await store.get(MODEL, ['a', 'c'])).to.have.deep.members([
          doc('a', 5, undefined),
          doc('c', 5, undefined),
        ])
      })

      it('gives way to a later document', async () => {
        await store.commit(MODEL, [doc('a', 6, { title: 'again' })], standing(6))
        expect(await keysOf({ index: 'byTitle', equals: ['again'], limit: 9 })).to.deep.equal(['a'])
      })

      it('is pruned up to the position, and documents are not', async () => {
        await store.commit(MODEL, [doc('d', 6, undefined)], standing(6))
        await store.prune(MODEL, at(5))
        expect(byKey(await store.get(MODEL, ['a', 'b', 'c', 'd']))).to.deep.equal([
          doc('b', 2, { title: 'B' }),
          doc('d', 6, undefined),
        ])
      })
    })

    describe('query', () => {
      beforeEach(async () => {
        await store.commit(
          MODEL,
          [
            doc('n1', 1, { author: 'ann', likes: 10, title: 'b' }),
            doc('n2', 2, { author: 'ann', likes: 9, title: 'B' }),
            doc('n3', 3, { author: 'ann', likes: 100, title: 'a' }),
            doc('n4', 4, { author: 'bob', likes: 9, title: 'é' }),
            doc('n6', 6, { author: 'ann', likes: 9.5, title: 'ab' }),
            doc('n5', 5, { author: 'ann', likes: 10, title: '' }),
            doc('n7', 7, { author: 'ann' }),
            doc('n8', 8, { likes: 10 }),
          ],
          standing(8),
        )
      })

      it('finds by equality on the first field', async () => {
        expect(await keysOf({ index: 'byAuthor', equals: ['bob'], limit: 9 })).to.deep.equal(['n4'])
        expect(await keysOf({ index: 'byAuthor', equals: ['eve'], limit: 9 })).to.deep.equal([])
      })

      it('orders numbers as numbers, ties by key', async () => {
        const query = { index: 'byAuthor', equals: ['ann'], range: { gte: 0 }, limit: 9 }
        expect(await keysOf(query)).to.deep.equal(['n2', 'n6', 'n1', 'n5', 'n3'])
        expect(await keysOf({ ...query, order: 'descending' })).to.deep.equal(['n3', 'n5', 'n1', 'n6', 'n2'])
      })

      it('orders text by its characters', async () => {
        const order = ['n5', 'n2', 'n3', 'n6', 'n1', 'n4']
        expect(await keysOf({ index: 'byTitle', limit: 9 })).to.deep.equal(order)
        expect(await keysOf({ index: 'byTitle', order: 'descending', limit: 9 })).to.deep.equal(order.reverse())
      })

      it('keeps a document without the first field out of the index, and puts one without the next in front', async () => {
        expect(await keysOf({ index: 'byTitle', limit: 9 })).not.to.include('n8')
        expect(await keysOf({ index: 'byAuthor', equals: ['ann'], limit: 2 })).to.deep.equal(['n7', 'n2'])
      })

      it('takes each bound of a range at its word', async () => {
        const within = (range: Query['range']): Promise<string[]> =>
          keysOf({ index: 'byAuthor', equals: ['ann'], limit: 9, ...(range && { range }) })
        expect(await within({ gt: 9.5 })).to.deep.equal(['n1', 'n5', 'n3'])
        expect(await within({ gte: 9.5 })).to.deep.equal(['n6', 'n1', 'n5', 'n3'])
        expect(await within({ lt: 10 })).to.deep.equal(['n2', 'n6'])
        expect(await within({ lte: 10 })).to.deep.equal(['n2', 'n6', 'n1', 'n5'])
        expect(await within({ gt: 9, lt: 10 })).to.deep.equal(['n6'])
        expect(await keysOf({ index: 'byTitle', range: { gt: 'a', lte: 'b' }, limit: 9 })).to.deep.equal(['n6', 'n1'])
      })

      it('finds by equality on all fields, then by key', async () => {
        const query: Query = { index: 'byAuthor', equals: ['ann', 10], limit: 9 }
        expect(await keysOf(query)).to.deep.equal(['n1', 'n5'])
        expect(await keysOf({ ...query, range: { gt: 'n1' } })).to.deep.equal(['n5'])
        expect(await keysOf({ ...query, order: 'descending' })).to.deep.equal(['n5', 'n1'])
      })

      it('never takes a text for the number it reads like', async () => {
        expect(await keysOf({ index: 'byAuthor', equals: ['ann', '10'], limit: 9 })).to.deep.equal([])
      })

      it('gives the first of its order up to the limit', async () => {
        const query: Query = { index: 'byAuthor', equals: ['ann'], range: { gte: 9 }, order: 'descending', limit: 3 }
        expect(await keysOf(query)).to.deep.equal(['n3', 'n5', 'n1'])
        expect(await keysOf({ ...query, limit: 0 })).to.deep.equal([])
      })

      it('ranges over the key', async () => {
        const query: Query = { index: 'key', range: { gte: 'n2', lt: 'n5' }, limit: 9 }
        expect(await keysOf(query)).to.deep.equal(['n2', 'n3', 'n4'])
        expect(await keysOf({ ...query, order: 'descending', limit: 2 })).to.deep.equal(['n4', 'n3'])
        expect(await keysOf({ index: 'key', limit: 2 })).to.deep.equal(['n1', 'n2'])
      })

      it('tells a field named key from the key', async () => {
        await store.open('keys@1', [{ name: 'byField', fields: ['key', 'position'] }])
        await store.commit('keys@1', [doc('a', 1, { key: 'z', position: 5 }), doc('b', 2, { key: 'y' })], standing(2))
        const found = await store.query('keys@1', { index: 'byField', limit: 9 })
        expect(found.map(({ key }) => key)).to.deep.equal(['b', 'a'])
      })

      it('refuses an index that is not declared', async () => {
        expect(await refusal(store.query(MODEL, { index: 'byNothing', limit: 1 }))).to.be.instanceOf(Error)
      })
    })

    describe('scan', () => {
      it('gives every document once, in order of key, in pages', async () => {
        const documents = Array.from({ length: 25 }, (_, n) => doc(`k${String(n).padStart(2, '0')}`, n + 1, { n }))
        await store.commit(MODEL, [...documents].reverse(), standing(25))
        const seen: StoredDoc[] = []
        for (let page = await store.scan(MODEL, undefined, 10); page.length > 0; ) {
          seen.push(...page)
          page = await store.scan(MODEL, page.at(-1)?.key, 10)
        }
        expect(seen).to.deep.equal(documents)
      })
    })

    describe('open', () => {
      it('keeps what is there', async () => {
        await store.commit(MODEL, [doc('a', 1, { title: 'A' })], standing(1))
        await store.open(MODEL, INDEXES)
        expect(await store.get(MODEL, ['a'])).to.deep.equal([doc('a', 1, { title: 'A' })])
      })

      it('indexes what was written before the index was declared', async () => {
        await store.commit(
          MODEL,
          [doc('a', 1, { room: 'x' }), doc('b', 2, { room: 'y' }), doc('c', 3, undefined), doc('d', 4, { room: true })],
          standing(4),
        )
        await store.open(MODEL, [...INDEXES, { name: 'byRoom', fields: ['room'] }])
        await store.commit(MODEL, [doc('e', 5, { room: 'x' })], standing(5))
        expect(await keysOf({ index: 'byRoom', limit: 9 })).to.deep.equal(['a', 'e', 'b'])
      })

      it('finds everything after opening again, also what was written while an index was not declared', async () => {
        await store.commit(MODEL, [doc('a', 1, { title: 'A' })], standing(1))
        store = await subject.reopen()
        await store.open(MODEL, [])
        await store.commit(MODEL, [doc('b', 2, { title: 'B' })], standing(2))
        store = await subject.reopen()
        await store.open(MODEL, INDEXES)
        expect(await keysOf({ index: 'byTitle', limit: 9 })).to.deep.equal(['a', 'b'])
        expect(await store.checkpoint(MODEL)).to.deep.equal(standing(2))
      })
    })

    describe('swap', () => {
      const BUILT = `${MODEL}#7`
      const state = (colour: string, position: number): StoredDoc[] =>
        Array.from({ length: 50 }, (_, n) => doc(`k${String(n).padStart(2, '0')}`, position, { title: colour }))

      beforeEach(async () => {
        await store.commit(MODEL, [...state('red', 9), doc('only-red', 9, { title: 'red' })], standing(9))
        await store.open(BUILT, INDEXES)
        await store.commit(BUILT, state('blue', 3), standing(3))
      })

      it('gives the live model the documents and the checkpoint of the built one, which is gone', async () => {
        await store.swap(BUILT, MODEL)
        expect(await store.scan(MODEL, undefined, 99)).to.deep.equal(state('blue', 3))
        expect(await store.checkpoint(MODEL)).to.deep.equal(standing(3))
        expect(await keysOf({ index: 'byTitle', equals: ['red'], limit: 9 })).to.deep.equal([])
        expect(await store.models()).to.deep.equal([MODEL])
      })

      it('leaves a model that goes on', async () => {
        await store.swap(BUILT, MODEL)
        await store.commit(MODEL, [doc('k00', 4, { title: 'green' })], standing(4))
        store = await subject.reopen()
        await store.open(MODEL, INDEXES)
        expect(await keysOf({ index: 'byTitle', equals: ['green'], limit: 9 })).to.deep.equal(['k00'])
        expect(await keysOf({ index: 'byTitle', equals: ['blue'], limit: 99 })).to.have.length(49)
      })

      it('shows every reader the one or the other', async () => {
        let swapped = false
        const colours = new Set<string>()
        const read = async (): Promise<void> => {
          while (!swapped) {
            const seen = (await store.scan(MODEL, undefined, 99)).map((found) => found.doc?.title)
            expect(new Set(seen).size).to.equal(1)
            expect(seen.length).to.equal(seen[0] === 'red' ? 51 : 50)
            colours.add(String(seen[0]))
            await new Promise(setImmediate)
          }
        }
        const readers = [read(), read(), read()]
        await store.swap(BUILT, MODEL)
        await new Promise(setImmediate)
        swapped = true
        await Promise.all([...readers, read()])
        expect((await store.scan(MODEL, undefined, 1))[0]?.doc).to.deep.equal({ title: 'blue' })
        expect(colours).to.include('red')
      })
    })

    describe('drop', () => {
      it('forgets the model and its checkpoint', async () => {
        await store.commit(MODEL, [doc('a', 1, { title: 'A' })], standing(1))
        await store.open('other@1', [])
        await store.drop(MODEL)
        expect(await store.models()).to.deep.equal(['other@1'])
        await store.open(MODEL, INDEXES)
        expect(await store.checkpoint(MODEL)).to.equal(undefined)
        expect(await store.scan(MODEL, undefined, 9)).to.deep.equal([])
      })

      it('is harmless for a model that is not there', async () => {
        await store.drop('never@1')
        expect(await store.models()).to.deep.equal([MODEL])
      })
    })

    it('lists the models that were opened, generations included', async () => {
      await store.open(`${MODEL}#2`, INDEXES)
      await store.open('inbox@3', [])
      store = await subject.reopen()
      expect([...(await store.models())].sort()).to.deep.equal(['inbox@3', MODEL, `${MODEL}#2`])
    })

    it('is refused as Unavailable once closed', async () => {
      const reopened = await subject.reopen()
      expect(reopened).not.to.equal(store)
      const outcome = await refusal(store.commit(MODEL, [], standing(1)))
      expect(outcome).to.be.instanceOf(DomainError).with.property('code', 'Unavailable')
    })
  })
}
