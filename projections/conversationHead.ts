import type { Content } from '../domain/content/content.ts'
import {
  type ConversationEvent,
  type ConversationKind,
  type ConversationMode,
  type MessageEdited,
  upcastConversation,
} from '../domain/conversation/events.ts'
import type { PositionedEvent } from '../domain/eventsourcing/message.ts'
import type { ConversationId, MessageId, Position, UserId } from '../domain/ids.ts'
import { isVisible, type Visibility } from './visibility.ts'

/** What a conversation's newest events amount to. Key: `h/{conversationId}`. */
export type ConversationHead = {
  readonly conversationId: ConversationId
  readonly kind: ConversationKind
  readonly mode: ConversationMode
  readonly title?: string
  /** Revision that gave the title. */
  readonly titleRevision?: number
  /** Both users of a direct conversation. */
  readonly peers?: readonly UserId[]
  readonly revision: number
  readonly position: Position
  readonly lastSeq: number
  /** ISO 8601 of the newest event. */
  readonly activity: string
  readonly last?: LastMessage
}

export type Preview = Content | { readonly kind: 'encrypted' }

export interface LastMessage {
  readonly messageId: MessageId
  readonly revision: number
  readonly seq: number
  readonly from: UserId
  readonly at: string
  /** Absent once deleted; of an encrypted message the kind only. */
  readonly content?: Preview
  /** The newest edit's revision and the content before all edits: for readers who may not see the edit. */
  readonly edit?: { readonly revision: number; readonly before: Preview }
  readonly deleted?: true
}

type MutableHead = { -readonly [K in keyof ConversationHead]: ConversationHead[K] }

export const projectHead = (
  before: ConversationHead | undefined,
  recorded: PositionedEvent,
): ConversationHead | undefined => {
  const event = upcastConversation(recorded)
  const { revision, position, metadata } = recorded
  const activity = metadata.at
  if (event?.type === 'ConversationStarted') {
    const { conversationId, kind, mode, details } = event.data
    const head: ConversationHead = { conversationId, kind, mode, revision, position, lastSeq: 0, activity }
    return details === undefined ? head : { ...head, title: details.title, titleRevision: revision }
  }
  if (before === undefined) return undefined
  const head: MutableHead = { ...before, revision, position, activity }
  if (event !== undefined) changeHead(head, event, recorded)
  return head
}

const changeHead = (head: MutableHead, event: ConversationEvent, recorded: PositionedEvent): void => {
  const { revision, metadata } = recorded
  switch (event.type) {
    case 'DetailsChanged':
      head.title = event.data.details.title
      head.titleRevision = revision
      return
    case 'MemberAdded':
      if (head.kind === 'direct') head.peers = [...(head.peers ?? []), event.data.userId]
      return
    case 'MessageSent': {
      const { messageId, seq, content } = event.data
      const { actor, at } = metadata
      head.lastSeq = seq
      head.last = { messageId, revision, seq, from: actor.userId, at, content: previewOf(content) }
      return
    }
    case 'MessageEdited':
      if (event.data.targetRevision === head.last?.revision) head.last = edited(head.last, event.data, revision)
      return
    case 'MessageDeleted':
      if (event.data.targetRevision === head.last?.revision) head.last = deleted(head.last)
      return
    default:
      return
  }
}

const previewOf = (content: Content): Preview => (content.kind === 'encrypted' ? { kind: 'encrypted' } : content)

const edited = (last: LastMessage, { content }: MessageEdited['data'], revision: number): LastMessage => {
  const before = last.edit?.before ?? last.content
  return before === undefined ? last : { ...last, content: previewOf(content), edit: { revision, before } }
}

const deleted = ({ messageId, revision, seq, from, at }: LastMessage): LastMessage => ({
  messageId,
  revision,
  seq,
  from,
  at,
  deleted: true,
})

/** As one reader may see it, who left as `left` says: whatever came later stays unknown to them. */
export const headSeenBy = (
  head: ConversationHead,
  visibility: Visibility,
  left: { readonly seq: number; readonly at: string; readonly position: Position } | undefined,
): ConversationHead => {
  const { last, title, titleRevision = 0, ...shown } = head
  const preview = last && lastSeenBy(last, visibility)
  const seen = { ...shown, ...(preview && { last: preview }) }
  if (left === undefined) return title === undefined ? seen : { ...seen, title, titleRevision }
  const revision = Math.min(head.revision, visibility.at(-1)?.to ?? head.revision)
  const titled = title !== undefined && titleRevision <= revision ? { title, titleRevision } : {}
  return { ...seen, ...titled, revision, position: left.position, lastSeq: left.seq, activity: left.at }
}

const lastSeenBy = ({ edit, ...last }: LastMessage, visibility: Visibility): LastMessage | undefined => {
  if (!isVisible(visibility, last.revision)) return undefined
  return edit === undefined || isVisible(visibility, edit.revision) ? last : { ...last, content: edit.before }
}
