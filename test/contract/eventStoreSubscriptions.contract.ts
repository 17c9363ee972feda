import { setTimeout as sleep } from 'node:timers/promises'
import { expect } from 'chai'
import { describe, it } from 'mocha'
import type { EventStore } from '../../domain/eventsourcing/eventStore.ts'
import type { PositionedEvent } from '../../domain/eventsourcing/message.ts'
import type { EventId, Position } from '../../domain/ids.ts'
import { eventStoreSteps, idsOf, newEvents, newStream, take } from '../support/eventStoreSteps.ts'

/** Subscribing: everything once, in order, at the pace of the consumer. */
export const subscriptionsContract = (current: () => EventStore): void => {
  const { append, appendSome, readAllFrom, here } = eventStoreSteps(current)

  describe('subscribeToAll', () => {
    let abort: AbortController
    const subscribe = (from: Position | 'start' | 'end') => {
      abort = new AbortController()
      return current().subscribeToAll({ from, signal: abort.signal })
    }

    it('gives everything from the start, in the order of readAll', async () => {
      await appendSome(20)
      const all = await readAllFrom('start')
      const given = await take(subscribe('start'), all.length)
      expect(given.map(({ id, position, revision }) => ({ id, position, revision }))).to.deep.equal(
        all.map(({ id, position, revision }) => ({ id, position, revision })),
      )
    })

    it('gives what comes after a position, and goes on with what is appended', async () => {
      const from = await here()
      const before = await appendSome(5)
      const [first] = await current().readAll({ from, maxCount: 1 })
      const given = take(subscribe((first as PositionedEvent).position), 9)
      const later = await appendSome(5)
      expect(idsOf(await given)).to.deep.equal([...before.slice(1), ...later])
    })

    it('gives from the end what is appended later, and nothing older', async () => {
      const older = await appendSome(3)
      const given = take(subscribe('end'), 1)
      const arrived = given.then(() => true)
      const later: EventId[] = []
      while (!(await Promise.race([arrived, sleep(5, false)]))) later.push(...(await appendSome(1)))
      const [first] = await given
      expect(older).not.to.include(first?.id)
      expect(later).to.include(first?.id)
    })

    it('gives batches of at least one event, as its readers find them', async () => {
      const from = await here()
      const stream = newStream()
      const seen = take(subscribe(from), 300, async (batch) => {
        expect(batch.length).to.be.at.least(1)
        const last = batch.at(-1) as PositionedEvent
        const [found] = await current().readStream(last.stream, { from: last.revision, maxCount: 1 })
        expect(found?.id, 'an event is readable when it arrives').to.equal(last.id)
        expect(((await current().head()) as Position) >= last.position).to.equal(true)
      })
      await append(stream, newEvents(256), 'noStream')
      await append(stream, newEvents(44), 255)
      expect((await seen).map(({ revision }) => revision)).to.deep.equal(Array.from({ length: 300 }, (_, n) => n))
    })

    it('waits for a slow consumer, who misses nothing', async () => {
      const from = await here()
      let inside = 0
      const given = take(subscribe(from), 60, async () => {
        expect(++inside, 'no overlap').to.equal(1)
        await sleep(3)
        inside--
      })
      const ids = await appendSome(60)
      expect(idsOf(await given)).to.deep.equal(ids)
    })

    it('gives everything once to a consumer who comes back to it much later', async () => {
      const from = await here()
      const ids: EventId[] = []
      const given = take(subscribe(from), 10_001, async () => {
        if (ids.length > 1) return
        for (let round = 0; round < 40; round++) {
          const events = newEvents(250)
          ids.push(...idsOf(events))
          await append(newStream(), events, 'noStream')
        }
      })
      ids.push(...(await appendSome(1)))
      expect(idsOf(await given)).to.deep.equal(ids)
    })

    it('gives what is appended meanwhile after all that is older, however much that is', async () => {
      const from = await here()
      const older = newEvents(2_000)
      await append(newStream(), older, 'noStream')
      const meanwhile: EventId[] = []
      const given = await take(subscribe(from), 2_001, async () => {
        meanwhile.push(...(await appendSome(1)))
      })
      expect(idsOf(given).slice(0, 2_001)).to.deep.equal([...idsOf(older), meanwhile[0]])
    })

    it('gives the same to all who subscribe, wherever they begin, while others append', async () => {
      const begin = await here()
      const writers = Array.from({ length: 8 }, async (_, writer) => {
        for (let n = 0; n < 40; n++) {
          await append(newStream(), newEvents(1 + ((n + writer) % 3)), 'noStream')
          if (n % 7 === writer % 7) await sleep(1)
        }
      })
      const total = Array.from({ length: 8 }, (_, writer) => writer)
        .flatMap((writer) => Array.from({ length: 40 }, (_, n) => 1 + ((n + writer) % 3)))
        .reduce((sum, count) => sum + count)
      const subscribers = Array.from({ length: 8 }, async (_, n) => {
        await sleep(n * 3)
        const [event] = n % 2 === 0 ? [] : await current().readAll({ from: begin, maxCount: 1 })
        const from = event?.position ?? begin
        const skipped = event === undefined ? 0 : 1
        return { skipped, given: await take(subscribe(from), total - skipped, () => (n % 3 ? undefined : sleep(n))) }
      })
      await Promise.all(writers)
      const all = idsOf(await readAllFrom(begin))
      expect(all).to.have.length(total)
      for (const { skipped, given } of await Promise.all(subscribers))
        expect(idsOf(given)).to.deep.equal(all.slice(skipped))
    })

    it('ends when it is aborted while it waits', async () => {
      const events = subscribe('end')
      const ended = take(events, 1)
      await sleep(5)
      abort.abort()
      expect(await ended).to.deep.equal([])
    })

    it('ends at once when it is aborted while there is more to give', async () => {
      const from = await here()
      await appendSome(30)
      let batches = 0
      await take(subscribe(from), Number.POSITIVE_INFINITY, async () => {
        batches++
        await appendSome(1)
        abort.abort()
      })
      expect(batches).to.equal(1)
    })

    it('gives nothing when it was aborted before', async () => {
      const events = subscribe('start')
      abort.abort()
      expect(await take(events, 1)).to.deep.equal([])
    })
  })
}
