import type { PositionedEvent } from '../domain/eventsourcing/message.ts'
import type { Category } from '../domain/ids.ts'

/** A document of a read model: plain JSON; the fields its indexes name stand at its top level. */
export type Doc = Readonly<Record<string, unknown>>

/**
 * An index over top-level fields (text or number): equality on a prefix of them, range and order on the next one,
 * which after the last field is the key. A document without the first field is not in it; one without a later
 * field comes before those that have it, and is in no range over it.
 */
export interface IndexSpec {
  readonly name: string
  readonly fields: readonly string[]
}

/**
 * A read model as data. `keysOf` names the documents an event touches, `project` folds the event into one
 * of them; both are pure and synchronous. A change of the fold is a change of `version`.
 */
export interface Projection<D extends Doc = Doc> {
  readonly name: string
  readonly version: number
  /** Categories of streams whose events it takes. */
  readonly categories: readonly Category[]
  /** Types of events it takes. */
  readonly handles: readonly string[]
  readonly indexes: readonly IndexSpec[]
  readonly keysOf: (event: PositionedEvent) => readonly string[]
  /** The document after the event; `undefined` deletes it; the same object means unchanged. */
  readonly project: (doc: D | undefined, event: PositionedEvent, key: string) => D | undefined
}
