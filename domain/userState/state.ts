import type { ConversationId } from '../ids.ts'
import type { UserStateEvent } from './events.ts'

/** What the devices of one user share. Plain JSON, so that it can be snapshotted. */
export interface UserStateState {
  /** Seq read up to, known to the own devices only. */
  readonly read: Readonly<Record<ConversationId, number>>
}

type Mutable = { read: Record<ConversationId, number> }

export const initialUserState = (): UserStateState => ({ read: {} })

export const evolveUserState = (before: UserStateState, event: UserStateEvent): UserStateState => {
  const state = before as Mutable
  state.read[event.data.conversationId] = event.data.upTo
  return state
}
