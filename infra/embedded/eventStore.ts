import { fdatasync } from 'node:fs'
import { DomainError } from '../../domain/errors.ts'
import type { AppendResult, EventStore } from '../../domain/eventsourcing/eventStore.ts'
import type { NewEvent } from '../../domain/eventsourcing/message.ts'
import type { Logger } from '../../domain/ports.ts'
import { createLogCheckpoints } from './logCheckpoints.ts'
import { type Append, openLogFile, positionOf, posOf } from './logFile.ts'
import { createSubscriptions } from './subscriptions.ts'

export interface EmbeddedLogOptions {
  /** SQLite database; made when it is missing. Belongs to this process alone. */
  readonly file: string
  /**
   * The log could not be synced: what was written may or may not be on the disk, and nothing is acknowledged any
   * more. The process has to end at once and must not close the log, which would move into the database what the
   * disk has perhaps lost; the next start finds what is there.
   */
  readonly onFatal: (error: Error) => void
  /** Told why appends are refused when the disk does not take them. Default: nobody. */
  readonly logger?: Pick<Logger, 'error'>
  /** Write-ahead log beyond which appends wait until it was moved, in bytes. Default 64 MiB. */
  readonly maxWalBytes?: number
  /** Syncs the data of an open file. Default `fdatasync`. */
  readonly sync?: (descriptor: number, done: (error: Error | null) => void) => void
}

interface Waiting extends Append {
  readonly resolve: (result: AppendResult) => void
  readonly reject: (error: Error) => void
}

/** Events of one transaction at most, so that no group holds up the loop for long; one append is never split. */
const MAX_GROUP_EVENTS = 4_096

/**
 * The embedded log. All appends of a loop turn are written in one transaction on this thread, then the
 * write-ahead log is synced without holding up the loop, while the next group gathers. Until that sync an event
 * exists for nobody: readers stop at the last synced position, and answers follow it.
 */
export const createEmbeddedEventStore = (options: EmbeddedLogOptions): EventStore & { close(): Promise<void> } => {
  const { file, onFatal, logger, maxWalBytes = 64 * 1024 * 1024, sync = fdatasync } = options
  const log = openLogFile(file)
  const checkpoints = createLogCheckpoints(log.database, maxWalBytes)
  const waiting: Waiting[] = []
  /** From the moment a group is awaited until it is answered. */
  let busy = false
  let synced = log.last()
  /** Why nothing is accepted any more. */
  let ended: DomainError | undefined
  let failed = false
  let onIdle: (() => void) | undefined

  const subscriptions = createSubscriptions({
    synced: () => synced,
    read: (after, limit) => log.readAll(after, 'forwards', synced, limit),
  })

  const takeGroup = (): Waiting[] => {
    let events = 0
    const end = waiting.findIndex((append) => {
      events += append.events.length
      return events > MAX_GROUP_EVENTS
    })
    return waiting.splice(0, end < 1 ? waiting.length : end)
  }

  const flush = (): void => {
    const room = checkpoints.room()
    if (room === undefined) write(takeGroup())
    else void room.then(() => write(takeGroup()))
  }

  const write = (group: readonly Waiting[]): void => {
    let written: ReturnType<typeof log.write>
    try {
      written = log.write(group)
    } catch (error) {
      logger?.error({ error }, 'the log cannot be written')
      refuse(group, unavailable('Nothing can be stored right now; try the same again later.', error))
      return next()
    }
    const { outcomes, events } = written
    if (events.length === 0) return answer(group, outcomes)
    sync(log.wal, (error) => {
      if (error !== null) return fail(group, error)
      synced = log.last()
      answer(group, outcomes)
      subscriptions.publish(events)
    })
  }

  const answer = (group: readonly Waiting[], outcomes: readonly (AppendResult | Error)[]): void => {
    for (let n = 0; n < group.length; n++) {
      const { resolve, reject } = group[n] as Waiting
      const outcome = outcomes[n] as AppendResult | Error
      if (outcome instanceof Error) reject(outcome)
      else resolve(outcome)
    }
    checkpoints.keepUp()
    next()
  }

  const next = (): void => {
    if (waiting.length > 0) setImmediate(flush)
    else {
      busy = false
      onIdle?.()
    }
  }

  const fail = (group: readonly Waiting[], error: Error): void => {
    failed = true
    ended = unavailable('The log could not be synced and takes nothing any more.', error)
    refuse([...group, ...waiting.splice(0)], ended)
    subscriptions.end(ended)
    onFatal(error)
    onIdle?.()
  }

  const read = async <T>(operation: () => T): Promise<T> => {
    if (ended !== undefined) throw ended
    return operation()
  }

  const end = async (): Promise<void> => {
    ended ??= unavailable('The log is closed.')
    if (busy && !failed) {
      await new Promise<void>((resolve) => {
        onIdle = resolve
      })
    }
    subscriptions.end(ended)
    await checkpoints.close()
    if (!failed) log.close()
  }
  let ending: Promise<void> | undefined

  return {
    appendToStream(stream, events, { expectedRevision }) {
      if (ended !== undefined) return Promise.reject(ended)
      if (events.length === 0) return Promise.reject(new RangeError('an append has at least one event'))
      return new Promise((resolve, reject) => {
        waiting.push({ stream, events, texts: textsOf(events), expected: expectedRevision, resolve, reject })
        if (busy) return
        busy = true
        setImmediate(flush)
      })
    },

    readStream: (stream, { from, direction = 'forwards', maxCount }) =>
      read(() => {
        const last = Number.MAX_SAFE_INTEGER
        const first = from === 'end' ? last : (from ?? (direction === 'forwards' ? 0 : last))
        return log.readStream(stream, first, direction, synced, maxCount)
      }),

    readAll: ({ from, direction = 'forwards', maxCount }) =>
      read(() => {
        const after = from === 'start' ? 0 : from === 'end' ? synced + 1 : posOf(from)
        return log.readAll(after, direction, synced, maxCount)
      }),

    subscribeToAll: ({ from, signal }) =>
      subscriptions.subscribe(from === 'start' ? 0 : from === 'end' ? synced : posOf(from), signal),

    head: () => read(() => (synced === 0 ? undefined : positionOf(synced))),

    close() {
      ending ??= end()
      return ending
    },
  }
}

const refuse = (group: readonly Waiting[], error: Error): void => {
  for (const { reject } of group) reject(error)
}

/** Made when the append is called: whatever becomes of the objects then, these are the bytes. */
const textsOf = (events: readonly NewEvent[]): string[] => {
  const texts: string[] = []
  for (const { data, metadata } of events) {
    const text: string | undefined = JSON.stringify(data)
    if (text === undefined) throw new TypeError('the data of an event has to be JSON')
    texts.push(text, JSON.stringify(metadata))
  }
  return texts
}

const unavailable = (message: string, cause?: unknown): DomainError =>
  Object.assign(new DomainError('Unavailable', message), { cause })
