import { expect } from 'chai'
import { DomainError, type ErrorCode } from '../../domain/errors.ts'
import type { Decider, DecisionContext, Folded } from '../../domain/eventsourcing/decider.ts'
import type { UserId } from '../../domain/ids.ts'

/** An event of the past with its circumstances, where they matter. */
export interface Past<Event> {
  readonly event: Event
  readonly meta: Folded
}

const SOMEONE: Folded = {
  actor: { userId: '00000000-0000-8000-8000-00000000000a' as UserId },
  at: '2026-01-01T00:00:00.000Z',
}

/** The event as this user caused it. */
export const by = <Event>(userId: UserId, event: Event, at: string = SOMEONE.at): Past<Event> => ({
  event,
  meta: { actor: { userId }, at },
})

export interface Given<Command, State, Event, Facts> {
  /** Deep-frozen: a decision cannot change it unnoticed. */
  readonly state: State
  when(
    command: Command,
    context: Omit<DecisionContext<Facts>, 'facts'> & { readonly facts?: Facts },
  ): {
    readonly outcome: readonly Event[] | DomainError
    /** Whole events, or the code of the refusal. */
    then(expected: readonly Event[] | ErrorCode): void
  }
}

/** Folds the past; `when` decides on it; `then` compares what comes out. */
export const given = <Command, State, Event extends { readonly type: string }, Facts>(
  decider: Decider<Command, State, Event, Facts>,
  past: readonly (NoInfer<Event> | Past<NoInfer<Event>>)[],
): Given<Command, State, Event, Facts> => {
  let folded = decider.initial()
  past.forEach((entry, revision) => {
    const { event, meta } = isPast(entry) ? entry : { event: entry, meta: SOMEONE }
    folded = decider.evolve(folded, structuredClone(event), revision, meta)
  })
  const state = deepFreeze(folded)
  return {
    state,
    when(command, context) {
      const outcome = decider.decide(deepFreeze(command), state, { facts: undefined as Facts, ...context })
      return {
        outcome,
        // biome-ignore lint/suspicious/noThenProperty: the specs read given, when, then; nobody awaits this object
        then(expected) {
          expect(outcome instanceof DomainError ? outcome.code : outcome).to.deep.equal(expected)
        },
      }
    },
  }
}

const isPast = <Event extends { readonly type: string }>(entry: Event | Past<Event>): entry is Past<Event> =>
  'meta' in entry && 'event' in entry

export const deepFreeze = <T>(value: T): T => {
  if (typeof value !== 'object' || value === null || Object.isFrozen(value)) return value
  for (const part of Object.values(value)) deepFreeze(part)
  return Object.freeze(value)
}
