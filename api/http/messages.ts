import type { Dispatch } from '../../commands/dispatch.ts'
import type { MessageSent } from '../../domain/conversation/events.ts'
import { DomainError } from '../../domain/errors.ts'
import { type CommandId, type ConversationId, conversationStream } from '../../domain/ids.ts'
import type { Inbox } from '../../projections/inbox.ts'
import { decodePageCursor, encodePageCursor } from '../../projections/keyPage.ts'
import type { Timeline, TimelineItem } from '../../projections/timeline.ts'
import { encodeCursor } from '../protocol/cursor.ts'
import type { OperationInput, OperationResponse } from '../protocol/operations.ts'
import { createConversationCommands } from './conversations.ts'
import type { OperationHandlers } from './operationHandlers.ts'
import type { Reads } from './reads.ts'

export interface MessageDeps {
  readonly dispatch: Dispatch
  readonly inbox: Inbox
  readonly timeline: Timeline
  readonly incarnation: string
}

/** What is said, and the timeline it is part of. */
export const messageHandlers = ({ dispatch, inbox, timeline, incarnation }: MessageDeps, reads: Reads) => {
  const { execute, change } = createConversationCommands(dispatch, reads)

  return {
    async sendMessage({ params, body }, { session }) {
      const { messageId } = body
      // The message's id is the command's.
      const commandId: string = messageId
      const { outcome } = await execute({ type: 'SendMessage', ...params, ...body }, session, commandId as CommandId)
      const { seq } = (outcome.event as MessageSent).data
      return { messageId, seq, ...reads.accepted(outcome) }
    },
    editMessage: ({ params, body }, caller) => change({ type: 'EditMessage', ...params, ...body }, caller),
    deleteMessage: ({ params, query }, caller) => change({ type: 'DeleteMessage', ...params, ...query }, caller),

    async listMessages({ params: { conversationId }, query }, { session }) {
      await reads.caughtUp(query.atLeast, ['inbox', 'timeline'])
      const { intervals } = await reads.membership(session.userId, conversationId)
      const head = (await inbox.heads([conversationId])).get(conversationId)?.revision ?? -1
      const first = intervals[0]?.from ?? 0
      const last = Math.min(head, intervals.at(-1)?.to ?? head)
      const { from, to } = rangeOf(query, first, last)
      const { items } =
        from > to ? { items: [] } : await timeline.readPage(conversationId, intervals, from, to - from + 1)
      const read = items.at(-1)
      // The timeline may be behind: go on from what it has.
      const reached = read === undefined ? from - 1 : read.kind === 'void' ? read.to : read.revision
      return {
        items: items.map((item) => frameOf(conversationId, item, incarnation)),
        lastRevision: last,
        ...(reached < last && { next: encodePageCursor('next', String(reached + 1)) }),
        ...(from > first && { previous: encodePageCursor('previous', String(from - 1)) }),
      }
    },
  } satisfies Partial<OperationHandlers>
}

/** Revisions to read, both included, of those from `first` to `last`. */
const rangeOf = (
  query: OperationInput<'listMessages'>['query'],
  first: number,
  last: number,
): { readonly from: number; readonly to: number } => {
  const { limit } = query
  const { direction, start } =
    query.cursor === undefined ? { direction: query.direction, start: query.from } : startOf(query.cursor)
  if (direction === 'forwards') {
    const from = Math.max(first, start ?? first)
    return { from, to: Math.min(last, from + limit - 1) }
  }
  const to = Math.min(last, start ?? last)
  return { from: Math.max(first, to - limit + 1), to }
}

const startOf = (cursor: string): { readonly direction: 'forwards' | 'backwards'; readonly start: number } => {
  const { direction, place } = decodePageCursor(cursor)
  if (!/^\d{1,15}$/.test(place))
    throw new DomainError('InvalidCursor', 'Use `next` or `previous` of an earlier page of this very list.')
  return { direction: direction === 'next' ? 'forwards' : 'backwards', start: Number(place) }
}

type Item = OperationResponse<'listMessages'>['items'][number]

/** As on the socket. */
const frameOf = (conversationId: ConversationId, item: TimelineItem, incarnation: string): Item => {
  const stream = conversationStream(conversationId)
  const cursor = encodeCursor(incarnation, item.position)
  if (item.kind === 'void') return { type: 'void', cursor, stream, from: item.from, to: item.to }
  const { revision, eventType, at, actor, dataText } = item
  return { type: 'event', cursor, stream, revision, eventType, at, actor, data: JSON.parse(dataText) }
}
