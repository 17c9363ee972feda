import { expect } from 'chai'
import { beforeEach, describe, it } from 'mocha'
import type { ExpiringStore } from '../../api/ports.ts'

export interface ExpiringStoreSubject {
  /** Holds nothing. */
  readonly store: ExpiringStore
  /** Lets the store's time go by. */
  passTime(ms: number): Promise<void>
}

const LIFETIME_MS = 400
const HALF_MS = 250

/** What every ExpiringStore does. */
export const expiringStoreContract = (current: () => ExpiringStoreSubject): void => {
  describe('ExpiringStore contract', () => {
    let store: ExpiringStore
    let passTime: (ms: number) => Promise<void>
    beforeEach(() => {
      ;({ store, passTime } = current())
    })

    describe('put', () => {
      it('is there until its lifetime is over', async () => {
        await store.put('code', 'é " 漢 \n', LIFETIME_MS)
        expect(await store.get('code')).to.equal('é " 漢 \n')
        await passTime(HALF_MS)
        expect(await store.get('code')).to.equal('é " 漢 \n')
        await passTime(HALF_MS)
        expect(await store.get('code')).to.equal(undefined)
      })

      it('replaces value and lifetime', async () => {
        await store.put('code', 'old', LIFETIME_MS)
        await passTime(HALF_MS)
        await store.put('code', 'new', LIFETIME_MS)
        await passTime(HALF_MS)
        expect(await store.get('code')).to.equal('new')
      })

      it('takes an empty value for a value', async () => {
        await store.put('code', '', LIFETIME_MS)
        expect(await store.get('code')).to.equal('')
        expect(await store.takeOnce('code')).to.equal('')
      })

      it('outlives any number of others that expire', async () => {
        await Promise.all(Array.from({ length: 100 }, (_, n) => store.put(`short-${n}`, 'x', LIFETIME_MS)))
        await store.put('long', 'kept', 60_000)
        await passTime(LIFETIME_MS + 10)
        await Promise.all(Array.from({ length: 100 }, (_, n) => store.put(`next-${n}`, String(n), LIFETIME_MS)))
        expect(await store.get('long')).to.equal('kept')
        expect(await store.get('next-7')).to.equal('7')
        expect(await store.get('short-7')).to.equal(undefined)
      })
    })

    describe('takeOnce', () => {
      it('gives the value and forgets it', async () => {
        await store.put('token', 'secret', LIFETIME_MS)
        expect(await store.takeOnce('token')).to.equal('secret')
        expect(await store.takeOnce('token')).to.equal(undefined)
        expect(await store.get('token')).to.equal(undefined)
      })

      it('has exactly one winner among concurrent callers', async () => {
        await store.put('token', 'secret', 60_000)
        const taken = await Promise.all(Array.from({ length: 50 }, () => store.takeOnce('token')))
        expect(taken.filter((value) => value === 'secret')).to.have.length(1)
        expect(taken.filter((value) => value === undefined)).to.have.length(49)
      })

      it('gives nothing once the lifetime is over', async () => {
        await store.put('token', 'secret', LIFETIME_MS)
        await passTime(LIFETIME_MS + 10)
        expect(await store.takeOnce('token')).to.equal(undefined)
      })

      it('gives what is put again', async () => {
        await store.put('token', 'first', LIFETIME_MS)
        await store.takeOnce('token')
        await store.put('token', 'second', LIFETIME_MS)
        expect(await store.takeOnce('token')).to.equal('second')
      })
    })

    describe('increment', () => {
      it('counts from one, key by key', async () => {
        expect(await store.increment('tries-a', LIFETIME_MS)).to.equal(1)
        expect(await store.increment('tries-a', LIFETIME_MS)).to.equal(2)
        expect(await store.increment('tries-b', LIFETIME_MS)).to.equal(1)
        expect(await store.get('tries-a')).to.equal('2')
      })

      it('loses no count among concurrent callers', async () => {
        const counts = await Promise.all(Array.from({ length: 50 }, () => store.increment('tries', 60_000)))
        expect(counts.sort((a, b) => a - b)).to.deep.equal(Array.from({ length: 50 }, (_, n) => n + 1))
      })

      it('lives from its first, not from its last', async () => {
        await store.increment('tries', LIFETIME_MS)
        await passTime(HALF_MS)
        expect(await store.increment('tries', LIFETIME_MS)).to.equal(2)
        await passTime(HALF_MS)
        expect(await store.get('tries')).to.equal(undefined)
        expect(await store.increment('tries', LIFETIME_MS)).to.equal(1)
        await passTime(HALF_MS)
        expect(await store.increment('tries', LIFETIME_MS)).to.equal(2)
      })

      it('begins anew after its lifetime, however much has expired before it', async () => {
        await Promise.all(Array.from({ length: 100 }, (_, n) => store.put(`code-${n}`, 'x', LIFETIME_MS)))
        await store.increment('tries', LIFETIME_MS)
        await passTime(LIFETIME_MS + 10)
        expect(await store.increment('tries', LIFETIME_MS)).to.equal(1)
      })

      it('begins anew when removed', async () => {
        await store.increment('tries', LIFETIME_MS)
        await store.remove('tries')
        expect(await store.increment('tries', LIFETIME_MS)).to.equal(1)
      })
    })

    it('removes what is there, and minds nothing that is not', async () => {
      await store.put('code', 'x', LIFETIME_MS)
      await store.remove('code')
      await store.remove('code')
      expect(await store.get('code')).to.equal(undefined)
    })
  })
}
