import type { ConversationRecord } from './conversationRecord.ts'
import type { OutboxRecord } from './store.ts'
import { type Message, type MessageRecord, type MessageStatus, viewMessage } from './timelineRecord.ts'

/** One who gets an own message, and how far that is. */
export interface Receiver {
  readonly userId: string
  readonly status: 'sent' | 'delivered' | 'read'
}

/** A stored message, with its status where it is an own one. */
export const showMessage = (record: MessageRecord, conversation: ConversationRecord, self: string): Message =>
  viewMessage(record, record.from === self ? statusOf(conversation, record.seq, self) : undefined)

/** A message that waits to be sent; `undefined` for commands of other kinds. */
export const showWaiting = (
  { frame, at, state, revision, seq, error }: OutboxRecord,
  self: string,
): Message | undefined =>
  frame.type !== 'SendMessage'
    ? undefined
    : {
        kind: 'message',
        conversationId: frame.conversationId,
        messageId: frame.messageId,
        ...(revision !== undefined && { revision }),
        ...(seq !== undefined && { seq }),
        from: self,
        at,
        ...(frame.replyTo !== undefined && { replyTo: frame.replyTo }),
        content: frame.content,
        edited: false,
        deleted: false,
        status: state,
        ...(error !== undefined && { error }),
      }

/** The message with the status it has by now. */
export const refreshed = (
  message: Message,
  conversation: ConversationRecord,
  waiting: OutboxRecord | undefined,
  self: string,
): Message => {
  if (message.from !== self) return message
  if (waiting !== undefined) return showWaiting(waiting, self) ?? message
  return message.seq === undefined ? message : { ...message, status: statusOf(conversation, message.seq, self) }
}

/** As far as their watermarks are known: of a large group the server tells those on request only. */
export const receiversOf = ({ receipts }: ConversationRecord, { seq = 0 }: Message, self: string): Receiver[] =>
  Object.entries(receipts.by)
    .filter(([userId]) => userId !== self)
    .map(([userId, { delivered, read }]) => ({
      userId,
      status: read >= seq ? 'read' : delivered >= seq ? 'delivered' : 'sent',
    }))

/** Status of an own message that is stored: in a direct conversation by the other one, in a group by all. */
const statusOf = ({ receipts, peers }: ConversationRecord, seq: number, self: string): MessageStatus => {
  const peer = peers.find((userId) => userId !== self)
  const theirs = peer === undefined ? undefined : receipts.by[peer]
  if (Math.max(receipts.allRead, theirs?.read ?? 0) >= seq) return 'read'
  return Math.max(receipts.allDelivered, theirs?.delivered ?? 0) >= seq ? 'delivered' : 'sent'
}
