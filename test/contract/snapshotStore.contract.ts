import { expect } from 'chai'
import { beforeEach, describe, it } from 'mocha'
import type { Snapshot, SnapshotStore } from '../../commands/ports.ts'
import type { StreamName } from '../../domain/ids.ts'

const snapshot = (stream: string, revision: number, more: Partial<Snapshot> = {}): Snapshot => ({
  stream: stream as StreamName,
  revision,
  incarnation: '0000000a',
  version: 1,
  state: JSON.stringify({ title: 'é " 漢', revision }),
  ...more,
})

/** What every SnapshotStore does. `current` gives a store that holds nothing. */
export const snapshotStoreContract = (current: () => SnapshotStore): void => {
  describe('SnapshotStore contract', () => {
    let store: SnapshotStore
    beforeEach(() => {
      store = current()
    })

    it('has none of a stream that never saved one', async () => {
      expect(await store.load('conversation-x' as StreamName)).to.equal(undefined)
    })

    it('gives back what was saved, stream by stream', async () => {
      const large = snapshot('conversation-b', 2 ** 40, { state: JSON.stringify('x'.repeat(500_000)) })
      await Promise.all([store.save(snapshot('conversation-a', 7)), store.save(large)])
      expect(await store.load('conversation-a' as StreamName)).to.deep.equal(snapshot('conversation-a', 7))
      expect(await store.load('conversation-b' as StreamName)).to.deep.equal(large)
    })

    it('keeps the newest save of a stream, of whichever incarnation and version', async () => {
      await store.save(snapshot('conversation-a', 7))
      const next = snapshot('conversation-a', 3, { incarnation: '00000009', version: 2 })
      await store.save(next)
      expect(await store.load('conversation-a' as StreamName)).to.deep.equal(next)
    })

    it('drops all of them at once', async () => {
      await store.save(snapshot('conversation-a', 7))
      await store.save(snapshot('account-a', 1))
      await store.dropAll()
      expect(await store.load('conversation-a' as StreamName)).to.equal(undefined)
      expect(await store.load('account-a' as StreamName)).to.equal(undefined)
    })
  })
}
