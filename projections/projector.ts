import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises'
import type { EventStore } from '../domain/eventsourcing/eventStore.ts'
import type { PositionedEvent } from '../domain/eventsourcing/message.ts'
import type { Position } from '../domain/ids.ts'
import type { Clock, Logger, Metrics } from '../domain/ports.ts'
import { createLane, type Lane } from './lane.ts'
import { modelOf, type Projection } from './projection.ts'
import type { Checkpoint, ReadModelStore } from './readModelStore.ts'
import { standsOn } from './standsOn.ts'

/** Folds the log into the read models, in order, in batches, each event once. */
export interface Projector {
  /** Resolves when every projection has been opened and loaded its checkpoint; folding goes on in the background. */
  start(): Promise<void>
  /** Commits what is folded, and stops. */
  stop(): Promise<void>
  /** Position up to which the named model answers queries; `undefined` before its first event. */
  checkpoint(projection: string): Position | undefined
  /** Lowest checkpoint of the named ones. */
  lowest(projections: readonly string[]): Position | undefined
  /** True once all named models have passed the position; false when that took longer than `timeoutMs`. */
  waitFor(projections: readonly string[], position: Position, timeoutMs: number): Promise<boolean>
  /** Called after every commit; for waiters such as a device in cursor mode. Returns the way to stop it. */
  onAdvance(listener: () => void): () => void
  /**
   * Runs `work` while nothing is folded into the named model, all of which is committed; the others go on.
   * Afterwards folding goes on from whatever checkpoint the model then has.
   */
  whilePaused<T>(projection: string, work: (checkpoint: Checkpoint | undefined) => Promise<T>): Promise<T>
}

export interface ProjectorDeps {
  readonly log: Pick<EventStore, 'subscribeToAll' | 'readAll' | 'head'>
  readonly models: ReadModelStore
  readonly projections: readonly Projection[]
  /** Of the log: models of another one are dropped and built anew. */
  readonly incarnation: string
  readonly logger: Logger
  readonly metrics: Metrics
  /** Default: the system's. */
  readonly clock?: Clock
}

/** Short enough for whoever reads without `atLeast`, and for a loop turn to hold. */
const PACE = { everyMs: 100, documents: 500 }
const FIRST_RETRY_MS = 100
const MAX_RETRY_MS = 5_000
const HOUR_MS = 3_600_000
const KEEP_TOMBSTONES_MS = 24 * HOUR_MS

