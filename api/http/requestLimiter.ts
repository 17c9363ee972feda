import { RateLimiterMemory, RateLimiterRes } from 'rate-limiter-flexible'

/** Counts requests by key. */
export interface RequestLimiter {
  /** Milliseconds to wait before the next request of this key; 0: go ahead. */
  take(key: string): Promise<number>
}

/** For one process. */
export const createRequestLimiter = (perMinute: number): RequestLimiter => {
  const limiter = new RateLimiterMemory({ points: perMinute, duration: 60 })
  return {
    take: (key) =>
      limiter.consume(key).then(
        () => 0,
        (refused: unknown) => {
          if (refused instanceof RateLimiterRes) return Math.max(1, refused.msBeforeNext)
          throw refused
        },
      ),
  }
}

/** What counts as one source: an IPv4 address, or the IPv6 network that one customer is given. */
export const sourceOf = (address: string): string => {
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address)?.[1]
  if (mapped !== undefined) return mapped
  if (!address.includes(':')) return address
  const [head = '', tail] = address.split('::')
  const groups = head === '' ? [] : head.split(':')
  const missing = tail === undefined ? 0 : 8 - groups.length - tail.split(':').length
  return [...groups, ...Array<string>(Math.max(0, missing)).fill('0'), ...(tail?.split(':') ?? [])]
    .slice(0, 4)
    .join(':')
}
