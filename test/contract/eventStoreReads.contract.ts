import { expect } from 'chai'
import { before, describe, it } from 'mocha'
import type { EventStore } from '../../domain/eventsourcing/eventStore.ts'
import type { PositionedEvent } from '../../domain/eventsourcing/message.ts'
import type { Position, StreamName } from '../../domain/ids.ts'
import { eventStoreSteps, idsOf, newEvents, newStream, refusal } from '../support/eventStoreSteps.ts'

/** Reading: streams, the whole log, its head. */
export const readsContract = (current: () => EventStore): void => {
  const { append, readWhole, appendSome, readAllFrom, here } = eventStoreSteps(current)

  describe('readStream', () => {
    let stream: StreamName
    before(async () => {
      stream = newStream()
      await append(stream, newEvents(4), 'noStream')
      await append(newStream(), newEvents(2), 'noStream')
      await append(stream, newEvents(6), 3)
    })
    const revisions = async (options: Parameters<EventStore['readStream']>[1]): Promise<number[]> =>
      (await current().readStream(stream, options)).map(({ revision }) => revision)

    it('is empty for a stream that does not exist', async () => {
      expect(await current().readStream(newStream(), { maxCount: 1 })).to.deep.equal([])
      expect(await current().readStream(newStream(), { direction: 'backwards', maxCount: 1 })).to.deep.equal([])
    })

    it('reads forwards from a revision, as many as asked for', async () => {
      expect(await revisions({ maxCount: 3 })).to.deep.equal([0, 1, 2])
      expect(await revisions({ from: 3, maxCount: 2 })).to.deep.equal([3, 4])
      expect(await revisions({ from: 8, maxCount: 100 })).to.deep.equal([8, 9])
      expect(await revisions({ from: 10, maxCount: 1 })).to.deep.equal([])
      expect(await revisions({ from: 'end', maxCount: 1 })).to.deep.equal([])
    })

    it('reads backwards from the end or a revision', async () => {
      expect(await revisions({ direction: 'backwards', maxCount: 3 })).to.deep.equal([9, 8, 7])
      expect(await revisions({ direction: 'backwards', from: 'end', maxCount: 1 })).to.deep.equal([9])
      expect(await revisions({ direction: 'backwards', from: 1, maxCount: 100 })).to.deep.equal([1, 0])
      expect(await revisions({ direction: 'backwards', from: 99, maxCount: 1 })).to.deep.equal([9])
    })

    it('gives no positions', async () => {
      for (const event of await readWhole(stream)) expect(event).not.to.have.property('position')
    })
  })

  describe('readAll', () => {
    it('gives positions of fixed width that order as text', async () => {
      await appendSome(40)
      const positions = (await readAllFrom('start')).map(({ position }) => position)
      for (const position of positions) expect(position).to.match(/^[0-9a-f]{16,}$/)
      expect(new Set(positions.map(({ length }) => length)).size).to.equal(1)
      expect(positions).to.deep.equal([...new Set(positions)].sort())
    })

    it('reads on behind a position, and back before one', async () => {
      const from = await here()
      const ids = await appendSome(9)
      const all = await current().readAll({ from, maxCount: 100 })
      expect(idsOf(all)).to.deep.equal(ids)
      const third = (all[3] as PositionedEvent).position
      expect(idsOf(await current().readAll({ from: third, maxCount: 2 }))).to.deep.equal(ids.slice(4, 6))
      const back = await current().readAll({ from: third, direction: 'backwards', maxCount: 2 })
      expect(idsOf(back)).to.deep.equal([ids[2], ids[1]])
      const newest = await current().readAll({ from: 'end', direction: 'backwards', maxCount: 2 })
      expect(idsOf(newest)).to.deep.equal([ids[8], ids[7]])
      expect(newest[0]?.position).to.equal(await current().head())
    })

    it('is empty beyond both ends', async () => {
      await appendSome(1)
      expect(await current().readAll({ from: 'end', maxCount: 5 })).to.deep.equal([])
      expect(await current().readAll({ from: (await current().head()) as Position, maxCount: 5 })).to.deep.equal([])
      expect(await current().readAll({ from: 'start', direction: 'backwards', maxCount: 5 })).to.deep.equal([])
    })

    it('gives each stream in the order of its revisions', async () => {
      const from = await here()
      await appendSome(30, 4)
      const next = new Map<StreamName, number>()
      for (const { stream, revision } of await readAllFrom(from)) {
        expect(revision).to.equal(next.get(stream) ?? 0)
        next.set(stream, revision + 1)
      }
      expect(next.size).to.equal(4)
    })
  })

  describe('head', () => {
    it('is the position of the newest event', async () => {
      const { position } = await append(newStream(), newEvents(2), 'noStream')
      expect(await current().head()).to.equal(position)
      await refusal(append(newStream(), newEvents(1), 4))
      expect(await current().head()).to.equal(position)
    })
  })
}
