import { expect } from 'chai'
import { beforeEach, describe, it } from 'mocha'
import type { Lease } from '../../commands/ports.ts'

export interface LeaseSubject {
  /** Nobody holds any of its names. */
  readonly lease: Lease
  /** Lets the lease's time go by. */
  passTime(ms: number): Promise<void>
}

const TTL_MS = 400
const HALF_MS = 250

/** What every Lease does. */
export const leaseContract = (current: () => LeaseSubject): void => {
  describe('Lease contract', () => {
    let lease: Lease
    let passTime: (ms: number) => Promise<void>
    beforeEach(() => {
      ;({ lease, passTime } = current())
    })

    it('is held by one at a time', async () => {
      expect(await lease.acquire('expiry', 'a', TTL_MS)).to.equal(true)
      expect(await lease.acquire('expiry', 'b', TTL_MS)).to.equal(false)
      expect(await lease.acquire('thumbnails', 'b', TTL_MS)).to.equal(true)
    })

    it('goes to exactly one of many who ask at once', async () => {
      const holders = Array.from({ length: 20 }, (_, n) => `holder-${n}`)
      const outcomes = await Promise.all(holders.map((holder) => lease.acquire('expiry', holder, 60_000)))
      expect(outcomes.filter(Boolean)).to.have.length(1)
    })

    it('is taken over once it has expired, and then kept from the former holder', async () => {
      await lease.acquire('expiry', 'a', TTL_MS)
      await passTime(TTL_MS + 10)
      expect(await lease.acquire('expiry', 'b', TTL_MS)).to.equal(true)
      expect(await lease.acquire('expiry', 'a', TTL_MS)).to.equal(false)
    })

    it('is renewed by acquiring it again', async () => {
      await lease.acquire('expiry', 'a', TTL_MS)
      await passTime(HALF_MS)
      expect(await lease.acquire('expiry', 'a', TTL_MS)).to.equal(true)
      await passTime(HALF_MS)
      expect(await lease.acquire('expiry', 'b', TTL_MS)).to.equal(false)
    })

    it('is free when its holder releases it', async () => {
      await lease.acquire('expiry', 'a', TTL_MS)
      await lease.release('expiry', 'a')
      expect(await lease.acquire('expiry', 'b', TTL_MS)).to.equal(true)
    })

    it('cannot be released by anybody else', async () => {
      await lease.acquire('expiry', 'a', TTL_MS)
      await lease.release('expiry', 'b')
      expect(await lease.acquire('expiry', 'b', TTL_MS)).to.equal(false)
    })

    it('is not released by a former holder', async () => {
      await lease.acquire('expiry', 'a', TTL_MS)
      await passTime(TTL_MS + 10)
      await lease.acquire('expiry', 'b', TTL_MS)
      await lease.release('expiry', 'a')
      expect(await lease.acquire('expiry', 'c', TTL_MS)).to.equal(false)
    })
  })
}
