import type { DomainEvent, RecordedEvent } from '../eventsourcing/message.ts'
import type { ConversationId, UserId } from '../ids.ts'

/** Watermarks are seqs: everything up to and including them was delivered to, or read by, that user. */
export interface Watermarks {
  readonly delivered: number
  readonly read: number
}

/** Several users' new watermarks at once, at most about one event a second and conversation. */
export type ReceiptsAdvanced = DomainEvent<
  'ReceiptsAdvanced',
  {
    readonly conversationId: ConversationId
    readonly advances: readonly ({ readonly userId: UserId } & Watermarks)[]
    /** Delivered to, and read by, every member: the lowest watermarks, where own messages do not hold back. */
    readonly allDelivered: number
    readonly allRead: number
  }
>

export type ReceiptsEvent = ReceiptsAdvanced

/** Newest shape of this aggregate's events. */
export const RECEIPTS_SCHEMA = 1

/** Any shape ever stored, as today's event; `undefined` for a type this version does not know. */
export const upcastReceipts = (event: Pick<RecordedEvent, 'type' | 'data'>): ReceiptsEvent | undefined =>
  event.type === 'ReceiptsAdvanced' ? (event as ReceiptsEvent) : undefined
