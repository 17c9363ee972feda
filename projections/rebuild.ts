import { setImmediate as nextTurn } from 'node:timers/promises'
import type { EventStore } from '../domain/eventsourcing/eventStore.ts'
import type { Position } from '../domain/ids.ts'
import type { Clock } from '../domain/ports.ts'
import { firstDifference } from './digest.ts'
import { createLane, type Lane } from './lane.ts'
import { modelOf, type Projection } from './projection.ts'
import type { Projector } from './projector.ts'
import type { ModelId, ReadModelStore } from './readModelStore.ts'
import { standsOn } from './standsOn.ts'

export interface RebuildDeps {
  readonly log: Pick<EventStore, 'readAll' | 'head'>
  readonly models: ReadModelStore
  /** Keeps the live models up to date, and pauses each while what was built takes its place. */
  readonly projector: Pick<Projector, 'lowest' | 'whilePaused'>
  readonly incarnation: string
  readonly clock: Clock
}

export interface RebuildOptions {
  readonly projections: readonly Projection[]
  /** Compares what was built with the live model, while that is paused. Default: no. */
  readonly compare?: boolean
  /** Puts what was built in the place of the live model; else it is dropped in the end. Default: yes. */
  readonly swap?: boolean
  readonly onProgress?: (progress: RebuildProgress) => void
  /** Ends it early, as does a crash: the next rebuild goes on from there. */
  readonly signal?: AbortSignal
}

export interface RebuildProgress {
  readonly events: number
  readonly eventsPerSecond: number
  /** Part of the log that is done, from 0 to 1, and the time that is left for the rest: estimates. */
  readonly share: number
  readonly secondsLeft: number
}

export interface Rebuilt {
  readonly projection: string
  /** When compared: the first key under which the live model had something else. */
  readonly difference?: string
}

const PAGE = 1_000
/** Nobody reads it yet. */
const PACE = { everyMs: 10_000, documents: 10_000 }

/**
 * Folds the log anew into `name@version#generation` beside the live models, in one pass for all of them, while
 * everything goes on; then, one by one, brings each to the very checkpoint of the live one and swaps them.
 */
export const rebuild = async (deps: RebuildDeps, options: RebuildOptions): Promise<readonly Rebuilt[]> => {
  const { log, projector } = deps
  const { projections, signal } = options
  const names = projections.map(({ name }) => name)
  const lanes = await Promise.all(projections.map((projection) => openBuild(deps, projection)))
  const report = progressReporter(deps.clock, lowestOf(lanes), options.onProgress)

  const foldUpTo = async (some: readonly Lane[], goal: Position | undefined): Promise<number> => {
    let folded = 0
    for (let from = lowestOf(some); goal !== undefined && (from ?? '') < goal; ) {
      signal?.throwIfAborted()
      const page = await log.readAll({ from: from ?? 'start', maxCount: PAGE })
      const events = page.filter(({ position }) => position <= goal)
      const last = events.at(-1)
      if (last === undefined) break
      await Promise.all(some.map(async (lane) => lane.take(events)))
      for (const { stopped } of some) if (stopped !== undefined) throw stopped
      from = last.position
      folded += events.length
      report(events.length, from, goal)
      await nextTurn()
    }
    await Promise.all(some.map((lane) => lane.settle()))
    return folded
  }

  const bringToTheHead = async (): Promise<void> => {
    // The live models move on meanwhile; what is left then is little.
    while ((await foldUpTo(lanes, projector.lowest(names))) > PAGE) signal?.throwIfAborted()
  }

  try {
    await bringToTheHead()
    const rebuilt: Rebuilt[] = []
    for (const lane of lanes) {
      const { name } = lane.projection
      await foldUpTo([lane], projector.lowest([name]))
      rebuilt.push(
        await projector.whilePaused(name, async (checkpoint) => {
          await foldUpTo([lane], checkpoint?.position)
          return finish(deps.models, lane, options)
        }),
      )
    }
    return rebuilt
  } catch (error) {
    // Wherever it got to, the next one goes on from there.
    await Promise.allSettled(lanes.map((lane) => lane.settle()))
    throw error
  }
}

const finish = async (models: ReadModelStore, lane: Lane, options: RebuildOptions): Promise<Rebuilt> => {
  const { projection, model } = lane
  const live = modelOf(projection)
  const difference = options.compare === true ? await firstDifference(models, model, live) : undefined
  if (options.swap === false) await models.drop(model)
  else await models.swap(model, live)
  return { projection: projection.name, ...(difference !== undefined && { difference }) }
}

/** What an earlier rebuild left of this log, or a new generation. */
const openBuild = async (deps: RebuildDeps, projection: Projection): Promise<Lane> => {
  const { log, models, incarnation } = deps
  const prefix = `${modelOf(projection)}#`
  const left = (await models.models()).filter((model) => model.startsWith(prefix)).sort()
  for (const model of left) {
    const lane = createLane(projection, model, { models, incarnation, pace: PACE })
    await lane.open()
    if (lane.checkpoint !== undefined && (await standsOn(log, incarnation, lane.checkpoint))) return lane
    await models.drop(model)
  }
  const model: ModelId = `${prefix}${left.length + 1}`
  const lane = createLane(projection, model, { models, incarnation, pace: PACE })
  await lane.open()
  return lane
}

const lowestOf = (lanes: readonly Lane[]): Position | undefined => {
  const positions = lanes.map(({ checkpoint }) => checkpoint?.position)
  return positions.includes(undefined) ? undefined : positions.sort()[0]
}

/** Positions order as hexadecimal numbers, and logs grow evenly enough to estimate by them. */
const numberOf = (position: Position | undefined): number => (position === undefined ? 0 : Number(`0x${position}`))

const progressReporter = (
  clock: Clock,
  start: Position | undefined,
  onProgress: RebuildOptions['onProgress'],
): ((events: number, at: Position, goal: Position) => void) => {
  const startedAt = clock()
  let total = 0
  return (events, at, goal) => {
    total += events
    const seconds = Math.max(1, clock() - startedAt) / 1_000
    const done = numberOf(at) - numberOf(start)
    const all = Math.max(done, numberOf(goal) - numberOf(start))
    onProgress?.({
      events: total,
      eventsPerSecond: total / seconds,
      share: numberOf(at) / Math.max(numberOf(at), numberOf(goal)),
      secondsLeft: done === 0 ? 0 : (seconds * (all - done)) / done,
    })
  }
}
