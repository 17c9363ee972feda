import type { ConversationId, Position, UserId } from '../domain/ids.ts'

/** One user's watermarks in a conversation, as everybody in it may know them. Key: `{conversationId}/{userId}`. */
export interface ReceiptEntry {
  readonly conversationId: ConversationId
  readonly userId: UserId
  readonly delivered: number
  readonly read: number
}

/** Key: `{conversationId}`. */
export interface ReceiptSummary {
  readonly conversationId: ConversationId
  readonly allDelivered: number
  readonly allRead: number
}

export interface Receipts {
  summary(
    conversationId: ConversationId,
  ): Promise<{ readonly summary: ReceiptSummary; readonly position: Position } | undefined>
  /** By user id. Throws `DomainError` InvalidCursor. */
  entries(
    conversationId: ConversationId,
    options: { readonly cursor?: string; readonly limit: number },
  ): Promise<{ readonly entries: readonly ReceiptEntry[]; readonly next?: string; readonly previous?: string }>
}
