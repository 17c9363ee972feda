import type { DomainError } from '../domain/errors.ts'
import type { Decider } from '../domain/eventsourcing/decider.ts'
import { type AppendResult, ConcurrencyConflict } from '../domain/eventsourcing/eventStore.ts'
import type { DomainEvent, NewEvent, RecordedEvent } from '../domain/eventsourcing/message.ts'
import type { StreamName } from '../domain/ids.ts'
import type { Clock, Logger, NewId } from '../domain/ports.ts'
import {
  type Accepted,
  type Answer,
  type Batch,
  type CommandMeta,
  type Decided,
  decideBatch,
  type Pending,
} from './decideBatch.ts'
import { prepareBatch, type Sources } from './prepareBatch.ts'
import { asDomainError, busy, idempotencyConflict } from './refusals.ts'
import { type CachedStream, createStreamStates, type StreamStatesDeps } from './streamStates.ts'
import { createWorkers } from './workers.ts'

const MAX_ATTEMPTS = 10
/** Two nodes that met once on a stream must not keep meeting. */
const MAX_BACKOFF_MS = 10

/** One kind of aggregate, as the handler runs it. */
export interface Aggregate<Command, State, Event, Facts> extends Sources<Command, Facts> {
  readonly decider: Decider<Command, State, Event, Facts>
  readonly streamOf: (command: Command) => StreamName
  /** Upper bound of the bytes of an event's content. */
  readonly weigh: (event: Event) => number
  /** Version of the state's shape in snapshots. */
  readonly stateVersion: number
}

export interface CommandHandlerDeps extends StreamStatesDeps {
  readonly clock: Clock
  readonly newId: NewId
  readonly logger: Logger
  /** Resolves after that many milliseconds. */
  readonly pause: (ms: number) => Promise<void>
  /** Streams kept in memory. */
  readonly maxStreams: number
  /** Commands that may wait for one stream; one more is refused as `Busy`. */
  readonly maxQueue: number
}

export interface CommandHandler<Command, State> {
  submit(command: Command, meta: CommandMeta, answer: Answer): void
  /** The state of a stream as the log has it now. Read only, and only at once: it goes on evolving. */
  state(stream: StreamName): Promise<State>
  /** Tells of an event in the log, so that a state cached here does not stay behind. */
  observe(event: Pick<RecordedEvent, 'stream' | 'revision'>): void
}

/** A stream with the commands that wait for it. */
interface Worker<Command, State, Facts> extends CachedStream<State> {
  queue: Pending<Command, Facts>[]
  readers: { resolve: (state: State) => void; reject: (error: unknown) => void }[]
  running: boolean
  /** Newest revision that the feed told of: the state is behind while this is ahead of it. */
  observed: number
}

/**
 * The only place where a decision meets the log. Commands on one stream wait in line; all that wait are decided
 * one after another on the evolving state and appended in one call, and every answer follows that append.
 */
