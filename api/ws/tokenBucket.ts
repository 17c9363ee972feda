/** Lets through `perSecond` in the long run and `burst` at once. */
export class TokenBucket {
  readonly #perSecond: number
  readonly #burst: number
  #tokens: number
  #filledAt: number

  constructor(perSecond: number, burst: number, now: number) {
    this.#perSecond = perSecond
    this.#burst = burst
    this.#tokens = burst
    this.#filledAt = now
  }

  take(now: number): boolean {
    const elapsed = Math.max(0, now - this.#filledAt)
    this.#filledAt = now
    this.#tokens = Math.min(this.#burst, this.#tokens + (elapsed / 1_000) * this.#perSecond)
    if (this.#tokens < 1) return false
    this.#tokens--
    return true
  }
}
