import type { DomainEvent, RecordedEvent } from '../eventsourcing/message.ts'
import type { ConversationId, UserId } from '../ids.ts'

/** Watermarks are seqs: everything up to and including them was delivered to, or read by, that user. */
export interface Watermarks {
  readonly delivered: number
  readonly read: number
}

/** How far the others are whom one member, the slowest, holds back. */
export interface Slowest {
  readonly userId: UserId
  readonly others: number
}

/** The lowest watermarks of the members. */
export type CommonWatermarks = {
  /** Delivered to, and read by, every member. */
  readonly allDelivered: number
  readonly allRead: number
  readonly slowest: { readonly delivered: Slowest; readonly read: Slowest }
}

/**
 * Delivered to, and read by, every member but the reader: what authors want to know, who may not have read
 * what others wrote. Without a reader: as every member sees it who is not the slowest.
 */
export const watermarksOfOthers = (
  { allDelivered, allRead, slowest }: CommonWatermarks,
  reader?: UserId,
): { readonly allDelivered: number; readonly allRead: number } => ({
  allDelivered: slowest.delivered.userId === reader ? slowest.delivered.others : allDelivered,
  allRead: slowest.read.userId === reader ? slowest.read.others : allRead,
})

/** Several users' new watermarks at once, at most about one event a second and conversation. */
export type ReceiptsAdvanced = DomainEvent<
  'ReceiptsAdvanced',
  {
    readonly conversationId: ConversationId
    readonly advances: readonly ({ readonly userId: UserId } & Watermarks)[]
  } & CommonWatermarks
>

export type ReceiptsEvent = ReceiptsAdvanced

/** Newest shape of this aggregate's events. */
export const RECEIPTS_SCHEMA = 1

/** Any shape ever stored, as today's event; `undefined` for a type this version does not know. */
export const upcastReceipts = (event: Pick<RecordedEvent, 'type' | 'data'>): ReceiptsEvent | undefined =>
  event.type === 'ReceiptsAdvanced' ? (event as ReceiptsEvent) : undefined
