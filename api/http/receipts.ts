import { DomainError } from '../../domain/errors.ts'
import type { ConversationId, UserId } from '../../domain/ids.ts'
import { watermarksOfOthers } from '../../domain/receipts/events.ts'
import type { Receipts } from '../../projections/receipts.ts'
import type { Roster } from '../../projections/roster.ts'
import type { Timeline } from '../../projections/timeline.ts'
import { isVisible } from '../../projections/visibility.ts'
import type { Session } from '../auth/session.ts'
import { pageOptions } from './conversations.ts'
import type { OperationHandlers } from './operationHandlers.ts'
import type { Reads } from './reads.ts'

export interface ReceiptDeps {
  readonly receipts: Receipts
  readonly roster: Roster
  readonly timeline: Timeline
  readonly gateway: {
    /** Takes a read watermark, to be durable within a second. Throws `DomainError`: NotFound, ReadBeyondLast. */
    read(session: Session, conversationId: ConversationId, upTo: number): Promise<void>
  }
}

/** Who has received and read what. */
export const receiptHandlers = ({ receipts, roster, timeline, gateway }: ReceiptDeps, reads: Reads) => {
  const findMessage = async (userId: UserId, conversationId: ConversationId, messageId: string) => {
    const { intervals } = await reads.activeMembership(userId, conversationId)
    const revision = await timeline.revisionOf(conversationId, messageId)
    if (revision === undefined || !isVisible(intervals, revision)) throw notFound()
    const [item] = (await timeline.readPage(conversationId, intervals, revision, 1)).items
    if (item?.kind !== 'event' || item.seq === undefined) throw notFound()
    return { revision, seq: item.seq, author: item.actor.userId }
  }

  return {
    async markRead({ params, body }, { session }) {
      await gateway.read(session, params.conversationId, body.upTo)
      return undefined
    },

    async listReceipts({ params: { conversationId }, query: { atLeast, ...options } }, { session }) {
      await reads.caughtUp(atLeast, ['inbox', 'receipts'])
      await reads.activeMembership(session.userId, conversationId)
      const found = await receipts.summary(conversationId)
      const all = found ? watermarksOfOthers(found.summary, session.userId) : { allDelivered: 0, allRead: 0 }
      const { entries, ...ends } = await receipts.entries(conversationId, pageOptions(options))
      const watermarks = entries.map(({ userId, delivered, read }) => ({ userId, delivered, read }))
      return { ...all, watermarks, ...ends }
    },

    async listMessageReceipts({ params, query: { atLeast, ...options } }, { session }) {
      const { conversationId, messageId } = params
      await reads.caughtUp(atLeast, ['inbox', 'timeline', 'roster', 'receipts'])
      const { revision, seq, author } = await findMessage(session.userId, conversationId, messageId)
      const { members, ...ends } = await roster.members(conversationId, pageOptions(options))
      const recipients = members
        .filter(({ userId, sinceRevision }) => userId !== author && sinceRevision < revision)
        .map(({ userId }) => userId)
      const watermarks = await receipts.watermarks(conversationId, recipients)
      const statusOf = (userId: UserId) => {
        const { delivered, read } = watermarks.get(userId) ?? { delivered: 0, read: 0 }
        return read >= seq ? 'read' : delivered >= seq ? 'delivered' : 'sent'
      }
      return { receipts: recipients.map((userId) => ({ userId, status: statusOf(userId) })), ...ends }
    },
  } satisfies Partial<OperationHandlers>
}

const notFound = () => new DomainError('NotFound', 'There is no such message, or it is not for you to see.')
