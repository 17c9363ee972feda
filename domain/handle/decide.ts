import { DomainError } from '../errors.ts'
import type { Decider, DecisionContext } from '../eventsourcing/decider.ts'
import type { HandleHash, UserId } from '../ids.ts'
import { HANDLE_SCHEMA, type HandleEvent, upcastHandle } from './events.ts'
import { evolveHandle, type HandleState, initialHandle } from './state.ts'

/** How long a registration may hold a handle without finishing. */
export const RESERVATION_MS = 10 * 60_000

/** Holds the handle for a registration; again by the same user: renews it. */
export interface ReserveHandle {
  readonly type: 'ReserveHandle'
  readonly handleHash: HandleHash
  readonly userId: UserId
}
/** Makes the handle this user's, for good. */
export interface ClaimHandle {
  readonly type: 'ClaimHandle'
  readonly handleHash: HandleHash
  readonly userId: UserId
}
/** Gives up a reservation: by its owner at any time, by others once it has expired. A claim stays. */
export interface ReleaseHandle {
  readonly type: 'ReleaseHandle'
  readonly handleHash: HandleHash
  readonly userId: UserId
}

export type HandleCommand = ReserveHandle | ClaimHandle | ReleaseHandle

const decide = (
  command: HandleCommand,
  state: HandleState,
  { now, actor }: DecisionContext,
): readonly HandleEvent[] | DomainError => {
  const { userId } = command
  const expired = state.reserved === undefined || now >= Date.parse(state.reserved.until)
  switch (command.type) {
    case 'ReserveHandle': {
      if (isTaken(state, userId, expired)) return taken()
      if (state.claimedBy === userId) return []
      return [{ type: 'HandleReserved', data: { userId, until: new Date(now + RESERVATION_MS).toISOString() } }]
    }
    case 'ClaimHandle':
      if (isTaken(state, userId, expired)) return taken()
      return state.claimedBy === userId ? [] : [{ type: 'HandleClaimed', data: { userId } }]
    case 'ReleaseHandle':
      return state.reserved?.userId === userId && (expired || actor.userId === userId)
        ? [{ type: 'HandleReleased', data: { userId } }]
        : []
  }
}

const isTaken = ({ claimedBy, reserved }: HandleState, userId: UserId, expired: boolean): boolean =>
  claimedBy === undefined ? !expired && reserved?.userId !== userId : claimedBy !== userId

const taken = () => new DomainError('HandleTaken', 'This handle is taken; choose another one.')

const EVENT_OF = {
  ReserveHandle: 'HandleReserved',
  ClaimHandle: 'HandleClaimed',
  ReleaseHandle: 'HandleReleased',
} as const satisfies Record<HandleCommand['type'], HandleEvent['type']>

/** Handles: one stream each, which makes them unique. */
export const handleDecider: Decider<HandleCommand, HandleState, HandleEvent> = {
  initial: initialHandle,
  decide,
  evolve: evolveHandle,
  repeats: (command, event) => event.type === EVENT_OF[command.type] && event.data.userId === command.userId,
  upcast: upcastHandle,
  schema: HANDLE_SCHEMA,
}
