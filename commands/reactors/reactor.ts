import type { Actor, RecordedEvent } from '../../domain/eventsourcing/message.ts'
import type { EventId } from '../../domain/ids.ts'
import { derivedCommandId } from '../derivedId.ts'
import type { Command, CommandMeta } from '../dispatch.ts'

/** A command that follows from an event. */
export interface Reaction {
  readonly command: Command
  readonly meta: CommandMeta
}

/** What must be kept of an event to react to it later. */
export interface Cause {
  readonly eventId: EventId
  readonly at: string
  readonly correlationId: string
}

/**
 * What the system does by itself, as data: pure functions from events to commands. Running it twice changes
 * nothing, because the commands' ids derive from the events they follow from.
 */
export interface Reactor<State> {
  readonly name: string
  /** Of the state's shape; with another one it begins again at the start of the log. */
  readonly version: number
  /** Types of events it takes, with the newest `schema` that it understands. */
  readonly handles: Readonly<Record<string, number>>
  readonly initial: () => State
  /** Folds the event into the state, which it may change. State is plain JSON. */
  readonly evolve: (state: State, event: RecordedEvent) => State
  /** What follows at once. */
  readonly react: (event: RecordedEvent) => readonly Reaction[]
  /** What is due by now. It is asked again until the events that settle it have been folded. */
  readonly due: (state: State, now: number) => readonly Reaction[]
}

export const causeOf = ({ id, metadata: { at, correlationId } }: RecordedEvent): Cause => ({
  eventId: id,
  at,
  correlationId,
})

/** One event causes at most one command of a type. */
export const reaction = ({ eventId, at, correlationId }: Cause, actor: Actor, command: Command): Reaction => ({
  command,
  meta: {
    actor,
    commandId: derivedCommandId(Date.parse(at), command.type, eventId),
    correlationId,
    causationId: eventId,
  },
})
