import type { ServerFrameOf } from '../protocol/serverFrames.ts'
import { ClientError } from './clientError.ts'
import {
  advance,
  type ConversationRecord,
  describe,
  foldConversation,
  foldState,
  type StateFrame,
  skipTo,
} from './conversationRecord.ts'
import type { Http } from './http.ts'
import { showMessage } from './messageView.ts'
import type { Outbox } from './outbox.ts'
import { holds, type Run } from './runs.ts'
import { putCursor, removeConversations } from './store.ts'
import { type EventFrame, foldTimeline, type TimelineRecord, targetOf } from './timelineRecord.ts'
import type { Turn } from './turn.ts'

type VoidFrame = ServerFrameOf<'void'>
export type HistoryItem = EventFrame | VoidFrame

const PAGE = 200
const STREAM = 'conversation-'

export interface FeedDeps {
  readonly self: string
  readonly http: Http
  readonly outbox: Pick<Outbox, 'confirmed' | 'sendAllAgain'>
}

/** Folds what the server sends into a turn. Gaps are filled, what is there already is left out. */
export const createFeed = ({ self, http, outbox }: FeedDeps) => {
  const takeEvent = async (turn: Turn, frame: EventFrame): Promise<void> => {
    const conversationId = conversationOf(frame)
    if (conversationId === undefined || holds(turn.conversation(conversationId).runs, frame.revision)) return
    await fillUpTo(turn, conversationId, frame.revision, frame.cursor)
    if (!holds(turn.conversation(conversationId).runs, frame.revision)) await apply(turn, conversationId, frame, true)
  }

  const takeVoid = async (turn: Turn, { stream, from, to, cursor }: VoidFrame): Promise<void> => {
    const conversationId = conversationOf({ stream })
    if (conversationId === undefined) return
    await fillUpTo(turn, conversationId, from, cursor)
    turn.setConversation(advance(turn.conversation(conversationId), { from, to }))
  }

  /** Fetches what should have come before `revision` on the socket, and did not. */
  const fillUpTo = async (turn: Turn, conversationId: string, revision: number, atLeast: string): Promise<void> => {
    const to = revision - 1
    let from = turn.conversation(conversationId).next
    while (from <= to) {
      const limit = Math.min(PAGE, to - from + 1)
      const items = await pageFrom(conversationId, from, limit, atLeast)
      from = await applyItems(turn, conversationId, { from, to }, items, true)
    }
  }

  const pageFrom = async (conversationId: string, from: number, limit: number, atLeast: string) => {
    try {
      const query = { from, direction: 'forwards' as const, limit, atLeast }
      return (await http.call('listMessages', { params: { conversationId }, query })).items
    } catch (error) {
      // Nothing of it is for this user to see.
      if (error instanceof ClientError && error.code === 'NotFound') return []
      throw error
    }
  }

  /** Folds a page in; answers with the revision that comes after it. */
  const applyItems = async (
    turn: Turn,
    conversationId: string,
    range: Run,
    items: readonly HistoryItem[],
    tell: boolean,
  ): Promise<number> => {
    let next = range.from
    for (const item of items) {
      const [from, to] = item.type === 'void' ? [item.from, item.to] : [item.revision, item.revision]
      if (from > range.to) break
      // What a page leaves out lies before, or between, what this user may see.
      if (from > next) turn.setConversation(advance(turn.conversation(conversationId), { from: next, to: from - 1 }))
      if (item.type === 'void') turn.setConversation(advance(turn.conversation(conversationId), { from, to }))
      else if (!holds(turn.conversation(conversationId).runs, from)) await apply(turn, conversationId, item, tell)
      next = to + 1
    }
    if (items.length > 0) return next
    turn.setConversation(advance(turn.conversation(conversationId), { from: next, to: range.to }))
    return range.to + 1
  }

  const apply = async (turn: Turn, conversationId: string, frame: EventFrame, tell: boolean): Promise<void> => {
    const { revision } = frame
    const before = turn.conversation(conversationId)
    const folded = revision >= before.next ? foldConversation(before, frame, self) : before
    const described = isJoining(frame, self) ? await askFor(folded, frame.cursor) : folded
    const after = advance(described, { from: revision, to: revision })
    turn.setConversation(after)
    const target = targetOf(frame)
    if (target === undefined) return
    const old = await turn.timelineRecord(conversationId, target)
    const record = foldTimeline(old, conversationId, frame)
    if (record === undefined || record === old) return
    turn.setTimelineRecord(record)
    const known = confirm(turn, record)
    if (tell) announce(turn, record, after, old !== undefined || known)
  }

  /** An own message in its conversation is stored, whatever became of the answer. */
  const confirm = (turn: Turn, record: TimelineRecord): boolean =>
    record.kind === 'message' && record.from === self
      ? outbox.confirmed(turn, record.messageId, record.revision, record.seq)
      : false

  const announce = (turn: Turn, record: TimelineRecord, conversation: ConversationRecord, known: boolean): void => {
    if (record.kind === 'change') return turn.emit({ type: 'change', change: record })
    const message = showMessage(record, conversation, self)
    turn.emit(known ? { type: 'messageChanged', message } : { type: 'message', message })
  }

  /** Who joins later does not see how the conversation began. */
  const askFor = async (before: ConversationRecord, atLeast: string): Promise<ConversationRecord> => {
    const { conversationId } = before
    try {
      return describe(before, await http.call('getConversation', { params: { conversationId }, query: { atLeast } }))
    } catch (error) {
      if (error instanceof ClientError && error.code === 'NotFound') return before
      throw error
    }
  }

  /** The inbox instead of everything that was missed. */
  const takeSnapshot = async (turn: Turn, cursor: string, sameLog: boolean): Promise<void> => {
    if (!sameLog) {
      turn.clear()
      turn.put(...removeConversations())
      outbox.sendAllAgain(turn)
    }
    let next: string | undefined
    do {
      const page = await http.call('listInbox', {
        query: { limit: PAGE, atLeast: cursor, ...(next !== undefined && { cursor: next }) },
      })
      for (const entry of page.conversations) {
        const before = turn.conversation(entry.conversationId)
        turn.setConversation(skipTo(describe(before, entry), entry.revision))
      }
      next = page.next
    } while (next !== undefined)
    turn.put(putCursor(cursor))
  }

  const takeState = (turn: Turn, frame: StateFrame): void => {
    const { kind, key: userId, data } = frame
    if (kind === 'devices') return turn.emit({ type: 'devices' })
    if (kind === 'profile') {
      const { displayName, about } = data as { readonly displayName: string; readonly about?: string }
      return turn.emit({ type: 'profile', userId, displayName, ...(about !== undefined && { about }) })
    }
    if (kind !== 'receipts' && kind !== 'userState') return
    const before = turn.conversation(frame.key)
    const after = foldState(before, frame, self)
    turn.setConversation(after)
    if (kind === 'receipts')
      turn.emit({ type: 'receipts', conversationId: after.conversationId, receipts: after.receipts })
  }

  return { takeEvent, takeVoid, takeState, takeSnapshot, applyItems }
}

export type Feed = ReturnType<typeof createFeed>

const conversationOf = ({ stream }: Pick<ServerFrameOf<'event'>, 'stream'>): string | undefined =>
  stream.startsWith(STREAM) ? stream.slice(STREAM.length) : undefined

const isJoining = ({ eventType, data }: EventFrame, self: string): boolean =>
  eventType === 'MemberAdded' && data.userId === self && data.founding !== true
