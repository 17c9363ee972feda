import type { DomainEvent, RecordedEvent } from '../eventsourcing/message.ts'
import type { UserId } from '../ids.ts'

/** Holds the handle for a registration that is under way, until a moment (ISO 8601). */
export type HandleReserved = DomainEvent<'HandleReserved', { readonly userId: UserId; readonly until: string }>
export type HandleClaimed = DomainEvent<'HandleClaimed', { readonly userId: UserId }>
export type HandleReleased = DomainEvent<'HandleReleased', { readonly userId: UserId }>

export type HandleEvent = HandleReserved | HandleClaimed | HandleReleased

const KNOWN: ReadonlySet<string> = new Set<HandleEvent['type']>(['HandleReserved', 'HandleClaimed', 'HandleReleased'])

/** Newest shape of this aggregate's events. */
export const HANDLE_SCHEMA = 1

/** Any shape ever stored, as today's event; `undefined` for a type this version does not know. */
export const upcastHandle = (event: Pick<RecordedEvent, 'type' | 'data'>): HandleEvent | undefined =>
  KNOWN.has(event.type) ? (event as HandleEvent) : undefined
