/** Time and chance, so that tests decide about both. */
export interface Timers {
  readonly now: () => number
  /** Between 0 (included) and 1 (not included). */
  random(): number
  /** Runs once after so many milliseconds, unless the answer is called before. */
  after(ms: number, run: () => void): () => void
  pause(ms: number): Promise<void>
}

export const systemTimers: Timers = {
  now: Date.now,
  random: Math.random,
  after(ms, run) {
    const timer = setTimeout(run, ms)
    return () => clearTimeout(timer)
  },
  pause: (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
}
