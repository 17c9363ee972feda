import { ClientError } from './clientError.ts'
import { advance, type ConversationRecord, foldWatermarks } from './conversationRecord.ts'
import type { Feed } from './feed.ts'
import type { Http } from './http.ts'
import type { Inbound } from './inbound.ts'
import type { Store } from './store.ts'
import type { TimelineRecord } from './timelineRecord.ts'
import { type Conversations, newOrStored, type Turn } from './turn.ts'

const PAGE = 200

export interface HistoryDeps {
  readonly self: string
  readonly store: Store
  readonly http: Http
  readonly inbound: Inbound
  readonly feed: Feed
  readonly conversations: Conversations
}

export interface HistoryPage {
  /** Ascending. */
  readonly records: readonly TimelineRecord[]
  /** Revision to go on from towards the beginning; absent at the beginning. */
  readonly before?: number
}

/** Reads conversations backwards: from what is stored, and from the server what is not. */
export const createHistory = ({ self, store, http, inbound, feed, conversations }: HistoryDeps) => {
  const read = async (conversationId: string, before: number | undefined, limit: number): Promise<HistoryPage> => {
    for (;;) {
      const conversation = newOrStored(conversations, conversationId)
      const below = before ?? conversation.next
      const from = heldDownTo(conversation, below)
      const records = await store.timeline(conversationId, from, below, limit)
      const first = records[0]
      if (records.length >= limit && first !== undefined)
        return first.revision > 0 ? { records, before: first.revision } : { records }
      if (from === 0) return { records }
      try {
        await inbound.run((turn) => fetchBefore(turn, conversationId, from))
      } catch (error) {
        // Without a connection there is what is stored; the rest can be asked for later.
        if (error instanceof ClientError && error.code === 'Unreachable' && records.length > 0)
          return { records, before: from }
        throw error
      }
    }
  }

  const fetchBefore = async (turn: Turn, conversationId: string, from: number): Promise<void> => {
    const to = from - 1
    const { items, previous } = await http.call('listMessages', {
      params: { conversationId },
      query: {
        from: to,
        direction: 'backwards',
        limit: PAGE,
        // Older than what was told of already, it would bring back what was edited or deleted.
        ...(inbound.cursor !== undefined && { atLeast: inbound.cursor }),
      },
    })
    const first = items[0]
    const begins = previous === undefined || first === undefined
    const oldest = begins ? 0 : first.type === 'void' ? first.from : first.revision
    await feed.applyItems(turn, conversationId, { from: oldest, to }, items, false)
    turn.setConversation(advance(turn.conversation(conversationId), { from: oldest, to }))
  }

  /** Who has received and read what, where only changes were told so far. */
  const readReceipts = async (conversationId: string): Promise<void> => {
    if (newOrStored(conversations, conversationId).receipts.listed) return
    await inbound.run(async (turn) => {
      let next: string | undefined
      do {
        const page = await http.call('listReceipts', {
          params: { conversationId },
          query: { limit: 200, ...(next !== undefined && { cursor: next }) },
        })
        const { allDelivered, allRead, watermarks: advances } = page
        const folded = foldWatermarks(turn.conversation(conversationId), { allDelivered, allRead, advances }, self)
        turn.setConversation({ ...folded, receipts: { ...folded.receipts, listed: true } })
        next = page.next
      } while (next !== undefined)
    })
  }

  return { read, readReceipts }
}

/** First revision of what is held without a gap right below `below`; `below` itself where nothing is. */
const heldDownTo = ({ runs }: ConversationRecord, below: number): number =>
  runs.find(({ from, to }) => from < below && below - 1 <= to)?.from ?? below
