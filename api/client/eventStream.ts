/** Events that may wait for one slow consumer. */
const MAX_WAITING = 10_000

/** A consumer was so slow that events were dropped: read the stored state anew and begin again. */
export class EventsLost extends Error {
  override readonly name = 'EventsLost'
}

export interface EventStream<Event> {
  emit(event: Event): void
  /** From now on, until the stream ends, the consumer leaves its loop, or `signal` aborts. */
  subscribe(signal?: AbortSignal): AsyncIterableIterator<Event>
  end(): void
}

/** One producer, many consumers, each at its own pace. */
export const createEventStream = <Event>(): EventStream<Event> => {
  const consumers = new Set<Consumer<Event>>()

  return {
    emit(event) {
      for (const consumer of consumers) consumer.push(event)
    },
    subscribe(signal) {
      const consumer = createConsumer<Event>(() => consumers.delete(consumer))
      if (signal?.aborted) consumer.end()
      else consumers.add(consumer)
      signal?.addEventListener('abort', () => consumer.end(), { once: true })
      return consumer.iterator
    },
    end() {
      for (const consumer of consumers) consumer.end()
    },
  }
}

interface Consumer<Event> {
  push(event: Event): void
  end(): void
  readonly iterator: AsyncIterableIterator<Event>
}

const createConsumer = <Event>(onEnd: () => void): Consumer<Event> => {
  const waiting: Event[] = []
  let readers: (() => void)[] = []
  let over = false
  let lost = false

  const end = () => {
    over = true
    onEnd()
    wake()
  }

  /** All of them: who finds nothing waits again. */
  const wake = () => {
    const woken = readers
    readers = []
    for (const resume of woken) resume()
  }

  const iterator: AsyncIterableIterator<Event> = {
    [Symbol.asyncIterator]: () => iterator,
    async next() {
      while (waiting.length === 0 && !over)
        await new Promise<void>((resolve) => {
          readers.push(resolve)
        })
      if (lost) throw new EventsLost(`more than ${MAX_WAITING} events waited to be consumed`)
      const event = waiting.shift()
      return event === undefined ? { done: true, value: undefined } : { done: false, value: event }
    },
    async return() {
      waiting.length = 0
      end()
      return { done: true, value: undefined }
    },
  }

  return {
    push(event) {
      if (waiting.length >= MAX_WAITING) {
        lost = true
        return end()
      }
      waiting.push(event)
      wake()
    },
    end,
    iterator,
  }
}
