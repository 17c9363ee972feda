import type { UserId } from '../ids.ts'
import type { ReceiptsEvent, Watermarks } from './events.ts'

/** How far everybody is. Plain JSON, so that it can be snapshotted. */
export interface ReceiptsState {
  /** Absent: nothing yet. Who left keeps theirs. */
  readonly watermarks: Readonly<Record<UserId, Watermarks>>
  readonly allDelivered: number
  readonly allRead: number
}

type Mutable = { -readonly [K in keyof ReceiptsState]: ReceiptsState[K] } & { watermarks: Record<UserId, Watermarks> }

export const initialReceipts = (): ReceiptsState => ({ watermarks: {}, allDelivered: 0, allRead: 0 })

export const evolveReceipts = (before: ReceiptsState, event: ReceiptsEvent): ReceiptsState => {
  const state = before as Mutable
  for (const { userId, delivered, read } of event.data.advances) state.watermarks[userId] = { delivered, read }
  state.allDelivered = event.data.allDelivered
  state.allRead = event.data.allRead
  return state
}
