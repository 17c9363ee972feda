import type { Decider, DecisionContext } from '../eventsourcing/decider.ts'
import type { ConversationId, UserId } from '../ids.ts'
import { RECEIPTS_SCHEMA, type ReceiptsEvent, upcastReceipts, type Watermarks } from './events.ts'
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
  readonly members: Readonly<Record<UserId, unknown>>
  readonly lastSeq: number
  /** The last run of messages by one author, from seq `from` to `lastSeq`. */
  readonly tail?: { readonly author: UserId; readonly from: number }
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
  const lowest = lowestWatermarks({ ...state.watermarks, ...advanced }, facts)
  return [
    {
      type: 'ReceiptsAdvanced',
      data: {
        conversationId,
        advances: changed.map(([userId, watermarks]) => ({ userId, ...watermarks })),
        // Who joins later does not take back what everybody had.
        allDelivered: Math.max(state.allDelivered, lowest.delivered),
        allRead: Math.max(state.allRead, lowest.read),
      },
    },
  ]
}

const lowestWatermarks = (watermarks: Readonly<Record<UserId, Watermarks>>, facts: ReceiptsFacts): Watermarks => {
  let delivered = facts.lastSeq
  let read = facts.lastSeq
  for (const userId of Object.keys(facts.members) as UserId[]) {
    const own = watermarks[userId] ?? NOTHING
    delivered = Math.min(delivered, effective(own.delivered, userId, facts))
    read = Math.min(read, effective(own.read, userId, facts))
  }
  return { delivered, read }
}

/** Nobody waits for authors to receive their own newest messages, once they have all before them. */
const effective = (watermark: number, userId: UserId, { tail, lastSeq }: ReceiptsFacts): number =>
  tail?.author === userId && watermark >= tail.from - 1 ? lastSeq : watermark

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
