import type { Position } from '../domain/ids.ts'

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
}
