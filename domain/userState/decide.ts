import type { Decider } from '../eventsourcing/decider.ts'
import type { ConversationId, UserId } from '../ids.ts'
import { USER_STATE_SCHEMA, type UserStateEvent, upcastUserState } from './events.ts'
import { evolveUserState, initialUserState, type UserStateState } from './state.ts'

/** Reading that others are not told of. */
export interface ReadPrivately {
  readonly type: 'ReadPrivately'
  readonly userId: UserId
  readonly conversationId: ConversationId
  /** Seq of the last message that was read. */
  readonly upTo: number
}

export type UserStateCommand = ReadPrivately

const decide = ({ type, conversationId, upTo }: ReadPrivately, state: UserStateState): readonly UserStateEvent[] =>
  upTo > (state.read[conversationId] ?? 0) ? [{ type, data: { conversationId, upTo } }] : []

/** What the devices of one user share, and nobody else sees. */
export const userStateDecider: Decider<UserStateCommand, UserStateState, UserStateEvent> = {
  initial: initialUserState,
  decide,
  evolve: evolveUserState,
  repeats: (command, event) => event.data.conversationId === command.conversationId && event.data.upTo === command.upTo,
  upcast: upcastUserState,
  schema: USER_STATE_SCHEMA,
}
