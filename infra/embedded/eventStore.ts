import { closeSync, fdatasync, openSync } from 'node:fs'
import { DomainError } from '../../domain/errors.ts'
import {
  type AppendResult,
  ConcurrencyConflict,
  type EventStore,
  type ExpectedRevision,
} from '../../domain/eventsourcing/eventStore.ts'
import { type NewEvent, type PositionedEvent, StoredEvent } from '../../domain/eventsourcing/message.ts'
import type { StreamName } from '../../domain/ids.ts'
import { createCheckpointer } from './checkpointer.ts'
import { openLogFile, positionOf, posOf, type StreamHead } from './logFile.ts'
import { createSubscriptions } from './subscriptions.ts'

export interface EmbeddedLogOptions {
  /** SQLite database; made when it is missing. */
  readonly file: string
  /** The log could not be synced: nothing after this may be acknowledged, so the process has to end. */
  readonly onFatal: (error: Error) => void
  /** Write-ahead log beyond which appends wait until it was moved, in bytes. Default 64 MiB. */
  readonly maxWalBytes?: number
  /** Syncs the data of an open file. Default `fdatasync`. */
  readonly sync?: (descriptor: number, done: (error: Error | null) => void) => void
}

interface Append {
  readonly stream: StreamName
  readonly events: readonly NewEvent[]
  readonly expected: ExpectedRevision
  readonly resolve: (result: AppendResult) => void
  readonly reject: (error: Error) => void
  outcome: AppendResult | Error | undefined
}

/** Heads kept in memory; losing one costs a lookup. */
const MAX_HEADS = 100_000
/** Groups after which the length of the write-ahead log is looked at. */
const WAL_CHECK_EVERY = 64
/** Write-ahead log from which on it is moved in the background. */
const WAL_MOVE_BYTES = 16 * 1024 * 1024

/**
 * The embedded log. All appends of a loop turn are written in one transaction on this thread, then the
 * write-ahead log is synced without holding up the loop, while the next group gathers. Until that sync an event
 * exists for nobody: readers stop at the last synced position, and answers follow it.
 */
