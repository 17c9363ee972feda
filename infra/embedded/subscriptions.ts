import type { PositionedEvent } from '../../domain/eventsourcing/message.ts'
import { posOf } from './logFile.ts'

/** Events that may wait for one subscriber in memory; beyond that it reads them from the file. */
const MAX_WAITING = 8_192
const PAGE = 1_000

interface Subscriber {
  /** True while everything after what it was given waits in `batches`. */
  live: boolean
  batches: (readonly PositionedEvent[])[]
  waiting: number
  wake: (() => void) | undefined
}

export interface LogReader {
  /** Newest durable position. */
  synced(): number
  /** What comes after a position, oldest first. */
  read(after: number, limit: number): readonly PositionedEvent[]
}

/** Feeds subscribers with durable events: from memory while they keep up, from the file while they do not. */
export const createSubscriptions = (log: LogReader) => {
  const subscribers = new Set<Subscriber>()

  async function* subscribe(from: number, signal: AbortSignal): AsyncGenerator<readonly PositionedEvent[]> {
    const subscriber: Subscriber = { live: false, batches: [], waiting: 0, wake: undefined }
    let given = from
    const wake = () => subscriber.wake?.()
    subscribers.add(subscriber)
    signal.addEventListener('abort', wake)
    try {
      while (!signal.aborted) {
        const batch = subscriber.batches.shift()
        if (batch !== undefined) {
          subscriber.waiting -= batch.length
          given = posOf((batch.at(-1) as PositionedEvent).position)
          yield batch
        } else if (given < log.synced()) {
          // Whatever is published from here on is read from the file as well, until there is nothing left to read.
          subscriber.live = false
          const page = log.read(given, PAGE)
          given = posOf((page.at(-1) as PositionedEvent).position)
          yield page
        } else {
          subscriber.live = true
          await new Promise<void>((resolve) => {
            subscriber.wake = resolve
          })
          subscriber.wake = undefined
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

    publish(events: readonly PositionedEvent[]): void {
      for (const subscriber of subscribers) {
        if (!subscriber.live) continue
        if (subscriber.waiting + events.length > MAX_WAITING) subscriber.live = false
        else {
          subscriber.batches.push(events)
          subscriber.waiting += events.length
        }
        subscriber.wake?.()
      }
    },
  }
}
