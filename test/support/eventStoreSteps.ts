import { randomUUID } from 'node:crypto'
import type { AppendResult, EventStore, ExpectedRevision } from '../../domain/eventsourcing/eventStore.ts'
import type { EventMetadata, NewEvent, PositionedEvent, RecordedEvent } from '../../domain/eventsourcing/message.ts'
import type { CommandId, EventId, Position, StreamName, UserId } from '../../domain/ids.ts'

export const metadata: EventMetadata = {
  actor: { userId: '01920000-0000-7000-8000-00000000000a' as UserId },
  at: '2026-01-01T00:00:00.000Z',
  commandId: '01920000-0000-7000-8000-00000000000b' as CommandId,
  correlationId: '01920000-0000-7000-8000-00000000000b',
  schema: 1,
}

export const newStream = (): StreamName => `note-${randomUUID()}` as StreamName

export const newEvent = (data: unknown = {}): NewEvent => ({
  id: randomUUID() as EventId,
  type: 'NoteTaken',
  data,
  metadata,
})

export const newEvents = (count: number): NewEvent[] => Array.from({ length: count }, (_, n) => newEvent({ n }))

/** What an append is refused with. */
export const refusal = (append: Promise<unknown>): Promise<unknown> =>
  append.then(
    () => {
      throw new Error('the append was accepted')
    },
    (error: unknown) => error,
  )

/** What a subscription gives, until it is as many events as asked for. */
export const take = async (
  events: AsyncIterable<readonly PositionedEvent[]>,
  count: number,
  onBatch: (batch: readonly PositionedEvent[]) => Promise<unknown> | undefined = () => undefined,
): Promise<PositionedEvent[]> => {
  const taken: PositionedEvent[] = []
  for await (const batch of events) {
    taken.push(...batch)
    await onBatch(batch)
    if (taken.length >= count) break
  }
  return taken
}

export const idsOf = (events: readonly { readonly id: EventId }[]): EventId[] => events.map(({ id }) => id)

/** What specs of an EventStore do again and again; `current` is asked each time. */
export const eventStoreSteps = (current: () => EventStore) => {
  const append = (
    stream: StreamName,
    events: readonly NewEvent[],
    expectedRevision: ExpectedRevision,
  ): Promise<AppendResult> => current().appendToStream(stream, events, { expectedRevision })

  const readWhole = (stream: StreamName): Promise<readonly RecordedEvent[]> =>
    current().readStream(stream, { maxCount: 10_000 })

  return {
    append,
    readWhole,

    /** Appends to streams of its own, one after another. */
    async appendSome(count: number, streams = 3): Promise<EventId[]> {
      const names = Array.from({ length: streams }, newStream)
      const events = newEvents(count)
      for (const [n, event] of events.entries()) {
        const revision = Math.floor(n / streams) - 1
        await append(names[n % streams] as StreamName, [event], revision < 0 ? 'noStream' : revision)
      }
      return idsOf(events)
    },

    async readAllFrom(from: Position | 'start'): Promise<PositionedEvent[]> {
      const events: PositionedEvent[] = []
      for (;;) {
        const page = await current().readAll({ from: events.at(-1)?.position ?? from, maxCount: 1_000 })
        if (page.length === 0) return events
        events.push(...page)
      }
    },

    /** Where the log ends now. */
    here: async (): Promise<Position | 'start'> => (await current().head()) ?? 'start',
  }
}
