import type { Content } from '../../domain/content/content.ts'
import type { ConversationEvent, ConversationMode, Role } from '../../domain/conversation/events.ts'
import type { StoredEvent } from '../../domain/eventsourcing/message.ts'
import { type ConversationId, conversationStream, type MessageId, type UserId } from '../../domain/ids.ts'
import { History } from './history.ts'

export const ALICE = '00000000-0000-8000-8000-00000000000a' as UserId
export const BOB = '00000000-0000-8000-8000-00000000000b' as UserId
export const CAROL = '00000000-0000-8000-8000-00000000000c' as UserId
export const GROUP = '10000000-0000-8000-8000-000000000001' as ConversationId
export const OTHER = '10000000-0000-8000-8000-000000000002' as ConversationId

/** Id of the message with this seq in a told conversation; also of the command that sent it. */
export const messageIdOf = (seq: number): MessageId =>
  `01990000-0000-7000-8a00-${String(seq).padStart(12, '0')}` as MessageId

export const text = (words: string): Content => ({ kind: 'text', text: words })

/** Tells what happened in one conversation, as the decider would have it. */
export const telling = (history: History = new History(), conversationId: ConversationId = GROUP) => {
  const stream = conversationStream(conversationId)
  let lastSeq = 0
  const revisions = new Map<number, number>()
  const tell = (event: ConversationEvent, by: UserId = ALICE, commandId?: string): StoredEvent =>
    history.happened(stream, event, { by, ...(commandId !== undefined && { commandId }) })
  const target = (seq: number) => ({ messageId: messageIdOf(seq), seq, targetRevision: revisions.get(seq) ?? -1 })
  return {
    history,
    stream,
    tell,
    started: (title = 'Friends', mode: ConversationMode = 'plain') =>
      tell({ type: 'ConversationStarted', data: { conversationId, kind: 'group', mode, details: { title } } }),
    startedDirect: () => tell({ type: 'ConversationStarted', data: { conversationId, kind: 'direct', mode: 'plain' } }),
    founded: (userId: UserId, role: Role = 'member') =>
      tell({ type: 'MemberAdded', data: { userId, role, lastSeq, founding: true } }),
    added: (userId: UserId) => tell({ type: 'MemberAdded', data: { userId, role: 'member', lastSeq } }),
    removed: (userId: UserId) => tell({ type: 'MemberRemoved', data: { userId, lastSeq } }),
    left: (userId: UserId) => tell({ type: 'MemberLeft', data: { userId, lastSeq } }, userId),
    renamed: (title: string) => tell({ type: 'DetailsChanged', data: { details: { title } } }),
    roleChanged: (userId: UserId, role: Role) => tell({ type: 'RoleChanged', data: { userId, role } }),
    sent: (by: UserId, content: Content | string) => {
      const messageId = messageIdOf(++lastSeq)
      const data = { messageId, seq: lastSeq, content: typeof content === 'string' ? text(content) : content }
      const event = tell({ type: 'MessageSent', data }, by, messageId)
      revisions.set(lastSeq, event.revision)
      return event
    },
    edited: (seq: number, words: string, by: UserId = ALICE) =>
      tell({ type: 'MessageEdited', data: { ...target(seq), content: text(words) } }, by),
    deleted: (seq: number, by: UserId = ALICE) => tell({ type: 'MessageDeleted', data: target(seq) }, by),
    /** Of a type that this version does not know. */
    wondered: (data: object) => history.happened(stream, { type: 'SomethingWondered', data }, { by: ALICE }),
  }
}
