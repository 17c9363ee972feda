import type { DomainError } from '../errors.ts'
import type { EventMetadata, RecordedEvent } from './message.ts'

/** What a decision may know besides command and state: the moment, who asks, and facts of other aggregates. */
export interface DecisionContext<Facts = undefined> {
  /** Milliseconds since the epoch. */
  readonly now: number
  readonly actor: EventMetadata['actor']
  readonly facts: Facts
}

/** The metadata that states are folded with. */
export type Folded = Pick<EventMetadata, 'actor' | 'at'>

/**
 * An aggregate: pure functions over plain data. `decide` answers with the events that the command causes
 * (none: nothing to do) or with a refusal. `evolve` costs O(1) per event and may mutate the state it owns:
 * a state belongs to exactly one fold.
 */
export interface Decider<Command, State, Event, Facts = undefined> {
  readonly initial: () => State
  readonly decide: (command: Command, state: State, context: DecisionContext<Facts>) => readonly Event[] | DomainError
  readonly evolve: (state: State, event: Event, revision: number, meta: Folded) => State
  /**
   * Whether `event` is the first one that this very command caused when it was executed: the same id sent
   * again with other content is not a repetition.
   */
  readonly repeats: (command: Command, event: Event) => boolean
  /** Turns any shape ever stored into today's event; `undefined` for types this version does not know. */
  readonly upcast: (event: Pick<RecordedEvent, 'type' | 'data' | 'metadata'>) => Event | undefined
  /** Newest `schema` that `upcast` understands, and the one that new events are written with. */
  readonly schema: number
}