export const createEmbeddedEventStore = (options: EmbeddedLogOptions): EventStore & { close(): Promise<void> } => {
  const { file, onFatal, maxWalBytes = 64 * 1024 * 1024, sync = fdatasync } = options
  const log = openLogFile(file)
  const checkpointer = createCheckpointer()
  // The schema's transaction has made the file, which SQLite keeps as long as the database is open.
  const walDescriptor = openSync(`${file}-wal`, 'r+')
  const heads = new Map<StreamName, StreamHead>()
  let waiting: Append[] = []
  let scheduled = false
  let syncing = false
  let closed = false
  let lastPos = log.lastPos()
  let syncedPos = lastPos
  let groups = 0
  let moving: Promise<void> | undefined
  let idle: (() => void)[] = []

  const subscriptions = createSubscriptions({
    synced: () => syncedPos,
    read: (after, limit) => log.readAll(after, 'forwards', syncedPos, limit),
  })

  const headOf = (stream: StreamName): StreamHead => {
    const known = heads.get(stream)
    if (known !== undefined) return known
    const head = log.head(stream, true) as StreamHead
    if (heads.size >= MAX_HEADS) heads.clear()
    heads.set(stream, head)
    return head
  }

  const write = (append: Append, written: PositionedEvent[]): void => {
    const { stream, events, expected } = append
    const head = headOf(stream)
    const at = expected === 'noStream' ? -1 : expected
    if (at !== head.revision) {
      append.outcome = repeated(append, head, at) ?? conflict(append, head)
      return
    }
    for (const { id, type, data, metadata } of events) {
      const pos = ++lastPos
      const revision = ++head.revision
      const dataText = JSON.stringify(data)
      const metadataText = JSON.stringify(metadata)
      log.insert(pos, head.streamId, revision, id, type, dataText, metadataText)
      written.push(new StoredEvent(stream, revision, id, type, dataText, metadataText, positionOf(pos)))
    }
    append.outcome = { firstRevision: at + 1, lastRevision: head.revision, position: positionOf(lastPos) }
  }

  /** The same events at the same place again: a repeated append, which changes nothing. */
  const repeated = ({ events }: Append, head: StreamHead, at: number): AppendResult | undefined => {
    if (at > head.revision) return undefined
    const stored = log.readStream(head.streamId, at + 1, 'forwards', lastPos, events.length)
    const last = stored.at(-1)
    if (last === undefined || stored.length < events.length) return undefined
    if (!events.every(({ id }, i) => stored[i]?.id === id)) return undefined
    return { firstRevision: at + 1, lastRevision: last.revision, position: last.position }
  }

  const flush = (): void => {
    scheduled = false
    const group = waiting
    waiting = []
    const written: PositionedEvent[] = []
    const posBefore = lastPos
    try {
      log.transaction(() => {
        for (const append of group) write(append, written)
      })
    } catch (error) {
      lastPos = posBefore
      for (const { stream } of group) heads.delete(stream)
      const refusal = Object.assign(unavailable('The log cannot be written; look at its disk.'), { cause: error })
      for (const { reject } of group) reject(refusal)
      return settled()
    }
    if (written.length === 0) return answer(group, written)
    syncing = true
    sync(walDescriptor, (error) => {
      syncing = false
      if (error !== null) return fail(error)
      answer(group, written)
    })
  }

  const answer = (group: readonly Append[], written: readonly PositionedEvent[]): void => {
    if (written.length > 0) {
      syncedPos = posOf((written.at(-1) as PositionedEvent).position)
      subscriptions.publish(written)
    }
    for (const { outcome, resolve, reject } of group) {
      if (outcome instanceof Error) reject(outcome)
      else if (outcome !== undefined) resolve(outcome)
    }
    settled()
  }

  const settled = (): void => {
    if (++groups % WAL_CHECK_EVERY === 0) moveWalIfLong()
    if (waiting.length > 0) schedule()
    else for (const done of idle.splice(0)) done()
  }

  /** What was written may be lost while later readers see it: nothing is acknowledged any more. */
  const fail = (error: Error): void => {
    closed = true
    for (const { reject } of waiting.splice(0)) reject(unavailable('The log could not be synced.'))
    onFatal(error)
  }

  const schedule = (): void => {
    if (scheduled || syncing || closed) return
    scheduled = true
    setImmediate(() => {
      // SQLite starts its log over only when all of it was moved: under load it would grow without end.
      if (moving !== undefined && log.pendingWalBytes() > maxWalBytes) void moving.then(flush)
      else flush()
    })
  }

  const moveWalIfLong = (): void => {
    if (moving !== undefined || log.pendingWalBytes() < WAL_MOVE_BYTES) return
    moving = checkpointer
      .checkpoint(file)
      .catch(() => undefined)
      .finally(() => {
        moving = undefined
      })
  }

  const synced = async <T>(read: () => T): Promise<T> => {
    if (closed) throw unavailable('The log is closed.')
    return read()
  }

  return {
    appendToStream(stream, events, { expectedRevision }) {
      if (closed) return Promise.reject(unavailable('The log is closed.'))
      if (events.length === 0) return Promise.reject(new RangeError('an append has at least one event'))
      return new Promise((resolve, reject) => {
        waiting.push({ stream, events, expected: expectedRevision, resolve, reject, outcome: undefined })
        schedule()
      })
    },

    readStream: (stream, { from, direction = 'forwards', maxCount }) =>
      synced(() => {
        const head = heads.get(stream) ?? log.head(stream, false)
        if (head === undefined) return []
        const last = Number.MAX_SAFE_INTEGER
        const first = from === 'end' ? last : (from ?? (direction === 'forwards' ? 0 : last))
        return log.readStream(head.streamId, first, direction, syncedPos, maxCount)
      }),

    readAll: ({ from, direction = 'forwards', maxCount }) =>
      synced(() => {
        const after = from === 'start' ? 0 : from === 'end' ? syncedPos + 1 : posOf(from)
        return log.readAll(after, direction, syncedPos, maxCount)
      }),

    subscribeToAll: ({ from, signal }) =>
      subscriptions.subscribe(from === 'start' ? 0 : from === 'end' ? syncedPos : posOf(from), signal),

    head: () => synced(() => (syncedPos === 0 ? undefined : positionOf(syncedPos))),

    async close() {
      if (syncing || scheduled || waiting.length > 0) await new Promise<void>((done) => idle.push(done))
      idle = []
      closed = true
      await moving
      await checkpointer.close()
      closeSync(walDescriptor)
      log.close()
    },
  }
}

const unavailable = (message: string): DomainError => new DomainError('Unavailable', message)

const conflict = ({ stream, expected }: Append, head: StreamHead): ConcurrencyConflict =>
  new ConcurrencyConflict(stream, expected, head.revision < 0 ? 'noStream' : head.revision)
