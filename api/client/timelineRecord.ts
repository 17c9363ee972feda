import type { Content } from '../../domain/content/content.ts'
import { visibleMessage } from '../../domain/content/visible.ts'
import type { ServerFrameOf } from '../protocol/serverFrames.ts'

export type EventFrame = ServerFrameOf<'event'>

/** Names a message and the revision it was sent at. */
export interface MessageReference {
  readonly messageId: string
  readonly revision: number
}

/** A message as it is stored: what was sent, and what became of it. */
export interface MessageRecord {
  readonly kind: 'message'
  readonly conversationId: string
  readonly messageId: string
  readonly revision: number
  readonly seq: number
  readonly from: string
  readonly at: string
  readonly replyTo?: MessageReference
  /** Absent once deleted: a deleted message leaves no content behind. */
  readonly original?: Content
  readonly edits: readonly { readonly revision: number; readonly content: Content }[]
  readonly deletedAt?: string
}

/** Anything else that happened in a conversation: started, renamed, members come and gone. */
export interface ChangeRecord {
  readonly kind: 'change'
  readonly conversationId: string
  readonly revision: number
  readonly at: string
  readonly by: string
  /** `ConversationStarted`, `MemberAdded`, `MemberRemoved`, `MemberLeft`, `RoleChanged`, `DetailsChanged`, or newer. */
  readonly change: string
  readonly data: Readonly<Record<string, unknown>>
}

export type TimelineRecord = MessageRecord | ChangeRecord

/** Orders as revisions do within a conversation. */
export const timelineKey = (conversationId: string, revision: number): string =>
  `${conversationId}/${revision.toString().padStart(10, '0')}`

/** What an event says about a message; deleted ones come without content, edited ones with the newest. */
interface MessageData {
  readonly messageId?: string
  readonly seq?: number
  readonly content?: Content
  readonly replyTo?: MessageReference
  readonly targetRevision?: number
  readonly editedAtRevision?: number
  readonly deletedAt?: string
}

/** The record that an event changes: its own, or that of the older message it is about. */
export const targetOf = ({ eventType, revision, data }: EventFrame): number | undefined => {
  if (eventType !== 'MessageEdited' && eventType !== 'MessageDeleted') return revision
  return (data as { targetRevision?: number }).targetRevision
}

/**
 * The record after an event; `undefined` where there is none. Commutes, and a repetition changes nothing: pages of
 * history and live events may arrive in any order.
 */
export const foldTimeline = (
  before: TimelineRecord | undefined,
  conversationId: string,
  frame: EventFrame,
): TimelineRecord | undefined => {
  const { eventType, revision, at, actor } = frame
  const data = frame.data as MessageData
  switch (eventType) {
    case 'MessageSent':
      return before ?? sent(conversationId, frame, data)
    case 'MessageEdited':
      return edited(before, data, data.editedAtRevision ?? revision)
    case 'MessageDeleted':
      return before?.kind === 'message' ? forget(before, at) : before
    default:
      return (
        before ?? {
          kind: 'change',
          conversationId,
          revision,
          at,
          by: actor.userId,
          change: eventType,
          data: frame.data,
        }
      )
  }
}

const sent = (conversationId: string, { revision, at, actor }: EventFrame, data: MessageData): MessageRecord => {
  const { messageId = '', seq = 0, content, replyTo, editedAtRevision, deletedAt } = data
  const record = { kind: 'message' as const, conversationId, messageId, revision, seq, from: actor.userId, at }
  if (deletedAt !== undefined || content === undefined) return { ...record, edits: [], deletedAt: deletedAt ?? at }
  return {
    ...record,
    ...(replyTo !== undefined && { replyTo }),
    original: content,
    edits: editedAtRevision === undefined ? [] : [{ revision: editedAtRevision, content }],
  }
}

const edited = (
  before: TimelineRecord | undefined,
  { content, deletedAt }: MessageData,
  revision: number,
): TimelineRecord | undefined => {
  if (before?.kind !== 'message' || before.deletedAt !== undefined) return before
  if (deletedAt !== undefined) return forget(before, deletedAt)
  if (content === undefined || before.edits.some((edit) => edit.revision === revision)) return before
  return { ...before, edits: [...before.edits, { revision, content }].sort((a, b) => a.revision - b.revision) }
}

const forget = ({ original: _, ...rest }: MessageRecord, deletedAt: string): MessageRecord => ({
  ...rest,
  edits: [],
  deletedAt: rest.deletedAt ?? deletedAt,
})

export type MessageStatus = 'sending' | 'sent' | 'delivered' | 'read' | 'failed'

/** A message as a person sees it. */
export interface Message {
  readonly kind: 'message'
  readonly conversationId: string
  readonly messageId: string
  /** Place in the conversation; absent until the server has stored it. */
  readonly revision?: number
  /** Number among the messages of the conversation, from 1; absent until the server has stored it. */
  readonly seq?: number
  /** UserId. */
  readonly from: string
  /** ISO 8601. */
  readonly at: string
  readonly replyTo?: MessageReference
  /** Absent once deleted for everyone. */
  readonly content?: Content
  readonly edited: boolean
  readonly deleted: boolean
  /** Own messages only. In groups: that of all members together. */
  readonly status?: MessageStatus
  /** Why it was refused; present when `failed`. */
  readonly error?: { readonly code: string; readonly message: string }
}

export const viewMessage = (record: MessageRecord, status: MessageStatus | undefined): Message => {
  const { original, edits, deletedAt, ...rest } = record
  const seen = original === undefined || deletedAt !== undefined ? undefined : visibleMessage({ original, edits })
  const shown = seen?.deleted === false ? seen : undefined
  return {
    ...rest,
    ...(shown !== undefined && { content: shown.content }),
    edited: shown?.editedAtRevision !== undefined,
    deleted: shown === undefined,
    ...(status !== undefined && { status }),
  }
}
