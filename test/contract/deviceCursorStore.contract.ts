import { expect } from 'chai'
import { beforeEach, describe, it } from 'mocha'
import type { DeviceCursor, DeviceCursorStore } from '../../api/ports.ts'
import type { DeviceId, UserId } from '../../domain/ids.ts'

const ANN = 'user-ann' as UserId
const BOB = 'user-bob' as UserId
const PHONE = 'device-phone' as DeviceId
const LAPTOP = 'device-laptop' as DeviceId

const cursor = (deviceId: DeviceId, position: number, more: Partial<DeviceCursor> = {}): DeviceCursor => ({
  deviceId,
  userId: ANN,
  cursor: `0000000a-${position.toString(16).padStart(16, '0')}`,
  lastSeen: '2026-01-01T00:00:00.000Z',
  ...more,
})

/** What every DeviceCursorStore does. `current` gives a store that holds nothing. */
export const deviceCursorStoreContract = (current: () => DeviceCursorStore): void => {
  describe('DeviceCursorStore contract', () => {
    let store: DeviceCursorStore
    beforeEach(() => {
      store = current()
    })

    it('knows nothing of a device that never saved', async () => {
      expect(await store.load(PHONE)).to.equal(undefined)
    })

    it('gives back what was saved, device by device', async () => {
      const saved = [cursor(PHONE, 1), cursor(LAPTOP, 2, { lastSeen: '2026-01-02T00:00:00.000Z' })]
      await store.save(saved)
      expect(await store.load(PHONE)).to.deep.equal(saved[0])
      expect(await store.load(LAPTOP)).to.deep.equal(saved[1])
    })

    it('moves on, past every digit', async () => {
      for (const position of [9, 10, 255, 256, 2 ** 40]) {
        await store.save([cursor(PHONE, position)])
        expect(await store.load(PHONE)).to.deep.equal(cursor(PHONE, position))
      }
    })

    it('ignores an older cursor of the same incarnation, but not its lastSeen', async () => {
      await store.save([cursor(PHONE, 16)])
      await store.save([cursor(PHONE, 15, { lastSeen: '2026-01-03T00:00:00.000Z' })])
      expect(await store.load(PHONE)).to.deep.equal(cursor(PHONE, 16, { lastSeen: '2026-01-03T00:00:00.000Z' }))
    })

    it('keeps the furthest of several cursors in one save, whatever their order', async () => {
      await store.save([cursor(PHONE, 3), cursor(PHONE, 5), cursor(LAPTOP, 1), cursor(PHONE, 4)])
      expect((await store.load(PHONE))?.cursor).to.equal(cursor(PHONE, 5).cursor)
    })

    it('keeps the furthest of concurrent saves', async () => {
      await Promise.all([7, 3, 9, 1, 8].map((position) => store.save([cursor(PHONE, position)])))
      expect((await store.load(PHONE))?.cursor).to.equal(cursor(PHONE, 9).cursor)
    })

    it('follows another incarnation, wherever its cursor stands', async () => {
      await store.save([cursor(PHONE, 500, { cursor: 'ffffffff-00000000000001f4' })])
      await store.save([cursor(PHONE, 1)])
      expect(await store.load(PHONE)).to.deep.equal(cursor(PHONE, 1))
    })

    it('tells when each user was last seen, on whichever device', async () => {
      await store.save([
        cursor(PHONE, 1, { lastSeen: '2026-01-05T00:00:00.000Z' }),
        cursor(LAPTOP, 2, { lastSeen: '2026-01-04T00:00:00.000Z' }),
        cursor('device-bob' as DeviceId, 1, { userId: BOB, lastSeen: '2026-01-01T00:00:00.000Z' }),
        cursor('device-eve' as DeviceId, 1, { userId: 'user-eve' as UserId }),
      ])
      expect(await store.lastSeen([BOB, ANN, 'user-nobody' as UserId])).to.deep.equal(
        new Map([
          [ANN, '2026-01-05T00:00:00.000Z'],
          [BOB, '2026-01-01T00:00:00.000Z'],
        ]),
      )
      expect(await store.lastSeen([])).to.deep.equal(new Map())
    })

    it('forgets a removed device, and nothing else', async () => {
      await store.save([cursor(PHONE, 9, { lastSeen: '2026-01-05T00:00:00.000Z' }), cursor(LAPTOP, 2)])
      await store.remove(PHONE)
      expect(await store.load(PHONE)).to.equal(undefined)
      expect(await store.load(LAPTOP)).to.deep.equal(cursor(LAPTOP, 2))
      expect(await store.lastSeen([ANN])).to.deep.equal(new Map([[ANN, '2026-01-01T00:00:00.000Z']]))
      await store.save([cursor(PHONE, 1)])
      expect(await store.load(PHONE)).to.deep.equal(cursor(PHONE, 1))
    })
  })
}