export const createCommandHandler = <Command, State, Event extends DomainEvent, Facts>(
  deps: CommandHandlerDeps,
  aggregate: Aggregate<Command, State, Event, Facts>,
): CommandHandler<Command, State> => {
  type P = Pending<Command, Facts>
  type W = Worker<Command, State, Facts>
  const { decider } = aggregate
  const states = createStreamStates<State, Event>(deps, decider, aggregate.stateVersion)
  const workers = createWorkers<W>(deps.maxStreams, (stream) => ({
    ...states.fresh(stream),
    queue: [],
    readers: [],
    running: false,
    observed: -1,
  }))
  let ready: W[] = []

  /** Whatever arrives in this turn of the loop is decided together at its end. */
  const schedule = (worker: W): void => {
    worker.running = true
    if (ready.push(worker) > 1) return
    setImmediate(() => {
      const turn = ready
      ready = []
      for (const each of turn) run(each)
    })
  }

  const isCurrent = (worker: W): boolean => worker.current && worker.observed <= worker.revision

  const run = (worker: W): void => {
    if (isCurrent(worker)) return runBatch(worker)
    states.readOn(worker).then(
      () => runBatch(worker),
      (error: unknown) => {
        for (const reader of worker.readers.splice(0)) reader.reject(asDomainError(error))
        fail(worker, worker.queue.splice(0), error)
      },
    )
  }

  const runBatch = (worker: W): void => {
    const batch = worker.queue
    if (batch.length === 0) return next(worker)
    worker.queue = []
    const preparing = prepareBatch(worker, batch, aggregate)
    if (preparing === undefined) return append(worker, batch)
    void preparing.then(() => append(worker, batch))
  }

  const append = (worker: W, batch: P[]): void => {
    let outcome: Batch<Command, Event, Facts>
    try {
      outcome = decideBatch(worker, batch, decider, aggregate.weigh, deps.newId, deps.clock())
    } catch (error) {
      return fail(worker, batch, error)
    }
    const { decided, events, rest } = outcome
    if (rest.length > 0) worker.queue = rest.concat(worker.queue)
    if (events.length === 0) return settle(worker, decided, events, undefined)
    const expectedRevision = worker.revision < 0 ? 'noStream' : worker.revision
    deps.store.appendToStream(worker.stream, events, { expectedRevision }).then(
      (result) => {
        worker.revision = result.lastRevision
        states.snapshotIfDue(worker, (error) => deps.logger.warn({ error }, 'a snapshot could not be saved'))
        settle(worker, decided, events, result)
      },
      (error: unknown) => fail(worker, decided.map(pendingOf), error),
    )
  }

  /** The batch is durable: answers everybody. An append at its revision proves that the state was the newest. */
  const settle = (
    worker: W,
    decided: readonly Decided<Command, Event, Facts>[],
    events: readonly NewEvent[],
    result: AppendResult | undefined,
  ): void => {
    const unproven: { pending: P; answer: Accepted | DomainError }[] = []
    for (const outcome of decided) {
      const { pending, kind } = outcome
      if (kind === 'repeated') {
        const inBatch = result && events[outcome.revision - result.firstRevision]
        answerRepeated(worker.stream, pending, outcome.revision, inBatch)
      } else {
        const answer = kind === 'accepted' ? accepted(outcome, result) : outcome.error
        if (result !== undefined || kind === 'failed') pending.answer(answer)
        else unproven.push({ pending, answer })
      }
    }
    if (unproven.length === 0) return next(worker)
    confirm(worker, unproven).then(
      () => next(worker),
      (error: unknown) => fail(worker, unproven.map(pendingOf), error),
    )
  }

  const next = (worker: W): void => {
    if (worker.current) for (const reader of worker.readers.splice(0)) reader.resolve(worker.state)
    if (worker.queue.length > 0 || worker.readers.length > 0) schedule(worker)
    else worker.running = false
  }

  /**
   * Another node may have changed what made the command refusable, or what left it nothing to do: only what was
   * decided on the newest state stands.
   */
  const confirm = async (
    worker: W,
    unproven: readonly { pending: P; answer: Accepted | DomainError }[],
  ): Promise<void> => {
    const newer = await deps.store.readStream(worker.stream, { from: worker.revision + 1, maxCount: 1 })
    if (newer.length > 0) {
      worker.current = false
      requeue(worker, unproven.map(pendingOf))
    } else for (const { pending, answer } of unproven) pending.answer(answer)
  }

  const answerRepeated = (stream: StreamName, pending: P, revision: number, inBatch: NewEvent | undefined): void => {
    if (inBatch !== undefined) {
      pending.answer(originalAnswer(pending, revision, inBatch))
      return
    }
    deps.store.readStream(stream, { from: revision, maxCount: 1 }).then(
      ([event]) => pending.answer(event === undefined ? busy() : originalAnswer(pending, revision, event)),
      (error: unknown) => pending.answer(asDomainError(error)),
    )
  }

  const originalAnswer = (
    { command, meta }: P,
    revision: number,
    stored: Pick<RecordedEvent, 'type' | 'data' | 'metadata'>,
  ): Accepted | DomainError => {
    const event = decider.upcast(stored)
    const same = stored.metadata.actor.userId === meta.actor.userId && event && decider.repeats(command, event)
    return same ? { event, revision } : idempotencyConflict()
  }

  /** What was decided did not reach the log: forget it, and decide again where the stream had moved on. */
  const fail = (worker: W, pendings: readonly P[], error: unknown): void => {
    states.reset(worker)
    if (error instanceof ConcurrencyConflict) {
      requeue(worker, pendings)
      void deps.pause(Math.random() * MAX_BACKOFF_MS).then(() => schedule(worker))
      return
    }
    const refusal = asDomainError(error)
    if (refusal.code === 'Internal') deps.logger.error({ error, stream: worker.stream }, 'a command failed')
    for (const pending of pendings) pending.answer(refusal)
    next(worker)
  }

  const requeue = (worker: W, pendings: readonly P[]): void => {
    const again = pendings.filter((pending) => ++pending.attempts < MAX_ATTEMPTS)
    for (const pending of pendings) if (pending.attempts >= MAX_ATTEMPTS) pending.answer(busy())
    worker.queue = again.concat(worker.queue)
  }

  return {
    submit(command, meta, answer) {
      const worker = workers.get(aggregate.streamOf(command))
      if (worker.queue.length >= deps.maxQueue) {
        answer(busy())
        return
      }
      worker.queue.push({
        command,
        meta,
        answer,
        attempts: 0,
        facts: undefined,
        foundAt: undefined,
        failure: undefined,
      })
      if (!worker.running) schedule(worker)
    },

    state(stream) {
      const worker = workers.get(stream)
      if (isCurrent(worker) && !worker.running) return Promise.resolve(worker.state)
      return new Promise((resolve, reject) => {
        worker.readers.push({ resolve, reject })
        if (!worker.running) schedule(worker)
      })
    },

    observe({ stream, revision }) {
      const worker = workers.peek(stream)
      if (worker !== undefined && revision > worker.observed) worker.observed = revision
    },
  }
}

const accepted = (
  { event, revision }: Pick<Accepted, 'event' | 'revision'>,
  result: AppendResult | undefined,
): Accepted => (result === undefined ? { event, revision } : { event, revision, position: result.position })

const pendingOf = <P>(decided: { readonly pending: P }): P => decided.pending
