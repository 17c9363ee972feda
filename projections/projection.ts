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
 * A read model as data. `keysOf` names the documents an event touches, each once, and `project` folds the event
 * into one of them; both are pure and synchronous. A change of the fold is a change of `version`.
 */
export interface Projection<D extends Doc = Doc> {
  readonly name: string
  readonly version: number
  /** Categories of streams whose events it takes, with the newest `schema` of each that it understands. */
  readonly categories: Readonly<Partial<Record<Category, number>>>
  /** Types of events it takes; `all`: whatever those streams hold, types that it does not know included. */
  readonly handles: readonly string[] | 'all'
  readonly indexes: readonly IndexSpec[]
  keysOf(event: PositionedEvent): readonly string[]
  /** The document of the first key is made by every event, so that nobody has to look for an earlier one. */
  readonly firstIsNew?: true
  /** The `at`th document of `keysOf` after the event; `undefined` deletes it; the same object means unchanged. */
  project(doc: D | undefined, event: PositionedEvent, at: number): D | undefined
}

/** The model that a projection keeps up to date: another version is another model. */
export const modelOf = ({ name, version }: Pick<Projection, 'name' | 'version'>): string => `${name}@${version}`
