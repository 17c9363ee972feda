import { mkdtempSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { expect } from 'chai'
import { afterEach, beforeEach, describe, it } from 'mocha'
import { ConcurrencyConflict } from '../../domain/eventsourcing/eventStore.ts'
import type { EventId, Position } from '../../domain/ids.ts'
import { createEmbeddedEventStore, type EmbeddedLogOptions } from '../../infra/embedded/eventStore.ts'
import { Database } from '../../infra/embedded/sqlite.ts'
import { eventStoreSteps, idsOf, newEvent, newEvents, newStream, refusal, take } from '../support/eventStoreSteps.ts'
import { eventStoreContract } from './eventStore.contract.ts'

const failed = (error: Error): never => {
  throw error
}

describe('EmbeddedEventStore', () => {
  let folder: string
  let file: string
  let store: ReturnType<typeof createEmbeddedEventStore>
  const open = (options: Partial<EmbeddedLogOptions> = {}): void => {
    store = createEmbeddedEventStore({ file, onFatal: failed, ...options })
  }
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'parley-log-'))
    file = join(folder, 'log.sqlite')
  })
  afterEach(async () => {
    await store.close()
    rmSync(folder, { recursive: true })
  })

  const { append, appendSome, readWhole, readAllFrom } = eventStoreSteps(() => store)

  eventStoreContract('embedded', async () => {
    const own = mkdtempSync(join(tmpdir(), 'parley-log-'))
    const opened = createEmbeddedEventStore({ file: join(own, 'log.sqlite'), onFatal: failed })
    return {
      store: opened,
      async close() {
        await opened.close()
        rmSync(own, { recursive: true })
      },
    }
  })

  it('is empty at first', async () => {
    open()
    expect(await store.head()).to.equal(undefined)
    expect(await store.readAll({ from: 'start', maxCount: 1 })).to.deep.equal([])
    expect(await store.readAll({ from: 'end', direction: 'backwards', maxCount: 1 })).to.deep.equal([])
  })

  it('goes on where it was closed', async () => {
    open()
    const stream = newStream()
    const events = newEvents(3)
    const answer = await append(stream, events, 'noStream')
    await store.close()
    open()
    expect(await store.head()).to.equal(answer.position)
    expect(idsOf(await readWhole(stream))).to.deep.equal(idsOf(events))
    expect(await append(stream, events, 'noStream')).to.deep.equal(answer)
    expect(await refusal(append(stream, newEvents(1), 1))).to.include({ actual: 2 })
    const next = await append(stream, newEvents(1), 2)
    expect(next.lastRevision).to.equal(3)
    expect(next.position > answer.position).to.equal(true)
  })

  it('answers what is under way before it closes, and refuses what comes later', async () => {
    open()
    const stream = newStream()
    const underWay = append(stream, newEvents(1), 'noStream')
    const waiting = take(store.subscribeToAll({ from: 'end', signal: new AbortController().signal }), 2)
    const closing = store.close()
    expect(await refusal(append(stream, newEvents(1), 0))).to.include({ code: 'Unavailable' })
    expect(await underWay).to.include({ lastRevision: 0 })
    expect(await refusal(waiting)).to.include({ code: 'Unavailable' })
    await closing
    expect(await refusal(readWhole(stream))).to.include({ code: 'Unavailable' })
    open()
    expect(await readWhole(stream)).to.have.length(1)
  })

  describe('between writing and syncing', () => {
    let syncs: (() => void)[]
    beforeEach(() => {
      syncs = []
      open({ sync: (_descriptor, done) => syncs.push(() => done(null)) })
    })
    const untilSyncing = async (): Promise<() => void> => {
      for (;;) {
        const sync = syncs.shift()
        if (sync !== undefined) return sync
        await nextTurn()
      }
    }
    /** As far as one can tell from outside the process. */
    const written = (): unknown => {
      const other = new Database(file, { readonly: true })
      try {
        return other.prepare('SELECT count(*) FROM events').pluck().get()
      } finally {
        other.close()
      }
    }

    it('shows an event to nobody, and answers nobody', async () => {
      const stream = newStream()
      const heard: EventId[] = []
      const abort = new AbortController()
      const listening = take(store.subscribeToAll({ from: 'start', signal: abort.signal }), 2, async (batch) => {
        heard.push(...idsOf(batch))
      })
      const [first, second] = [newEvent(), newEvent()]
      const appended = append(stream, [first], 'noStream')
      ;(await untilSyncing())()
      const { position } = await appended
      let answered = false
      const pending = append(stream, [second], 0).finally(() => {
        answered = true
      })
      const sync = await untilSyncing()
      expect(written()).to.equal(2)

      for (let turn = 0; turn < 5; turn++) await nextTurn()
      expect(await store.head()).to.equal(position)
      expect(idsOf(await readWhole(stream))).to.deep.equal([first.id])
      const backwards = { direction: 'backwards', maxCount: 5 } as const
      expect(idsOf(await store.readStream(stream, backwards))).to.deep.equal([first.id])
      expect(idsOf(await store.readAll({ from: 'start', maxCount: 5 }))).to.deep.equal([first.id])
      expect(idsOf(await store.readAll({ from: 'end', ...backwards }))).to.deep.equal([first.id])
      expect(idsOf(await store.readAll({ from: 'ffffffffffffffff' as Position, ...backwards }))).to.have.length(1)
      expect(heard).to.deep.equal([first.id])
      expect(answered).to.equal(false)

      sync()
      await pending
      expect(idsOf(await readWhole(stream))).to.deep.equal([first.id, second.id])
      expect(idsOf(await listening)).to.deep.equal([first.id, second.id])
    })

    it('answers a repetition and a conflict not before the event they are about', async () => {
      const stream = newStream()
      const events = newEvents(1)
      const outcomes: string[] = []
      const note = (what: string) => (outcome: unknown) => {
        outcomes.push(`${what} ${outcome instanceof ConcurrencyConflict ? outcome.actual : 'ok'}`)
      }
      const all = [
        append(stream, events, 'noStream').then(note('first')),
        append(stream, events, 'noStream').then(note('again')),
        append(stream, newEvents(1), 'noStream').catch(note('other')),
      ]
      const sync = await untilSyncing()
      all.push(append(stream, events, 'noStream').then(note('later')))
      for (let turn = 0; turn < 5; turn++) await nextTurn()
      expect(outcomes).to.deep.equal([])
      sync()
      await Promise.all(all)
      expect(outcomes).to.deep.equal(['first ok', 'again ok', 'other 0', 'later ok'])
    })

    it('gathers what comes meanwhile into one group', async () => {
      const first = append(newStream(), newEvents(1), 'noStream')
      const sync = await untilSyncing()
      const others = Array.from({ length: 50 }, async (_, n) => {
        for (let turn = 0; turn < n % 5; turn++) await nextTurn()
        return append(newStream(), newEvents(1), 'noStream')
      })
      for (let turn = 0; turn < 8; turn++) await nextTurn()
      expect(written()).to.equal(1)
      sync()
      await first
      ;(await untilSyncing())()
      await Promise.all(others)
      expect(written()).to.equal(51)
    })
  })

  it('acknowledges nothing once a sync has failed', async () => {
    const fatal: Error[] = []
    let broken = false
    const stream = newStream()
    open({
      onFatal: (error) => fatal.push(error),
      sync: (_descriptor, done) => setImmediate(done, broken ? new Error('EIO') : null),
    })
    await append(stream, newEvents(1), 'noStream')
    broken = true
    const listening = take(store.subscribeToAll({ from: 'end', signal: new AbortController().signal }), 1)
    const underWay = refusal(append(stream, newEvents(1), 0))
    await nextTurn()
    const behind = refusal(append(newStream(), newEvents(1), 'noStream'))
    for (const error of await Promise.all([underWay, behind, refusal(listening)]))
      expect(error).to.include({ code: 'Unavailable' })
    expect(fatal.map(({ message }) => message)).to.deep.equal(['EIO'])
    broken = false
    expect(await refusal(append(stream, newEvents(1), 0))).to.include({ code: 'Unavailable' })
    const database = statSync(file).size
    await store.close()
    expect(statSync(file).size, 'what may be lost is not moved into the database').to.equal(database)
    expect(statSync(`${file}-wal`).size).to.be.greaterThan(0)
  })

  it('keeps its write-ahead log short while appends never pause', async () => {
    const maxWalBytes = 1024 * 1024
    open({ maxWalBytes })
    const writers = Array.from({ length: 8 }, async () => {
      const stream = newStream()
      for (let n = 0; n < 60; n++) await append(stream, [newEvent('x'.repeat(30_000))], n === 0 ? 'noStream' : n - 1)
    })
    await Promise.all(writers)
    // What one group adds to a log that was just short enough is on top.
    expect(statSync(`${file}-wal`).size).to.be.within(maxWalBytes / 2, 2 * maxWalBytes)
    expect(await readAllFrom('start')).to.have.length(480)
  })

  it('gives everything once to a subscriber for whom more has gathered than memory is spent on', async () => {
    open()
    const stream = newStream()
    const events = [newEvent(), ...Array.from({ length: 150 }, () => newEvent('x'.repeat(200_000))), newEvent()]
    const appendOne = (n: number) => append(stream, events.slice(n, n + 1), n === 0 ? 'noStream' : n - 1)
    let behind: Promise<unknown> | undefined
    const given = take(store.subscribeToAll({ from: 'start', signal: new AbortController().signal }), 152, () => {
      behind ??= (async () => {
        for (let n = 1; n < 152; n++) await appendOne(n)
      })()
      return behind
    })
    await appendOne(0)
    expect(idsOf(await given)).to.deep.equal(idsOf(events))
  })

  it('writes a great many appends of one turn in several groups', async () => {
    let syncs = 0
    open({
      sync: (_descriptor, done) => {
        syncs++
        setImmediate(done, null)
      },
    })
    const answers = await Promise.all(
      Array.from({ length: 200 }, () => append(newStream(), newEvents(100), 'noStream')),
    )
    expect(syncs).to.equal(5)
    expect(new Set(answers.map(({ position }) => position)).size).to.equal(200)
    expect(await readAllFrom('start')).to.have.length(20_000)
  })

  it('refuses a group of which one event cannot be written, as a whole, and goes on as if it had not been', async () => {
    open()
    const stream = newStream()
    const { position } = await append(stream, newEvents(1), 'noStream')
    const other = new Database(file)
    other.exec(`CREATE TRIGGER no_room BEFORE INSERT ON events WHEN new.type = 'TooMuch'
      BEGIN SELECT RAISE(ABORT, 'no room'); END`)
    other.close()
    const unknown = newStream()
    const group = [
      append(stream, newEvents(2), 0),
      append(unknown, [newEvent(), { ...newEvent(), type: 'TooMuch' }], 'noStream'),
      append(stream, newEvents(1), 2),
    ]
    for (const error of await Promise.all(group.map(refusal))) expect(error).to.include({ code: 'Unavailable' })
    expect(await store.head()).to.equal(position)
    expect(await readAllFrom('start')).to.have.length(1)
    expect(await append(stream, newEvents(1), 0)).to.include({ firstRevision: 1, lastRevision: 1 })
    expect(await append(unknown, newEvents(1), 'noStream')).to.include({ firstRevision: 0, lastRevision: 0 })
    const all = await readAllFrom('start')
    expect(all.map(({ revision }) => revision)).to.deep.equal([0, 1, 0])
    expect(all.map(({ position }) => Number(position))).to.deep.equal([1, 2, 3])
  })

  it('refuses a log of a newer version', async () => {
    open()
    await appendSome(1)
    await store.close()
    const other = new Database(file)
    other.pragma('user_version = 99')
    other.close()
    expect(() => open()).to.throw(/newer version/)
  })
})
