import type { UserId } from '../ids.ts'
import type { ReceiptsEvent, Watermarks } from './events.ts'

/** How far everybody is. Plain JSON, so that it can be snapshotted. */
export interface ReceiptsState {
  /** Absent: nothing yet. Who left keeps theirs. */
  readonly watermarks: Readonly<Record<UserId, Watermarks>>
}

export const initialReceipts = (): ReceiptsState => ({ watermarks: {} })

export const evolveReceipts = (before: ReceiptsState, event: ReceiptsEvent): ReceiptsState => {
  const state = before as { watermarks: Record<UserId, Watermarks> }
  for (const { userId, delivered, read } of event.data.advances) state.watermarks[userId] = { delivered, read }
  return state
}
