import { type DomainEvent, type EventMetadata, StoredEvent } from '../../domain/eventsourcing/message.ts'
import type { CommandId, EventId, Position, StreamName, UserId } from '../../domain/ids.ts'
import { deepFreeze } from './decider.ts'

export const positionOf = (place: number): Position => place.toString(16).padStart(16, '0') as Position

const idOf = (kind: string, n: number): string => `01990000-0000-7000-8${kind}-${n.toString(16).padStart(12, '0')}`

export const START = Date.parse('2026-03-01T12:00:00.000Z')

/** Time of the `place`th event of a history: they happen a second apart. */
export const atPlace = (place: number): string => new Date(START + place * 1_000).toISOString()

export interface Circumstances {
  readonly by?: UserId
  readonly commandId?: string
  readonly schema?: number
}

/** What has happened, in order: gives each event its place in its stream and in the whole log. */
export class History {
  readonly events: StoredEvent[] = []
  readonly #revisions = new Map<StreamName, number>()
  readonly #kind: string

  /** Histories of different kinds have no event in common. */
  constructor(kind = 'e00') {
    this.#kind = kind
  }

  happened(stream: StreamName, event: DomainEvent, { by, commandId, schema = 1 }: Circumstances = {}): StoredEvent {
    const place = this.events.length + 1
    const revision = this.#revisions.get(stream) ?? 0
    this.#revisions.set(stream, revision + 1)
    const metadata: EventMetadata = {
      actor: { userId: by ?? ('00000000-0000-8000-8000-0000000000ff' as UserId) },
      at: atPlace(place),
      commandId: (commandId ?? idOf('c00', place)) as CommandId,
      correlationId: idOf('c00', place),
      schema,
    }
    const recorded = new StoredEvent(
      stream,
      revision,
      idOf(this.#kind, place) as EventId,
      event.type,
      JSON.stringify(event.data),
      JSON.stringify(metadata),
      positionOf(place),
    )
    deepFreeze(recorded.data)
    deepFreeze(recorded.metadata)
    this.events.push(recorded)
    return recorded
  }
}
