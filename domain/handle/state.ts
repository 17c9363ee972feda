import type { UserId } from '../ids.ts'
import type { HandleEvent } from './events.ts'

/** Who has a handle. Plain JSON, so that it can be snapshotted. */
export interface HandleState {
  /** Whose it is. */
  readonly claimedBy?: UserId
  /** A registration that is under way; it counts until the moment (ISO 8601) has passed. */
  readonly reserved?: { readonly userId: UserId; readonly until: string }
}

type Mutable = { -readonly [K in keyof HandleState]: HandleState[K] }

export const initialHandle = (): HandleState => ({})

export const evolveHandle = (before: HandleState, event: HandleEvent): HandleState => {
  const state = before as Mutable
  switch (event.type) {
    case 'HandleReserved':
      state.reserved = event.data
      break
    case 'HandleClaimed':
      state.claimedBy = event.data.userId
      delete state.reserved
      break
    case 'HandleReleased':
      delete state.claimedBy
      delete state.reserved
      break
  }
  return state
}
