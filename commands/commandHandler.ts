import { DomainError } from '../domain/errors.ts'
import type { Decider } from '../domain/eventsourcing/decider.ts'
import { type AppendResult, ConcurrencyConflict } from '../domain/eventsourcing/eventStore.ts'
import type { DomainEvent, NewEvent, RecordedEvent } from '../domain/eventsourcing/message.ts'
import type { CommandId, StreamName } from '../domain/ids.ts'
import type { Clock, Logger, NewId } from '../domain/ports.ts'
import { type Accepted, type Answer, type CommandMeta, type Decided, decideBatch, type Pending } from './decideBatch.ts'
import { type CachedStream, createStreamStates, type StreamStatesDeps } from './streamStates.ts'
import { createWorkers } from './workers.ts'

const MAX_ATTEMPTS = 10
/** Two nodes that met once on a stream must not keep meeting. */
const MAX_BACKOFF_MS = 10

/** One kind of aggregate, as the handler runs it. */
export interface Aggregate<Command, State, Event, Facts> {
  readonly decider: Decider<Command, State, Event, Facts>
  readonly streamOf: (command: Command) => StreamName
  /** Facts of other streams that the decision needs; a promise only where something must be read. */
  readonly factsFor: (command: Command, meta: CommandMeta) => Facts | Promise<Facts>
  /** Upper bound of the bytes of an event's content. */
  readonly weigh: (event: Event) => number
  /** Finds a command that may be older than the window remembers, whose oldest is at revision `oldest`. */
  readonly findOld: (stream: StreamName, id: CommandId, oldest: number) => Promise<number | 'none' | 'unknown'>
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

  const run = (worker: W): void => {
    if (worker.current) return runBatch(worker)
    states.readOn(worker).then(
      () => runBatch(worker),
      (error: unknown) => fail(worker, worker.queue.splice(0), error),
    )
  }

  const runBatch = (worker: W): void => {
    const batch = worker.queue
    if (batch.length === 0) return next(worker)
    worker.queue = []
    const preparing = prepare(worker, batch)
    if (preparing === undefined) return append(worker, batch)
    void preparing.then(() => append(worker, batch))
  }

  /** Facts, and what became of ids too old for the window; nothing to wait for in the common case. */
  const prepare = (worker: W, batch: readonly P[]): Promise<unknown> | undefined => {
    const waits: Promise<void>[] = []
    for (const pending of batch) {
      const id = pending.meta.commandId
      if (worker.window.mayHaveLeft(id) && worker.window.revisionOf(id) === undefined)
        waits.push(findOld(worker, pending))
      const facts = aggregate.factsFor(pending.command, pending.meta)
      if (facts instanceof Promise) waits.push(waitForFacts(pending, facts))
      else pending.facts = facts
    }
    return waits.length === 0 ? undefined : Promise.all(waits)
  }

  const waitForFacts = async (pending: P, facts: Promise<Facts>): Promise<void> => {
    try {
      pending.facts = await facts
    } catch (error) {
      pending.failure = asDomainError(error)
    }
  }

  const findOld = async (worker: W, pending: P): Promise<void> => {
    try {
      const id = pending.meta.commandId
      const found = await aggregate.findOld(worker.stream, id, worker.window.oldestRevision())
      if (found === 'unknown') pending.failure = busy()
      else if (found !== 'none') pending.foundAt = found
    } catch (error) {
      pending.failure = asDomainError(error)
    }
  }

  const append = (worker: W, batch: P[]): void => {
    const { decided, events, rest } = decideBatch(worker, batch, decider, aggregate.weigh, deps.newId, deps.clock())
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

  /** The batch is durable: answers everybody. */
  const settle = (
    worker: W,
    decided: readonly Decided<Command, Event, Facts>[],
    events: readonly NewEvent[],
    result: AppendResult | undefined,
  ): void => {
    const refused: { pending: P; error: DomainError }[] = []
    for (const outcome of decided) {
      const { pending } = outcome
      if (outcome.kind === 'accepted') {
        const { event, revision } = outcome
        pending.answer(result === undefined ? { event, revision } : { event, revision, position: result.position })
      } else if (outcome.kind === 'repeated') {
        const inBatch = result && events[outcome.revision - result.firstRevision]
        answerRepeated(worker.stream, pending, outcome.revision, inBatch)
      } else if (outcome.kind === 'failed') pending.answer(outcome.error)
      else refused.push(outcome)
    }
    if (refused.length === 0) return next(worker)
    confirm(worker, refused).then(
      () => next(worker),
      (error: unknown) => fail(worker, refused.map(pendingOf), error),
    )
  }

  const next = (worker: W): void => {
    for (const reader of worker.readers.splice(0)) reader.resolve(worker.state)
    if (worker.queue.length > 0) schedule(worker)
    else worker.running = false
  }

  /** Another node may have changed what made the command refusable: only a refusal on the newest state stands. */
  const confirm = async (worker: W, refused: readonly { pending: P; error: DomainError }[]): Promise<void> => {
    const newer = await deps.store.readStream(worker.stream, { from: worker.revision + 1, maxCount: 1 })
    if (newer.length > 0) {
      worker.current = false
      requeue(worker, refused.map(pendingOf))
    } else for (const { pending, error } of refused) pending.answer(error)
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
    return same ? { event, revision } : conflict()
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
    for (const reader of worker.readers.splice(0)) reader.reject(refusal)
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
      if (worker.current && !worker.running) return Promise.resolve(worker.state)
      return new Promise((resolve, reject) => {
        worker.readers.push({ resolve, reject })
        if (!worker.running) schedule(worker)
      })
    },

    observe({ stream, revision }) {
      const worker = workers.peek(stream)
      if (worker !== undefined && !worker.running && revision > worker.revision) worker.current = false
    },
  }
}

const pendingOf = <P>(decided: { readonly pending: P }): P => decided.pending

const asDomainError = (error: unknown): DomainError =>
  error instanceof DomainError ? error : new DomainError('Internal', 'The server failed; try the same again later.')

const busy = () => new DomainError('Busy', 'Too much is going on here right now; try the same again in a moment.')
const conflict = () =>
  new DomainError('IdempotencyConflict', 'This id was used before for something else; make a new id for a new command.')
