import type { DomainEvent, RecordedEvent } from '../eventsourcing/message.ts'
import type { ConversationId } from '../ids.ts'

/** Read up to a seq, known to the own devices only. */
export type ReadPrivately = DomainEvent<
  'ReadPrivately',
  { readonly conversationId: ConversationId; readonly upTo: number }
>

export type UserStateEvent = ReadPrivately

/** Newest shape of this aggregate's events. */
export const USER_STATE_SCHEMA = 1

/** Any shape ever stored, as today's event; `undefined` for a type this version does not know. */
export const upcastUserState = (event: Pick<RecordedEvent, 'type' | 'data'>): UserStateEvent | undefined =>
  event.type === 'ReadPrivately' ? (event as UserStateEvent) : undefined
