import type { Timers } from './timers.ts'

const MAX_DELAY_MS = 50
const MAX_EVENTS = 64

export interface AcksDeps {
  readonly timers: Timers
  readonly send: (cursor: string) => void
}

export interface Acks {
  /** What is stored may be acknowledged: at the latest after 50 ms or 64 events. */
  stored(cursor: string, events: number): void
  /** A new connection begins: its hello says what is stored. `window`: events that may wait for an ack. */
  begin(window: number): void
}

/** Acknowledges what was stored, several events at once. */
export const createAcks = ({ timers, send }: AcksDeps): Acks => {
  let pending: string | undefined
  let count = 0
  let most = MAX_EVENTS
  let cancel = () => {}

  const flush = () => {
    cancel()
    if (pending !== undefined) send(pending)
    pending = undefined
    count = 0
  }

  return {
    stored(cursor, events) {
      if (pending === undefined) cancel = timers.after(MAX_DELAY_MS, flush)
      pending = cursor
      count += events
      if (count >= most) flush()
    },
    begin(window) {
      cancel()
      pending = undefined
      count = 0
      most = Math.max(1, Math.min(MAX_EVENTS, Math.floor(window / 2)))
    },
  }
}
