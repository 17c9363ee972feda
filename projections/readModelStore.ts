import type { EventId, Position } from '../domain/ids.ts'
import type { Doc, IndexSpec } from './projection.ts'

/** A collection of documents: `name@version`, or `name@version#generation` while it is being rebuilt. */
export type ModelId = string

/** How far a model has folded the log: it stands on this event of this log. */
export interface Checkpoint {
  readonly position: Position
  readonly eventId: EventId
  readonly incarnation: string
}

export interface StoredDoc<D extends Doc = Doc> {
  readonly key: string
  /** Position of the event that last changed it. */
  readonly position: Position
  /** `undefined` for a tombstone: deleted, kept so that a replay cannot bring it back. */
  readonly doc: D | undefined
}

export interface Range {
  readonly gt?: string | number
  readonly gte?: string | number
  readonly lt?: string | number
  readonly lte?: string | number
}

export interface Query {
  /** A declared index, or `key` for the document's key itself. */
  readonly index: string
  /** Values for the first fields of the index, in its order; empty for `key`. */
  readonly equals?: readonly (string | number)[]
  /** On the field after those, or on the key. */
  readonly range?: Range
  /** By that field, ties by key in the same direction. Default ascending. */
  readonly order?: 'ascending' | 'descending'
  readonly limit: number
}

/**
 * Documents by key, declared indexes, one checkpoint per model.
 *
 * `commit` is visible to every later read when it resolves, and durable soon after, documents and
 * checkpoint only together or the documents first: a crash may lose the newest commits, never reorder them.
 * A document is written only where the stored one has a lower position: writing twice is harmless.
 * Errors: `DomainError` with code `Unavailable` when the store cannot be reached.
 */
export interface ReadModelStore {
  /** Makes the model and its indexes where they are missing; keeps what is there. */
  open(model: ModelId, indexes: readonly IndexSpec[]): Promise<void>
  checkpoint(model: ModelId): Promise<Checkpoint | undefined>
  /** Tombstones included, in no particular order; keys that do not exist are absent. */
  get(model: ModelId, keys: readonly string[]): Promise<readonly StoredDoc[]>
  /** Without tombstones. */
  query(model: ModelId, query: Query): Promise<readonly StoredDoc[]>
  /** The checkpoint only moves forwards, except to another incarnation. */
  commit(model: ModelId, documents: readonly StoredDoc[], checkpoint: Checkpoint): Promise<void>
  /** Removes tombstones whose position is at or below `position`. */
  prune(model: ModelId, position: Position): Promise<void>
  /** Every document in order of key, without tombstones, in pages: what digests are made of. */
  scan(model: ModelId, afterKey: string | undefined, limit: number): Promise<readonly StoredDoc[]>
  /** Atomically gives `live` the contents of `built`, which is gone afterwards; both have been opened. */
  swap(built: ModelId, live: ModelId): Promise<void>
  drop(model: ModelId): Promise<void>
  models(): Promise<readonly ModelId[]>
  /** Everything committed so far is durable when it resolves. */
  flush(): Promise<void>
}
