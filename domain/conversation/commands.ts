import type { Content } from '../content/content.ts'
import type { Actor } from '../eventsourcing/message.ts'
import type { ConversationId, MessageId, UserId } from '../ids.ts'
import type { ConversationMode, MessageReference, Role } from './events.ts'

export interface StartDirect {
  readonly type: 'StartDirect'
  /** Derived from the two users. */
  readonly conversationId: ConversationId
  readonly peer: UserId
  readonly mode: ConversationMode
}
export interface StartGroup {
  readonly type: 'StartGroup'
  readonly conversationId: ConversationId
  readonly title: string
  /** Besides the one who starts it. */
  readonly members: readonly UserId[]
  readonly mode: ConversationMode
}
export interface AddMembers {
  readonly type: 'AddMembers'
  readonly conversationId: ConversationId
  readonly userIds: readonly UserId[]
}
export interface RemoveMember {
  readonly type: 'RemoveMember'
  readonly conversationId: ConversationId
  readonly userId: UserId
}
export interface LeaveConversation {
  readonly type: 'LeaveConversation'
  readonly conversationId: ConversationId
  /** Becomes an admin; needed when the last admin leaves others behind. */
  readonly successor?: UserId
}
export interface ChangeRole {
  readonly type: 'ChangeRole'
  readonly conversationId: ConversationId
  readonly userId: UserId
  readonly role: Role
}
export interface ChangeDetails {
  readonly type: 'ChangeDetails'
  readonly conversationId: ConversationId
  readonly title: string
}
export interface SendMessage {
  readonly type: 'SendMessage'
  readonly conversationId: ConversationId
  readonly messageId: MessageId
  readonly content: Content
  readonly replyTo?: MessageReference
}
export interface EditMessage {
  readonly type: 'EditMessage'
  readonly conversationId: ConversationId
  readonly messageId: MessageId
  /** Of the MessageSent. */
  readonly revision: number
  readonly content: Content
}
export interface DeleteMessage {
  readonly type: 'DeleteMessage'
  readonly conversationId: ConversationId
  readonly messageId: MessageId
  /** Of the MessageSent. */
  readonly revision: number
}

export type ConversationCommand =
  | StartDirect
  | StartGroup
  | AddMembers
  | RemoveMember
  | LeaveConversation
  | ChangeRole
  | ChangeDetails
  | SendMessage
  | EditMessage
  | DeleteMessage

/** The message that a command is about, read from the conversation's own stream. */
export interface TargetMessage {
  readonly messageId: MessageId
  readonly revision: number
  readonly seq: number
  readonly author: Actor['userId']
  /** Milliseconds since the epoch. */
  readonly sentAt: number
}

/** Facts of other streams and of older events, as plain data. */
export interface ConversationFacts {
  /** Of the users that the command names: who has an account. */
  readonly existing?: ReadonlySet<UserId>
  /** Of the message that the command names; absent when there is no message at that revision. */
  readonly target?: TargetMessage
}

export interface ConversationLimits {
  readonly maxGroupSize: number
  readonly maxContentBytes: number
  /** At most 24 hours. */
  readonly editWindowMs: number
  /** For senders; admins may delete at any time. */
  readonly deleteWindowMs: number
}

/** Members that one command adds at most: its events go into one append. */
export const MAX_MEMBERS_PER_COMMAND = 200