export const createProjector = (deps: ProjectorDeps): Projector => {
  const { log, models, projections, incarnation, logger, metrics, clock = Date.now } = deps
  const listeners = new Set<() => void>()
  const onAdvance = (): void => {
    for (const listener of listeners) listener()
  }
  const onFailure = (error: unknown): void => {
    broken = { error }
    following.abort()
  }
  const lanes = new Map<string, Lane>(
    projections.map((projection) => [
      projection.name,
      createLane(projection, modelOf(projection), { models, incarnation, pace: PACE, onAdvance, onFailure }),
    ]),
  )
  const paused = new Set<Lane>()
  const marks: { readonly at: number; readonly position: Position }[] = []
  const stopping = new AbortController()
  let following = new AbortController()
  let broken: { readonly error: unknown } | undefined
  let turn: Promise<void> = Promise.resolve()
  let running: Promise<void> = Promise.resolve()

  const laneOf = (projection: string): Lane => {
    const lane = lanes.get(projection)
    if (lane === undefined) throw new RangeError(`there is no projection ${projection}`)
    return lane
  }

  const active = (): Lane[] => [...lanes.values()].filter((lane) => !paused.has(lane) && lane.stopped === undefined)

  const open = async (lane: Lane): Promise<void> => {
    await lane.open()
    if (lane.checkpoint === undefined || (await standsOn(log, incarnation, lane.checkpoint))) return
    logger.warn({ model: lane.model }, 'a read model is not of this log and is built anew')
    await models.drop(lane.model)
    await lane.open()
  }

  const lowestOf = (some: readonly Lane[]): Position | undefined => {
    let lowest: Position | undefined
    for (const { checkpoint } of some) {
      if (checkpoint === undefined) return undefined
      if (lowest === undefined || checkpoint.position < lowest) lowest = checkpoint.position
    }
    return lowest
  }

  const takeBatch = async (events: readonly PositionedEvent[]): Promise<void> => {
    const taking = active()
    await Promise.all(taking.map(async (lane) => lane.take(events)))
    for (const { projection, stopped } of taking) {
      if (stopped === undefined) continue
      logger.error({ projection: projection.name, error: stopped }, 'a projection stopped')
      metrics.gauge('parley_projection_stopped', 1, { projection: projection.name })
    }
    const last = events.at(-1) as PositionedEvent
    metrics.count('parley_projector_events_total', events.length)
    metrics.gauge('parley_projector_lag_seconds', Math.max(0, clock() - Date.parse(last.metadata.at)) / 1_000)
    await pruneTombstones(last.position)
  }

  const pruneTombstones = async (position: Position): Promise<void> => {
    const now = clock()
    const newest = marks.at(-1)
    if (newest !== undefined && now - newest.at < HOUR_MS) return
    marks.push({ at: now, position })
    const due = marks.findLastIndex(({ at }) => now - at >= KEEP_TOMBSTONES_MS)
    const mark = marks[due]
    if (mark === undefined) return
    for (const lane of active()) await models.prune(lane.model, mark.position)
    marks.splice(0, due + 1)
  }

  /** Until the log cannot be read, or somebody wants to begin again from the lowest checkpoint. */
  const follow = async (): Promise<void> => {
    following = new AbortController()
    const signal = AbortSignal.any([stopping.signal, following.signal])
    const taking = active()
    const from = taking.length === 0 ? 'end' : (lowestOf(taking) ?? 'start')
    for await (const events of log.subscribeToAll({ from, signal })) {
      turn = takeBatch(events)
      await turn
      // A long way to go must not keep the process from everything else.
      await nextTurn()
    }
    if (broken !== undefined) throw broken.error
    if (!signal.aborted) throw new Error('the subscription to the log ended')
  }

  const run = async (): Promise<void> => {
    let retryMs = FIRST_RETRY_MS
    while (!stopping.signal.aborted) {
      try {
        await follow()
        retryMs = FIRST_RETRY_MS
      } catch (error) {
        if (stopping.signal.aborted) return
        logger.error({ error }, 'the projector failed and tries again')
        metrics.count('parley_projector_failures_total')
        await sleep(retryMs, undefined, { signal: stopping.signal }).catch(() => undefined)
        retryMs = Math.min(2 * retryMs, MAX_RETRY_MS)
        await reopen()
      }
    }
  }

  /** What was folded and not committed is folded again. */
  const reopen = async (): Promise<void> => {
    broken = undefined
    try {
      for (const lane of active()) await open(lane)
    } catch (error) {
      logger.error({ error }, 'the read models could not be opened')
    }
  }

  const lowest = (names: readonly string[]): Position | undefined => lowestOf(names.map(laneOf))

  const listen = (listener: () => void): (() => void) => {
    listeners.add(listener)
    return () => listeners.delete(listener)
  }

  return {
    async start() {
      for (const lane of lanes.values()) await open(lane)
      running = run()
    },
    async stop() {
      stopping.abort()
      await running
      for (const lane of lanes.values()) {
        await lane.settle().catch((error: unknown) => {
          logger.error({ error, model: lane.model }, 'what was folded last is folded again after the next start')
        })
      }
    },
    checkpoint: (projection) => laneOf(projection).checkpoint?.position,
    lowest,
    waitFor(names, position, timeoutMs) {
      const passed = (): boolean => (lowest(names) ?? '') >= position
      if (passed()) return Promise.resolve(true)
      const calm = names.map((name) => laneOf(name).hurry())
      return new Promise((resolve) => {
        const done = (outcome: boolean): void => {
          clearTimeout(timer)
          ignore()
          for (const calmDown of calm) calmDown()
          resolve(outcome)
        }
        const timer = setTimeout(() => done(false), timeoutMs)
        const ignore = listen(() => {
          if (passed()) done(true)
        })
      })
    },
    onAdvance: listen,
    async whilePaused(projection, work) {
      const lane = laneOf(projection)
      if (paused.has(lane)) throw new Error(`${projection} is paused already`)
      paused.add(lane)
      try {
        await turn.catch(() => undefined)
        await lane.settle()
        return await work(lane.checkpoint)
      } finally {
        await lane.open().finally(() => {
          paused.delete(lane)
          following.abort()
        })
      }
    },
  }
}
