import { setImmediate as nextTurn } from 'node:timers/promises'
import type { StoredEvent } from '../../domain/eventsourcing/message.ts'
import { posOf } from './logFile.ts'

/** What may wait for one subscriber in memory, in characters; beyond it the subscriber reads from the file. */
const MAX_WAITING = 16 * 1024 * 1024
/** An event besides its texts, reckoned in characters. */
const EVENT_OVERHEAD = 500
const PAGE = 512

interface Batch {
  readonly events: readonly StoredEvent[]
  readonly size: number
}

interface Subscriber {
  /** True while everything after what it was given waits in `batches`. */
  live: boolean
  batches: Batch[]
  waiting: number
  wake: () => void
}

export interface LogReader {
  /** Newest durable position. */
  synced(): number
  /** What comes after a position, oldest first. */
  read(after: number, limit: number): readonly StoredEvent[]
}

/** Feeds subscribers with durable events: from memory while they keep up, from the file while they do not. */
export const createSubscriptions = (log: LogReader) => {
  const subscribers = new Set<Subscriber>()
  let ended: Error | undefined

  async function* subscribe(from: number, signal: AbortSignal): AsyncGenerator<readonly StoredEvent[]> {
    const subscriber: Subscriber = { live: false, batches: [], waiting: 0, wake: () => undefined }
    let given = from
    const wake = () => subscriber.wake()
    subscribers.add(subscriber)
    signal.addEventListener('abort', wake)
    try {
      while (!signal.aborted) {
        if (ended !== undefined) throw ended
        const batch = subscriber.batches.shift()
        if (batch !== undefined) {
          subscriber.waiting -= batch.size
          given = endOf(batch.events)
          yield batch.events
        } else if (given < log.synced()) {
          const page = log.read(given, PAGE)
          given = endOf(page)
          // Not later: under load there would be something new in the file whenever this page has been taken.
          subscriber.live = given === log.synced()
          yield page
          // A long way to go must not keep the process from everything else.
          await nextTurn()
        } else {
          subscriber.live = true
          await new Promise<void>((resolve) => {
            subscriber.wake = resolve
          })
        }
      }
    } finally {
      subscribers.delete(subscriber)
      signal.removeEventListener('abort', wake)
    }
  }

  return {
    /** `from` is exclusive. */
    subscribe,

    publish(events: readonly StoredEvent[]): void {
      const size = sizeOf(events)
      for (const subscriber of subscribers) {
        if (!subscriber.live) continue
        if (subscriber.waiting > 0 && subscriber.waiting + size > MAX_WAITING) subscriber.live = false
        else {
          subscriber.batches.push({ events, size })
          subscriber.waiting += size
        }
        subscriber.wake()
      }
    },

    /** Nothing comes any more: whoever still waits is told why. */
    end(reason: Error): void {
      ended = reason
      for (const { wake } of subscribers) wake()
    },
  }
}

const endOf = (events: readonly StoredEvent[]): number => posOf((events.at(-1) as StoredEvent).position)

const sizeOf = (events: readonly StoredEvent[]): number => {
  let size = 0
  for (const { dataText, metadataText } of events) size += dataText.length + metadataText.length + EVENT_OVERHEAD
  return size
}
