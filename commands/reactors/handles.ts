import { ACCOUNT_SCHEMA, upcastAccount } from '../../domain/account/events.ts'
import type { RecordedEvent } from '../../domain/eventsourcing/message.ts'
import { HANDLE_SCHEMA, upcastHandle } from '../../domain/handle/events.ts'
import { type HandleHash, idOf, SYSTEM_USER, type UserId } from '../../domain/ids.ts'
import { type Cause, causeOf, type Reaction, type Reactor, reaction } from './reactor.ts'

/** Reservations that nobody has claimed or released, with the moment (ISO 8601) until which they hold. */
type Reservations = Record<HandleHash, { readonly userId: UserId; readonly until: string; readonly cause: Cause }>

const react = (event: RecordedEvent): readonly Reaction[] => {
  const known = upcastAccount(event)
  if (known?.type !== 'AccountRegistered') return []
  const { userId, handleHash } = known.data
  return [reaction(causeOf(event), { userId }, { type: 'ClaimHandle', handleHash, userId })]
}

const evolve = (reservations: Reservations, event: RecordedEvent): Reservations => {
  const known = upcastHandle(event)
  if (known === undefined) return reservations
  const handleHash = idOf<HandleHash>(event.stream)
  if (known.type === 'HandleReserved') reservations[handleHash] = { ...known.data, cause: causeOf(event) }
  else delete reservations[handleHash]
  return reservations
}

const due = (reservations: Reservations, now: number): readonly Reaction[] =>
  Object.entries(reservations)
    .filter(([, { until }]) => now >= Date.parse(until))
    .map(([handleHash, { userId, cause }]) =>
      reaction(cause, { userId: SYSTEM_USER }, { type: 'ReleaseHandle', handleHash: handleHash as HandleHash, userId }),
    )

/** Ends what a registration began: an account gets its handle, a reservation that led nowhere is given up. */
export const handles: Reactor<Reservations> = {
  name: 'handles',
  version: 1,
  handles: {
    AccountRegistered: ACCOUNT_SCHEMA,
    HandleReserved: HANDLE_SCHEMA,
    HandleClaimed: HANDLE_SCHEMA,
    HandleReleased: HANDLE_SCHEMA,
  },
  initial: () => ({}),
  evolve,
  react,
  due,
}
