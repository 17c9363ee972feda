import { expect } from 'chai'
import { afterEach, beforeEach, describe, it } from 'mocha'
import type { ClientStorage } from '../../../api/client/storage/clientStorage.ts'
import { failureOf } from './failure.ts'

/** A place where a storage can be opened, closed and opened again. */
export interface StoragePlace {
  open(): Promise<ClientStorage>
  dispose(): Promise<void>
}

const ALL = { from: ' ', to: '~' }

/** What every ClientStorage does. */
export const itIsAClientStorage = (name: string, createPlace: () => Promise<StoragePlace>): void => {
  describe(`ClientStorage: ${name}`, () => {
    let place: StoragePlace
    let storage: ClientStorage

    beforeEach(async () => {
      place = await createPlace()
      storage = await place.open()
    })
    afterEach(async () => {
      await storage.close()
      await place.dispose()
    })

    const keys = async (range = ALL as Parameters<ClientStorage['list']>[0]) =>
      (await storage.list(range)).map(({ key }) => key)

    it('answers in the order of the keys asked for, undefined where there is nothing', async () => {
      await storage.commit([
        { key: 'a', value: { text: 'é 😀', list: [1, null, true] } },
        { key: 'b', value: 0 },
      ])
      expect(await storage.get(['b', 'x', 'a'])).to.deep.equal([0, undefined, { text: 'é 😀', list: [1, null, true] }])
      expect(await storage.get([])).to.deep.equal([])
    })

    it('lists keys as text orders, both ways, from the first included to the last not included', async () => {
      await storage.commit(['m/2', 'm/10', 'm/1', 'n', 'M', 'm/1-'].map((key) => ({ key, value: key })))
      expect(await keys()).to.deep.equal(['M', 'm/1', 'm/1-', 'm/10', 'm/2', 'n'])
      expect(await keys({ from: 'm/1', to: 'm/2' })).to.deep.equal(['m/1', 'm/1-', 'm/10'])
      expect(await keys({ ...ALL, reverse: true, limit: 2 })).to.deep.equal(['n', 'm/2'])
      expect(await keys({ ...ALL, limit: 1 })).to.deep.equal(['M'])
      expect(await keys({ from: 'm/2', to: 'm/2' })).to.deep.equal([])
    })

    it('applies the writes of a commit in their order', async () => {
      await storage.commit(['a/1', 'a/2', 'b'].map((key) => ({ key, value: 1 })))
      await storage.commit([
        { from: 'a/', to: 'a0' },
        { key: 'a/2', value: 2 },
        { key: 'b' },
        { key: 'c', value: 3 },
        { key: 'c', value: 4 },
      ])
      expect(await storage.list(ALL)).to.deep.equal([
        { key: 'a/2', value: 2 },
        { key: 'c', value: 4 },
      ])
    })

    it('keeps everything as it was when a commit cannot be stored', async () => {
      await storage.commit([{ key: 'a', value: 1 }])
      const impossible = { key: 'b', value: { big: 1n } }
      expect(await failureOf(storage.commit([{ from: ' ', to: '~' }, { key: 'a', value: 2 }, impossible]))).to.exist
      expect(await storage.list(ALL)).to.deep.equal([{ key: 'a', value: 1 }])
      await storage.commit([{ key: 'a', value: 3 }])
      expect(await storage.get(['a'])).to.deep.equal([3])
    })

    it('commits in the order of the calls', async () => {
      await Promise.all([1, 2, 3, 4, 5].map((value) => storage.commit([{ key: 'a', value }])))
      expect(await storage.get(['a'])).to.deep.equal([5])
    })

    it('does not share objects with who stores and reads them', async () => {
      const value = { list: [1] }
      await storage.commit([{ key: 'a', value }])
      value.list.push(2)
      const [read] = (await storage.get(['a'])) as [{ list: number[] }]
      read.list.push(3)
      expect(await storage.get(['a'])).to.deep.equal([{ list: [1] }])
    })

    it('holds everything after it was closed and opened again', async () => {
      await storage.commit([{ key: 'a', value: 1 }])
      await storage.close()
      storage = await place.open()
      expect(await storage.get(['a'])).to.deep.equal([1])
    })

    it('is opened by one at a time', async () => {
      expect(await failureOf(place.open())).to.include({ name: 'ClientError', code: 'StorageLocked' })
      await storage.commit([{ key: 'a', value: 1 }])
      expect(await storage.get(['a'])).to.deep.equal([1])
    })
  })
}
