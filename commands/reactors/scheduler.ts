import { setTimeout as wait } from 'node:timers/promises'

/** The only source of timers for whatever the system does by itself. */
export interface Scheduler {
  /** Resolves after that time, or at once when the signal aborts. */
  sleep(ms: number, signal: AbortSignal): Promise<void>
}

export const createScheduler = (): Scheduler => ({
  async sleep(ms, signal) {
    try {
      await wait(ms, undefined, { signal })
    } catch (error) {
      if (!signal.aborted) throw error
    }
  },
})
