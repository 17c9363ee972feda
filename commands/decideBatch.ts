import { DomainError } from '../domain/errors.ts'
import type { Decider } from '../domain/eventsourcing/decider.ts'
import type { Actor, DomainEvent, EventMetadata, NewEvent } from '../domain/eventsourcing/message.ts'
import { type CommandId, type EventId, ID_MAX_AHEAD_MS, type Position, timeOfUuidV7 } from '../domain/ids.ts'
import type { NewId } from '../domain/ports.ts'
import type { CachedStream } from './streamStates.ts'

/** One append holds at most this; a command's events are never split. */
const MAX_EVENTS = 256
const MAX_BYTES = 512 * 1024
/** Bytes of an event besides its content: ids, metadata, names. */
const EVENT_OVERHEAD = 1_024

/** Who commands, and under which identity: the same commandId has one effect. */
export interface CommandMeta {
  readonly actor: Actor
  readonly commandId: CommandId
  /** Default: the commandId. */
  readonly correlationId?: string
  readonly causationId?: EventId
}

/** The command is durable. */
export interface Accepted {
  /** The first event it caused; absent when there was nothing to do. */
  readonly event: DomainEvent | undefined
  /** Of that event; the stream's newest when there is none. */
  readonly revision: number
  /** A position at or after its last event; absent when a repeated command got its original answer. */
  readonly position?: Position
}

export type Answer = (outcome: Accepted | DomainError) => void

/** A command in line, with what was found out for it. */
export interface Pending<Command, Facts> {
  readonly command: Command
  readonly meta: CommandMeta
  readonly answer: Answer
  attempts: number
  facts: Facts | undefined
  /** Revision at which an older execution of the same command was found. */
  foundAt: number | undefined
  /** Preparing it failed: nothing will be decided. */
  failure: DomainError | undefined
}

export type Decided<Command, Event, Facts> = { readonly pending: Pending<Command, Facts> } & (
  | { readonly kind: 'accepted'; readonly event: Event | undefined; readonly revision: number }
  | { readonly kind: 'repeated'; readonly revision: number }
  | { readonly kind: 'refused'; readonly error: DomainError }
  /** Refused whatever the state is. */
  | { readonly kind: 'failed'; readonly error: DomainError }
)

export interface Batch<Command, Event, Facts> {
  readonly decided: readonly Decided<Command, Event, Facts>[]
  readonly events: readonly NewEvent[]
  /** What did not fit into one append. */
  readonly rest: Pending<Command, Facts>[]
}

/** Decides commands one after another on the evolving state of their stream, until one append is full. */
export const decideBatch = <Command, State, Event extends DomainEvent, Facts>(
  cached: CachedStream<State>,
  batch: Pending<Command, Facts>[],
  decider: Decider<Command, State, Event, Facts>,
  weigh: (event: Event) => number,
  newId: NewId,
  now: number,
): Batch<Command, Event, Facts> => {
  const at = new Date(now).toISOString()
  const decided: Decided<Command, Event, Facts>[] = []
  const events: NewEvent[] = []
  let bytes = 0
  for (const [index, pending] of batch.entries()) {
    const { meta, failure } = pending
    if (failure !== undefined) {
      decided.push({ pending, kind: 'failed', error: failure })
      continue
    }
    const known = cached.window.revisionOf(meta.commandId) ?? pending.foundAt
    if (known !== undefined) {
      decided.push({ pending, kind: 'repeated', revision: known })
      continue
    }
    if (timeOfUuidV7(meta.commandId) > now + ID_MAX_AHEAD_MS) {
      decided.push({ pending, kind: 'failed', error: idAhead() })
      continue
    }
    const context = { now, actor: meta.actor, facts: pending.facts as Facts }
    const outcome = decider.decide(pending.command, cached.state, context)
    if (outcome instanceof DomainError) {
      decided.push({ pending, kind: 'refused', error: outcome })
      continue
    }
    const last = cached.revision + events.length
    if (outcome.length === 0) {
      decided.push({ pending, kind: 'accepted', event: undefined, revision: last })
      continue
    }
    for (const event of outcome) bytes += EVENT_OVERHEAD + weigh(event)
    if (events.length > 0 && (events.length + outcome.length > MAX_EVENTS || bytes > MAX_BYTES))
      return { decided, events, rest: batch.slice(index) }
    decided.push({ pending, kind: 'accepted', event: outcome[0], revision: last + 1 })
    const metadata = metadataOf(meta, at, decider.schema)
    for (const event of outcome) {
      const revision = cached.revision + events.length + 1
      cached.state = decider.evolve(cached.state, event, revision, metadata)
      events.push({ id: newId() as EventId, type: event.type, data: event.data, metadata })
    }
    cached.window.add(meta.commandId, last + 1)
  }
  return { decided, events, rest: [] }
}

const metadataOf = (meta: CommandMeta, at: string, schema: number): EventMetadata => {
  const { actor, commandId, correlationId = commandId, causationId } = meta
  if (causationId === undefined) return { actor, at, commandId, correlationId, schema }
  return { actor, at, commandId, correlationId, causationId, schema }
}

const idAhead = () =>
  new DomainError('InvalidId', 'The id lies more than 5 minutes in the future; check the clock of the device.')
