import type { Content } from '../domain/content/content.ts'
import type { ConversationKind, ConversationMode, Role } from '../domain/conversation/events.ts'
import type { ConversationId, MessageId, Position, UserId } from '../domain/ids.ts'
import type { Interval } from './visibility.ts'

/** A user's place in one conversation. Key: `m/{userId}/{conversationId}`. */
export interface Membership {
  readonly userId: UserId
  readonly conversationId: ConversationId
  readonly role: Role
  readonly active: boolean
  readonly intervals: readonly Interval[]
  /** The conversation's lastSeq when the user was (last) added. */
  readonly joinedSeq: number
  /** ... and when the user left or was removed; absent while active. */
  readonly leftSeq?: number
  /** Own watermarks, private reading included. */
  readonly read: number
  readonly lastSent: number
}

/** What a conversation's newest events amount to. Key: `h/{conversationId}`. */
export interface ConversationHead {
  readonly conversationId: ConversationId
  readonly kind: ConversationKind
  readonly mode: ConversationMode
  readonly title?: string
  /** Both users of a direct conversation. */
  readonly peers?: readonly UserId[]
  readonly revision: number
  readonly position: Position
  readonly lastSeq: number
  /** ISO 8601 of the newest event. */
  readonly activity: string
  readonly last?: LastMessage
}

export interface LastMessage {
  readonly messageId: MessageId
  readonly revision: number
  readonly seq: number
  readonly from: UserId
  readonly at: string
  /** Absent once deleted; of an encrypted message the kind only. */
  readonly content?: Content | { readonly kind: 'encrypted' }
  /** The content before the edits, with the edit's revision: for readers who may not see the edit. */
  readonly edit?: { readonly revision: number; readonly before: Content | { readonly kind: 'encrypted' } }
  readonly deleted?: true
}

/** A conversation in a user's inbox, as that user may see it. */
export interface InboxEntry {
  readonly membership: Membership
  readonly head: ConversationHead
  readonly unread: number
}

export interface InboxPage {
  /** By activity, newest first. */
  readonly entries: readonly InboxEntry[]
  /** Opaque; absent at that end. */
  readonly next?: string
  readonly previous?: string
}

export interface Inbox {
  membership(userId: UserId, conversationId: ConversationId): Promise<Membership | undefined>
  /** Ended ones included. */
  memberships(userId: UserId): Promise<readonly Membership[]>
  /** Those whose document changed after a position; all without one. */
  changedMemberships(
    userId: UserId,
    after: Position | undefined,
  ): Promise<readonly { readonly membership: Membership; readonly position: Position }[]>
  heads(conversationIds: readonly ConversationId[]): Promise<ReadonlyMap<ConversationId, ConversationHead>>
  entry(userId: UserId, conversationId: ConversationId): Promise<InboxEntry | undefined>
  /** Throws `DomainError` InvalidCursor. */
  page(userId: UserId, options: { readonly cursor?: string; readonly limit: number }): Promise<InboxPage>
}
