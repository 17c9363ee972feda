import type { Content } from '../content/content.ts'
import type { DomainEvent, RecordedEvent } from '../eventsourcing/message.ts'
import type { ConversationId, MessageId, UserId } from '../ids.ts'

export type ConversationKind = 'direct' | 'group'
/** Fixed at creation: whether the server can read what is said. */
export type ConversationMode = 'plain' | 'encrypted'
/** In a direct conversation both are `member`. */
export type Role = 'admin' | 'member'

/** Whatever may have to be forgotten about a conversation. */
export interface ConversationDetails {
  readonly title: string
}

/** Always the first event of its stream. */
export type ConversationStarted = DomainEvent<
  'ConversationStarted',
  {
    readonly conversationId: ConversationId
    readonly kind: ConversationKind
    readonly mode: ConversationMode
    /** Groups only. */
    readonly details?: ConversationDetails
  }
>
/** The `lastSeq` of the three membership events is the conversation's at that moment. */
export type MemberAdded = DomainEvent<
  'MemberAdded',
  {
    readonly userId: UserId
    readonly role: Role
    readonly lastSeq: number
    /** Added by the very command that started the conversation: sees it from its first revision. */
    readonly founding?: true
  }
>
export type MemberRemoved = DomainEvent<'MemberRemoved', { readonly userId: UserId; readonly lastSeq: number }>
export type MemberLeft = DomainEvent<'MemberLeft', { readonly userId: UserId; readonly lastSeq: number }>
export type RoleChanged = DomainEvent<'RoleChanged', { readonly userId: UserId; readonly role: Role }>
export type DetailsChanged = DomainEvent<'DetailsChanged', { readonly details: ConversationDetails }>

/** Names a message and the revision it was sent at. */
export interface MessageReference {
  readonly messageId: MessageId
  readonly revision: number
}
export type MessageSent = DomainEvent<
  'MessageSent',
  {
    readonly messageId: MessageId
    /** Number of the message within its conversation, from 1, dense. */
    readonly seq: number
    readonly replyTo?: MessageReference
    readonly content: Content
  }
>
export type MessageEdited = DomainEvent<
  'MessageEdited',
  {
    readonly messageId: MessageId
    readonly seq: number
    /** Revision of the MessageSent that this is about. */
    readonly targetRevision: number
    readonly content: Content
  }
>
export type MessageDeleted = DomainEvent<
  'MessageDeleted',
  { readonly messageId: MessageId; readonly seq: number; readonly targetRevision: number }
>

export type ConversationEvent =
  | ConversationStarted
  | MemberAdded
  | MemberRemoved
  | MemberLeft
  | RoleChanged
  | DetailsChanged
  | MessageSent
  | MessageEdited
  | MessageDeleted

const KNOWN: ReadonlySet<string> = new Set<ConversationEvent['type']>([
  'ConversationStarted',
  'MemberAdded',
  'MemberRemoved',
  'MemberLeft',
  'RoleChanged',
  'DetailsChanged',
  'MessageSent',
  'MessageEdited',
  'MessageDeleted',
])

/** First revision that the added member sees, given the revision of the event. */
export const visibleFrom = (added: MemberAdded['data'], revision: number): number =>
  added.founding === true ? 0 : revision

/** Newest shape of this aggregate's events. */
export const CONVERSATION_SCHEMA = 1

/** Any shape ever stored, as today's event; `undefined` for a type this version does not know. */
export const upcastConversation = (event: Pick<RecordedEvent, 'type' | 'data'>): ConversationEvent | undefined =>
  KNOWN.has(event.type) ? (event as ConversationEvent) : undefined
