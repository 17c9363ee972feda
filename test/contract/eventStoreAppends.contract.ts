import { expect } from 'chai'
import fc from 'fast-check'
import { describe, it } from 'mocha'
import { ConcurrencyConflict, type EventStore, type ExpectedRevision } from '../../domain/eventsourcing/eventStore.ts'
import type { NewEvent } from '../../domain/eventsourcing/message.ts'
import type { EventId } from '../../domain/ids.ts'
import {
  eventStoreSteps,
  idsOf,
  metadata,
  newEvent,
  newEvents,
  newStream,
  refusal,
  take,
} from '../support/eventStoreSteps.ts'

/** Appending: order, conflicts, repetition, JSON. */
export const appendsContract = (current: () => EventStore): void => {
  const { append, readWhole, readAllFrom, here } = eventStoreSteps(current)

  describe('appendToStream', () => {
    it('numbers the events of a stream from 0 without gaps', async () => {
      const stream = newStream()
      expect(await append(stream, newEvents(1), 'noStream')).to.include({ firstRevision: 0, lastRevision: 0 })
      expect(await append(stream, newEvents(3), 0)).to.include({ firstRevision: 1, lastRevision: 3 })
      expect(await append(stream, newEvents(1), 3)).to.include({ firstRevision: 4, lastRevision: 4 })
      expect((await readWhole(stream)).map(({ revision }) => revision)).to.deep.equal([0, 1, 2, 3, 4])
    })

    it('answers with the position that readAll gives the last event', async () => {
      const from = await here()
      const result = await append(newStream(), newEvents(3), 'noStream')
      const events = await current().readAll({ from, maxCount: 10 })
      expect(events.map(({ position }) => position)[2]).to.equal(result.position)
      expect(events).to.have.length(3)
    })

    it('is read back as soon as it is answered', async () => {
      const stream = newStream()
      const event = newEvent({ text: 'hello' })
      const { position } = await append(stream, [event], 'noStream')
      const [recorded] = await readWhole(stream)
      expect(recorded).to.include({
        stream,
        revision: 0,
        id: event.id,
        type: 'NoteTaken',
        dataText: '{"text":"hello"}',
      })
      expect(recorded?.data).to.deep.equal({ text: 'hello' })
      expect(recorded?.metadata).to.deep.equal(metadata)
      expect(await current().head()).to.equal(position)
    })

    for (const { expected, actual, events } of [
      { expected: 'noStream', actual: 2, events: 3 },
      { expected: 0, actual: 2, events: 3 },
      { expected: 3, actual: 2, events: 3 },
      { expected: 0, actual: 'noStream', events: 0 },
    ] as const) {
      it(`conflicts when the stream is expected at ${expected} and is at ${actual}, and adds nothing`, async () => {
        const stream = newStream()
        if (events > 0) await append(stream, newEvents(events), 'noStream')
        const error = await refusal(append(stream, newEvents(2), expected))
        expect(error).to.be.instanceOf(ConcurrencyConflict)
        expect(error).to.include({ stream, expected, actual })
        expect(await readWhole(stream)).to.have.length(events)
      })
    }

    it('leaves a stream that was refused its first append as if nothing had been tried', async () => {
      const stream = newStream()
      await refusal(append(stream, newEvents(1), 7))
      expect(await append(stream, newEvents(1), 'noStream')).to.include({ firstRevision: 0, lastRevision: 0 })
    })

    it('appends the same events at the same revision once, and answers as the first time', async () => {
      const stream = newStream()
      const [first, second] = [newEvents(2), newEvents(3)]
      const answers = [await append(stream, first, 'noStream'), await append(stream, second, 1)]
      await append(stream, newEvents(1), 4)
      expect([await append(stream, first, 'noStream'), await append(stream, second, 1)]).to.deep.equal(answers)
      expect(await readWhole(stream)).to.have.length(6)
    })

    it('appends the same events once when both come at the same time', async () => {
      const stream = newStream()
      const events = newEvents(2)
      const answers = await Promise.all([1, 2, 3].map(() => append(stream, events, 'noStream')))
      expect(new Set(answers.map((answer) => JSON.stringify(answer))).size).to.equal(1)
      expect(await readWhole(stream)).to.have.length(2)
    })

    it('conflicts when only some of the events are there already', async () => {
      const stream = newStream()
      const events = newEvents(3)
      await append(stream, events, 'noStream')
      const [first, second, third] = events as [NewEvent, NewEvent, NewEvent]
      for (const [again, expected] of [
        [[first, newEvent(), third], 'noStream'],
        [[newEvent(), second, third], 'noStream'],
        [[...events, newEvent()], 'noStream'],
        [[second, third], 'noStream'],
        [[first, second], 0],
        [[third, newEvent()], 1],
      ] as const)
        expect(await refusal(append(stream, again, expected))).to.include({ name: 'ConcurrencyConflict', actual: 2 })
      expect(idsOf(await readWhole(stream))).to.deep.equal(idsOf(events))
    })

    it('takes 256 events at once, next to each other in the log', async () => {
      const from = await here()
      const events = newEvents(256)
      const others = [append(newStream(), newEvents(2), 'noStream'), append(newStream(), newEvents(2), 'noStream')]
      const result = append(newStream(), events, 'noStream')
      await Promise.all(others)
      expect(await result).to.include({ firstRevision: 0, lastRevision: 255 })
      const ids = idsOf(await readAllFrom(from))
      const start = ids.indexOf((events[0] as NewEvent).id)
      expect(ids.slice(start, start + 256)).to.deep.equal(idsOf(events))
    })

    it('refuses an append of nothing', async () => {
      expect(await refusal(append(newStream(), [], 'noStream'))).to.be.instanceOf(RangeError)
    })

    it('refuses what is not JSON, and only that', async () => {
      const circular: Record<string, unknown> = {}
      circular.self = circular
      const stream = newStream()
      const good = append(stream, [newEvent('fine')], 'noStream')
      const bad = [circular, { n: 1n }, undefined, () => 1].map((data) =>
        refusal(append(newStream(), [newEvent(), { ...newEvent(), data }], 'noStream')),
      )
      for (const error of await Promise.all(bad)) expect(error).to.be.instanceOf(TypeError)
      expect(await good).to.include({ firstRevision: 0 })
      expect(await readWhole(stream)).to.have.length(1)
    })

    it('keeps an event as it was when the append was called', async () => {
      const stream = newStream()
      const data = { text: 'before' }
      const result = append(stream, [newEvent(data)], 'noStream')
      data.text = 'after'
      await result
      expect((await readWhole(stream))[0]?.data).to.deep.equal({ text: 'before' })
    })

    it('has exactly one winner a revision among those who race for it', async () => {
      const stream = newStream()
      const won: EventId[] = []
      const race = async (): Promise<void> => {
        let at: ExpectedRevision = 'noStream'
        for (let wins = 0; wins < 10; ) {
          const event = newEvent()
          try {
            const { lastRevision } = await append(stream, [event], at)
            won[lastRevision] = event.id
            at = lastRevision
            wins++
          } catch (error) {
            if (!(error instanceof ConcurrencyConflict)) throw error
            at = error.actual
            const seen = await current().readStream(stream, { direction: 'backwards', maxCount: 1 })
            expect(seen[0]?.revision, 'no conflict with what cannot be read').to.be.at.least(error.actual as number)
          }
        }
      }
      await Promise.all(Array.from({ length: 6 }, race))
      expect(idsOf(await readWhole(stream))).to.deep.equal(won)
      expect(won).to.have.length(60)
    })

    it('lets no loser spoil what others append at the same time', async () => {
      const streams = Array.from({ length: 40 }, newStream)
      const outcomes = await Promise.allSettled(
        streams.flatMap((stream) => [
          append(stream, newEvents(2), 'noStream'),
          append(stream, newEvents(1), 'noStream'),
          append(stream, newEvents(1), 5),
        ]),
      )
      expect(outcomes.map(({ status }) => status)).to.deep.equal(
        streams.flatMap(() => ['fulfilled', 'rejected', 'rejected']),
      )
      for (const stream of streams) expect(await readWhole(stream)).to.have.length(2)
    })
  })

  describe('data', () => {
    const deep = (levels: number): unknown => (levels === 0 ? 'bottom' : [{ deeper: deep(levels - 1) }])

    for (const [what, data] of Object.entries({
      'text of all planes': { text: 'naïve 漢字 👩‍👩‍👧‍👦 \u{10ffff} \ud83d \u0000 \u2028 "\\' },
      'keys of all kinds': { '': 1, __proto__x: 2, '👻': 3, 'a.b': 4, '0': 5 },
      numbers: [0, -1, 0.1, 1e21, 1e-7, Number.MAX_SAFE_INTEGER, Number.MAX_VALUE, Number.MIN_VALUE],
      'deep structures': deep(200),
      nothing: [null, [], {}, '', [[]]],
      'a bare value': 'text',
      null: null,
      'a large value': 'x'.repeat(300_000),
    })) {
      it(`survives: ${what}`, async () => {
        const stream = newStream()
        const from = await here()
        await append(stream, [newEvent(data)], 'noStream')
        for (const [event] of [await readWhole(stream), await current().readAll({ from, maxCount: 1 })]) {
          expect(event?.dataText).to.equal(JSON.stringify(data))
          expect(event?.data).to.deep.equal(data)
        }
      })
    }

    it('is JSON: fields that are undefined vanish, dates become text, for every reader', async () => {
      const stream = newStream()
      const abort = new AbortController()
      const from = await here()
      const live = take(current().subscribeToAll({ from, signal: abort.signal }), 1)
      await append(stream, [newEvent({ a: undefined, at: new Date(0), list: [undefined] })], 'noStream')
      const expected = { at: '1970-01-01T00:00:00.000Z', list: [null] }
      for (const [event] of [await readWhole(stream), await current().readAll({ from, maxCount: 1 }), await live])
        expect(event?.data).to.deep.equal(expected)
    })

    it('survives, whatever JSON it is', async () => {
      const stream = newStream()
      let at: ExpectedRevision = 'noStream'
      await fc.assert(
        fc.asyncProperty(fc.jsonValue(), async (value) => {
          const { lastRevision } = await append(stream, [newEvent(value)], at)
          at = lastRevision
          const [event] = await current().readStream(stream, { from: at, maxCount: 1 })
          expect(event?.data).to.deep.equal(JSON.parse(JSON.stringify(value)))
        }),
      )
    })
  })
}
