import type { PositionedEvent } from '../domain/eventsourcing/message.ts'
import { categoryOf, type Position } from '../domain/ids.ts'
import type { Doc, Projection } from './projection.ts'
import type { Checkpoint, ModelId, ReadModelStore, StoredDoc } from './readModelStore.ts'
import { Recent } from './recent.ts'

/** Documents kept in memory, so that hot ones are not read back and parsed for every batch. */
const RECENT_DOCUMENTS = 10_000
/** Changed documents that folding may be ahead of a commit that is under way. */
const MAX_UNCOMMITTED = 10_000
/** Events that changed nothing are folded again after a crash: about so many at most. */
const SAVE_EVERY = 4_096

/** There is an event that the projection cannot take: it stands before it until its code changes. */
export class ProjectionStopped extends Error {
  override readonly name = 'ProjectionStopped'
}

/** One projection's way through the log, into one model. */
export interface Lane {
  readonly projection: Projection
  readonly model: ModelId
  /** Up to here the model answers queries. */
  readonly checkpoint: Checkpoint | undefined
  /** Set once there is an event that it cannot take. */
  readonly stopped: ProjectionStopped | undefined
  /** Goes on from the model's own checkpoint, whatever was folded beyond it. */
  open(): Promise<void>
  /** Folds what comes after its place; a promise where something must be waited for. Throws what a commit threw. */
  take(events: readonly PositionedEvent[]): Promise<void> | undefined
  /** From now on commits follow at once, until what it returns is called. */
  hurry(): () => void
  /** Resolves when all that is folded is committed, checkpoint included. */
  settle(): Promise<void>
}

/** How long changes of a document may gather, so that one which changes often is written once. */
export interface Pace {
  /** Documents are committed so long after the last commit... */
  readonly everyMs: number
  /** ... or as soon as so many have changed. */
  readonly documents: number
}

export interface LaneDeps {
  readonly models: ReadModelStore
  readonly incarnation: string
  readonly pace: Pace
  /** Called after every step of the checkpoint. */
  readonly onAdvance?: () => void
  /** A commit failed: what was folded since must be folded again, after `open`. */
  readonly onFailure?: (error: unknown) => void
}

/** A document while a batch is folded into it; never changed after its batch. */
interface Draft extends StoredDoc {
  position: Position
  doc: Doc | undefined
  changed: boolean
  /** Made by an event of the batch: nobody looked whether there is an earlier one. */
  readonly isNew: boolean
}

interface Batch {
  /** What is to be folded, in order: an event into its document, which is the `at`th of its keys. */
  readonly events: PositionedEvent[]
  readonly drafts: Draft[]
  readonly ats: number[]
  readonly byKey: Map<string, Draft>
  readonly missing: string[]
  /** The last event that was looked at, and how many were. */
  last: PositionedEvent | undefined
  count: number
}

const NOWHERE = '' as Position

