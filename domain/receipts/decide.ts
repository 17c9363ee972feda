import type { Decider, DecisionContext } from '../eventsourcing/decider.ts'
import type { ConversationId, UserId } from '../ids.ts'
import { RECEIPTS_SCHEMA, type ReceiptsEvent, type Slowest, upcastReceipts, type Watermarks } from './events.ts'
import { evolveReceipts, initialReceipts, type ReceiptsState } from './state.ts'

/** What was gathered from acks and reads since the last time. */
export interface AdvanceReceipts {
  readonly type: 'AdvanceReceipts'
  readonly conversationId: ConversationId
  readonly advances: readonly { readonly userId: UserId; readonly delivered?: number; readonly read?: number }[]
}

export type ReceiptsCommand = AdvanceReceipts

/** Of the conversation, as its stream has it. */
export interface ReceiptsFacts {
  readonly members: Readonly<Record<UserId, { readonly joinedSeq: number }>>
  readonly lastSeq: number
}

const NOTHING: Watermarks = { delivered: 0, read: 0 }

/** Watermarks only move forwards, never beyond the newest message, and only of those who are members. */
const decide = (
  { conversationId, advances }: AdvanceReceipts,
  state: ReceiptsState,
  { facts }: DecisionContext<ReceiptsFacts>,
): readonly ReceiptsEvent[] => {
  const advanced: Record<UserId, Watermarks> = {}
  for (const { userId, delivered = 0, read = 0 } of advances) {
    if (!Object.hasOwn(facts.members, userId)) continue
    const before = advanced[userId] ?? state.watermarks[userId] ?? NOTHING
    const after = {
      delivered: Math.max(before.delivered, Math.min(Math.max(delivered, read), facts.lastSeq)),
      read: Math.max(before.read, Math.min(read, facts.lastSeq)),
    }
    if (after.delivered > before.delivered || after.read > before.read) advanced[userId] = after
  }
  const changed = Object.entries(advanced) as [UserId, Watermarks][]
  if (changed.length === 0) return []
  const watermarks = { ...state.watermarks, ...advanced }
  const delivered = slowestBy('delivered', watermarks, facts)
  const read = slowestBy('read', watermarks, facts)
  return [
    {
      type: 'ReceiptsAdvanced',
      data: {
        conversationId,
        advances: changed.map(([userId, own]) => ({ userId, ...own })),
        allDelivered: delivered.seq,
        allRead: read.seq,
        slowest: { delivered: delivered.slowest, read: read.slowest },
      },
    },
  ]
}

/** Nobody waits for members to receive what was sent before they joined. Needs a member; a lone one waits for none. */
const slowestBy = (
  mark: keyof Watermarks,
  watermarks: ReceiptsState['watermarks'],
  { members, lastSeq }: ReceiptsFacts,
): { readonly seq: number; readonly slowest: Slowest } => {
  const entries = Object.entries(members) as [UserId, { joinedSeq: number }][]
  const marks = entries.map(([userId, { joinedSeq }]) => ({
    userId,
    seq: Math.max(watermarks[userId]?.[mark] ?? 0, joinedSeq),
  }))
  const slowest = marks.reduce((a, b) => (b.seq < a.seq ? b : a))
  const others = marks.reduce((lowest, each) => (each === slowest ? lowest : Math.min(lowest, each.seq)), lastSeq)
  return { seq: slowest.seq, slowest: { userId: slowest.userId, others } }
}

/** Receipts: who has received and read how much of a conversation. */
export const receiptsDecider: Decider<ReceiptsCommand, ReceiptsState, ReceiptsEvent, ReceiptsFacts> = {
  initial: initialReceipts,
  decide,
  evolve: evolveReceipts,
  repeats: (command, event) => {
    const users = new Set(command.advances.map(({ userId }) => userId))
    return event.data.advances.every(({ userId }) => users.has(userId))
  },
  upcast: upcastReceipts,
  schema: RECEIPTS_SCHEMA,
}
