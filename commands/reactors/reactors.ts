import { DomainError, isRetryable } from '../../domain/errors.ts'
import type { EventStore } from '../../domain/eventsourcing/eventStore.ts'
import type { PositionedEvent } from '../../domain/eventsourcing/message.ts'
import type { Position, StreamName } from '../../domain/ids.ts'
import type { Clock, Logger } from '../../domain/ports.ts'
import type { Dispatch } from '../dispatch.ts'
import type { Lease, SnapshotStore } from '../ports.ts'
import { handles } from './handles.ts'
import type { Reaction, Reactor } from './reactor.ts'
import type { Scheduler } from './scheduler.ts'

const LEASE_MS = 30_000
const FIRST_PAUSE_MS = 100
const MAX_PAUSE_MS = 10_000
/** Events that did not concern a reactor are read again after a crash: at most so many. */
const SAVE_EVERY = 10_000

export interface ReactorsDeps {
  readonly store: Pick<EventStore, 'subscribeToAll'>
  readonly dispatch: Pick<Dispatch, 'execute'>
  /** Keeps each reactor's state and place in the log; without it, the reactor begins at the start again. */
  readonly snapshots: SnapshotStore
  readonly incarnation: string
  readonly lease: Lease
  /** Name of this node. */
  readonly holder: string
  readonly clock: Clock
  readonly logger: Logger
  readonly scheduler: Scheduler
  /** How often leases are renewed and due times looked at, in milliseconds. Default: 10 seconds. */
  readonly tickMs?: number
}

/** Everything the system does by itself, on the node that has the lease. */
export interface Reactors {
  start(): void
  /** Resolves when nothing is under way any more. */
  stop(): Promise<void>
}

export const createReactors = (deps: ReactorsDeps): Reactors => {
  const stopping = new AbortController()
  let running: Promise<unknown> = Promise.resolve()
  return {
    start() {
      running = Promise.all([keepRunning(deps, handles, stopping.signal)])
    },
    async stop() {
      stopping.abort()
      await running
    },
  }
}

/** Where a reactor stands. */
interface Progress<State> {
  state: State
  position: Position | 'start'
  /** Events of the log folded so far, and when it was last saved. */
  count: number
  savedAt: number
}

const keepRunning = async <State>(deps: ReactorsDeps, reactor: Reactor<State>, signal: AbortSignal): Promise<void> => {
  const { lease, holder, logger, scheduler, tickMs = 10_000 } = deps
  const name = `reactor/${reactor.name}`
  while (!signal.aborted) {
    try {
      if (await lease.acquire(name, holder, LEASE_MS)) await serveTerm(deps, reactor, signal, name)
    } catch (error) {
      logger.error({ error, reactor: reactor.name }, 'a reactor failed and begins again')
    }
    await scheduler.sleep(tickMs, signal)
  }
  await lease.release(name, holder)
}

/** Follows the log and looks at due times until the lease is lost, or either of them fails. */
const serveTerm = async <State>(
  deps: ReactorsDeps,
  reactor: Reactor<State>,
  signal: AbortSignal,
  leaseName: string,
): Promise<void> => {
  const { lease, holder, clock, scheduler, tickMs = 10_000 } = deps
  const term = new AbortController()
  const active = AbortSignal.any([signal, term.signal])
  const progress = await load(deps, reactor)

  const watchDueTimes = async (): Promise<void> => {
    while (!active.aborted) {
      for (const reaction of reactor.due(progress.state, clock())) await carryOut(deps, reaction)
      await scheduler.sleep(tickMs, active)
      if (!(await lease.acquire(leaseName, holder, LEASE_MS))) return
    }
  }
  const end = () => term.abort()
  await Promise.all([follow(deps, reactor, progress, active).finally(end), watchDueTimes().finally(end)])
}

/** The state is saved only between batches, so it is always exactly that of its position. */
const follow = async <State>(
  deps: ReactorsDeps,
  reactor: Reactor<State>,
  progress: Progress<State>,
  signal: AbortSignal,
): Promise<void> => {
  for await (const batch of deps.store.subscribeToAll({ from: progress.position, signal })) {
    let concerned = false
    for (const event of batch) {
      if (!Object.hasOwn(reactor.handles, event.type)) continue
      concerned = true
      refuseNewer(reactor, event)
      progress.state = reactor.evolve(progress.state, event)
      for (const reaction of reactor.react(event)) if (!(await insist(deps, reaction, signal))) return
    }
    progress.position = batch.at(-1)?.position ?? progress.position
    progress.count += batch.length
    if (concerned || progress.count - progress.savedAt >= SAVE_EVERY) await save(deps, reactor, progress)
  }
}

const refuseNewer = (reactor: Pick<Reactor<unknown>, 'handles'>, { type, metadata }: PositionedEvent): void => {
  if (metadata.schema > (reactor.handles[type] ?? 0))
    throw new DomainError('Unavailable', `${type} was written by a newer version; upgrade this node.`)
}

/** True once the command has its outcome; false when the signal aborts first. */
const insist = async (deps: ReactorsDeps, reaction: Reaction, signal: AbortSignal): Promise<boolean> => {
  for (let pause = FIRST_PAUSE_MS; !signal.aborted; pause = Math.min(2 * pause, MAX_PAUSE_MS)) {
    if (await carryOut(deps, reaction)) return true
    await deps.scheduler.sleep(pause, signal)
  }
  return false
}

/** False when the same may succeed later. A refusal is an outcome. */
const carryOut = async ({ dispatch, logger }: ReactorsDeps, { command, meta }: Reaction): Promise<boolean> => {
  try {
    await dispatch.execute(command, meta)
    return true
  } catch (error) {
    const { causationId } = meta
    logger.warn({ error, command: command.type, causationId }, 'a reaction did not succeed')
    return !(error instanceof DomainError && isRetryable(error.code))
  }
}

const snapshotName = (reactor: Pick<Reactor<unknown>, 'name'>): StreamName => `reactor-${reactor.name}` as StreamName

const load = async <State>(deps: ReactorsDeps, reactor: Reactor<State>): Promise<Progress<State>> => {
  const snapshot = await deps.snapshots.load(snapshotName(reactor))
  if (snapshot?.incarnation !== deps.incarnation || snapshot.version !== reactor.version)
    return { state: reactor.initial(), position: 'start', count: 0, savedAt: 0 }
  const { state, position } = JSON.parse(snapshot.state) as Pick<Progress<State>, 'state' | 'position'>
  return { state, position, count: snapshot.revision, savedAt: snapshot.revision }
}

const save = async <State>(deps: ReactorsDeps, reactor: Reactor<State>, progress: Progress<State>): Promise<void> => {
  const { state, position, count } = progress
  progress.savedAt = count
  await deps.snapshots.save({
    stream: snapshotName(reactor),
    revision: count,
    incarnation: deps.incarnation,
    version: reactor.version,
    state: JSON.stringify({ state, position }),
  })
}
