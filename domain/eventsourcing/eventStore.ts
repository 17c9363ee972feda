import type { Position, StreamName } from '../ids.ts'
import type { NewEvent, PositionedEvent, RecordedEvent } from './message.ts'

/** The revision a stream must have for an append to succeed; `noStream` for one that must not exist yet. */
export type ExpectedRevision = number | 'noStream'

export interface AppendResult {
  readonly firstRevision: number
  readonly lastRevision: number
  /** The position that `readAll` gives the last event of the append. */
  readonly position: Position
}

export interface ReadStreamOptions {
  /** First revision to read (inclusive); `end` with direction backwards. Default: 0, or `end` backwards. */
  readonly from?: number | 'end'
  readonly direction?: 'forwards' | 'backwards'
  /** Events at most, at least 1. */
  readonly maxCount: number
}

export interface ReadAllOptions {
  /** Exclusive: reads what comes after (forwards) or before (backwards) this position. */
  readonly from: Position | 'start' | 'end'
  readonly direction?: 'forwards' | 'backwards'
  readonly maxCount: number
}

export interface SubscribeOptions {
  /** Exclusive: the first event delivered is the one after it. */
  readonly from: Position | 'start' | 'end'
  /** Ends the iteration. */
  readonly signal: AbortSignal
}

/**
 * The log: append-only streams with optimistic concurrency and one total order over all of them.
 *
 * - Revisions start at 0 and are dense within a stream. Positions are opaque, fixed-width hexadecimal text
 *   that orders as text.
 * - An append is atomic and durable when its promise resolves. A stream at another revision than expected
 *   rejects with {@link ConcurrencyConflict}. Appending the same event ids again at the same expected
 *   revision is a no-op that answers with the original revisions; a partial match is a conflict.
 * - Nothing is visible to any reader before it is durable.
 * - `readStream` gives an empty array for a stream that does not exist.
 * - `subscribeToAll` delivers every event once, in order, without holes, in batches of at least one; it
 *   resumes by itself after the store went away. The consumer pulls: a slow one holds back only itself.
 *
 * Errors: {@link ConcurrencyConflict}; `DomainError` with code `Unavailable` when the store cannot be reached.
 */
export interface EventStore {
  appendToStream(
    stream: StreamName,
    events: readonly NewEvent[],
    options: { readonly expectedRevision: ExpectedRevision },
  ): Promise<AppendResult>
  readStream(stream: StreamName, options: ReadStreamOptions): Promise<readonly RecordedEvent[]>
  readAll(options: ReadAllOptions): Promise<readonly PositionedEvent[]>
  subscribeToAll(options: SubscribeOptions): AsyncIterable<readonly PositionedEvent[]>
  /** Position of the newest durable event; `undefined` when the log is empty. */
  head(): Promise<Position | undefined>
}

/** A stream was not where the append expected it. */
export class ConcurrencyConflict extends Error {
  override readonly name = 'ConcurrencyConflict'
  readonly stream: StreamName
  readonly expected: ExpectedRevision
  readonly actual: number | 'noStream'

  constructor(stream: StreamName, expected: ExpectedRevision, actual: number | 'noStream') {
    super(`stream ${stream} is at ${actual}, expected ${expected}`)
    this.stream = stream
    this.expected = expected
    this.actual = actual
  }
}
