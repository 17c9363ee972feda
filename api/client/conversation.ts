import type { ConversationRecord, MessagePreview } from './conversationRecord.ts'

/** A conversation as the inbox shows it. */
export interface Conversation {
  readonly conversationId: string
  readonly kind: 'direct' | 'group'
  readonly mode: 'plain' | 'encrypted'
  /** Groups only. */
  readonly title?: string
  /** UserId of the other one; direct conversations only. */
  readonly peer?: string
  readonly role: 'admin' | 'member'
  /** False: you left, or were removed; it stays as it was then. */
  readonly active: boolean
  readonly unread: number
  /** Seq of the newest message, and that up to which you have read. */
  readonly lastSeq: number
  readonly read: number
  /** ISO 8601. */
  readonly activity: string
  readonly last?: MessagePreview
}

export const viewConversation = (record: ConversationRecord, self: string): Conversation => {
  const { conversationId, kind, mode, title, peers, role, active, lastSeq, read, activity, last } = record
  const peer = peers.find((userId) => userId !== self) ?? peers[0]
  return {
    conversationId,
    kind,
    mode,
    ...(title !== undefined && { title }),
    ...(kind === 'direct' && peer !== undefined && { peer }),
    role,
    active,
    unread: unreadOf(record),
    lastSeq,
    read,
    activity,
    ...(last !== undefined && { last }),
  }
}

/** Of a record that came into being by its receipts alone nothing else is known yet. */
export const isKnown = ({ activity }: ConversationRecord): boolean => activity !== ''

export const byActivity = (a: ConversationRecord, b: ConversationRecord): number =>
  a.activity === b.activity ? 0 : a.activity < b.activity ? 1 : -1

/** By arithmetic: what lies beyond what was read, what was sent, and what was there before this user. */
const unreadOf = ({ active, lastSeq, read, lastSent, joinedSeq }: ConversationRecord): number =>
  active ? Math.max(0, lastSeq - Math.max(read, lastSent, joinedSeq)) : 0