export const createLane = (projection: Projection, model: ModelId, deps: LaneDeps): Lane => {
  const { models, incarnation, pace, onAdvance, onFailure } = deps
  // Documents that are new do not change often.
  const everyMs = projection.firstIsNew === true ? 0 : pace.everyMs
  const handled = projection.handles === 'all' ? undefined : new Set(projection.handles)
  const schemas = new Map<string, number>(Object.entries(projection.categories))
  const recent = new Recent<StoredDoc>(RECENT_DOCUMENTS)
  let folded: Checkpoint | undefined
  let committed: Checkpoint | undefined
  let unsaved = 0
  let dirty = new Map<string, Draft>()
  let committing = new Map<string, Draft>()
  let running: Promise<void> | undefined
  let timer: NodeJS.Timeout | undefined
  let committedAt = Number.NEGATIVE_INFINITY
  let hurried = 0
  let failure: { readonly error: unknown } | undefined
  let stopped: ProjectionStopped | undefined

  const draftOf = (key: string, isNew: boolean, { byKey, missing }: Batch): Draft => {
    const known = byKey.get(key)
    if (known !== undefined) return known
    const found = isNew ? undefined : (dirty.get(key) ?? committing.get(key) ?? recent.get(key))
    const draft = { key, position: found?.position ?? NOWHERE, doc: found?.doc, changed: false, isNew }
    if (found === undefined && !isNew) missing.push(key)
    byKey.set(key, draft)
    return draft
  }

  /** Which documents are concerned, up to the first event that this version does not understand. */
  const prepare = (events: readonly PositionedEvent[]): Batch => {
    const batch: Batch = { events: [], drafts: [], ats: [], byKey: new Map(), missing: [], last: undefined, count: 0 }
    for (const event of events) {
      const schema = schemas.get(categoryOf(event.stream))
      if (schema !== undefined && (handled === undefined || handled.has(event.type))) {
        if (event.metadata.schema > schema) {
          stop(`${event.type} ${event.id} has schema ${event.metadata.schema}; known is ${schema}`)
          break
        }
        const keys = projection.keysOf(event)
        for (let at = 0; at < keys.length; at++) {
          batch.events.push(event)
          batch.drafts.push(draftOf(keys[at] as string, at === 0 && projection.firstIsNew === true, batch))
          batch.ats.push(at)
        }
      }
      batch.last = event
      batch.count++
    }
    return batch
  }

  const fold = ({ events, drafts, ats, byKey, last, count }: Batch): void => {
    if (last === undefined) return
    for (let step = 0; step < events.length; step++) {
      const event = events[step] as PositionedEvent
      const draft = drafts[step] as Draft
      if (event.position <= draft.position) continue
      const after = projection.project(draft.doc, event, ats[step] as number)
      if (after === draft.doc) continue
      draft.doc = after
      draft.position = event.position
      draft.changed = true
    }
    for (const draft of byKey.values()) {
      if (draft.changed) dirty.set(draft.key, draft)
      if (!draft.isNew) recent.set(draft.key, draft)
    }
    folded = { position: last.position, eventId: last.id, incarnation }
    unsaved += count
  }

  const load = async (batch: Batch): Promise<void> => {
    for (const { key, position, doc } of await models.get(model, batch.missing)) {
      const draft = batch.byKey.get(key) as Draft
      draft.position = position
      draft.doc = doc
    }
    attempt(() => fold(batch))
    advance()
    await backlog()
  }

  /** All of a batch or, when its data are not what the fold expects, nothing of it. */
  const attempt = <T>(work: () => T): T | undefined => {
    try {
      return work()
    } catch (error) {
      stop(`an event could not be folded: ${String(error)}`, error)
      return undefined
    }
  }

  const stop = (message: string, cause?: unknown): void => {
    stopped = new ProjectionStopped(`${model} stopped: ${message}`, { cause })
  }

  const advance = (): void => {
    if (dirty.size > 0 || unsaved >= SAVE_EVERY) commitInTime()
    else if (running === undefined && committed !== folded) {
      // Nothing changed: the model answers for the new place already, the checkpoint is written now and then.
      committed = folded
      onAdvance?.()
    }
  }

  /** What to wait for before folding on. */
  const backlog = (): Promise<void> | undefined => (dirty.size >= MAX_UNCOMMITTED ? running : undefined)

  const commitInTime = (): void => {
    if (running !== undefined) return
    const wait = committedAt + everyMs - performance.now()
    if (hurried > 0 || wait <= 0 || dirty.size >= pace.documents || dirty.size === 0) commitNow()
    else timer ??= setTimeout(commitNow, wait)
  }

  /** Folding goes on meanwhile. */
  const commitNow = (): void => {
    clearTimeout(timer)
    timer = undefined
    running ??= commit().then(
      () => {
        running = undefined
        advance()
      },
      (error: unknown) => {
        running = undefined
        failure = { error }
        onFailure?.(error)
      },
    )
  }

  const commit = async (): Promise<void> => {
    if (folded === undefined) return
    const checkpoint = folded
    committing = dirty
    dirty = new Map()
    unsaved = 0
    await models.commit(model, [...committing.values()], checkpoint)
    committing = new Map()
    committed = checkpoint
    committedAt = performance.now()
    onAdvance?.()
  }

  return {
    projection,
    model,
    get checkpoint() {
      return committed
    },
    get stopped() {
      return stopped
    },
    async open() {
      clearTimeout(timer)
      timer = undefined
      await running
      await models.open(model, projection.indexes)
      committed = await models.checkpoint(model)
      folded = committed
      unsaved = 0
      dirty = new Map()
      committing = new Map()
      recent.clear()
      failure = undefined
      stopped = undefined
    },
    take(events) {
      if (failure !== undefined) throw failure.error
      if (stopped !== undefined) return undefined
      const place = folded?.position
      const ahead = place === undefined ? events : events.filter(({ position }) => position > place)
      const batch = attempt(() => prepare(ahead))
      if (batch === undefined) return undefined
      if (batch.missing.length > 0) return load(batch)
      attempt(() => fold(batch))
      advance()
      return backlog()
    },
    hurry() {
      hurried++
      if (timer !== undefined) commitNow()
      return () => void hurried--
    },
    async settle() {
      while (failure === undefined && (running !== undefined || unsaved > 0)) {
        commitNow()
        await running
      }
      if (failure !== undefined) throw failure.error
    },
  }
}
