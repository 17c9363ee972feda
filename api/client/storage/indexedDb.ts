import { ClientError } from '../clientError.ts'
import type { ClientStorage, StoredEntry, StoredValue } from './clientStorage.ts'

const STORE = 'entries'

/**
 * Keeps everything in one IndexedDB database, which no other tab can open meanwhile. For browsers.
 * Throws `ClientError`: StorageLocked, StorageFailed.
 */
export const openIndexedDbStorage = async (name: string): Promise<ClientStorage> => {
  const unlock = await lock(`parley/${name}`)
  let database: IDBDatabase
  try {
    database = await openDatabase(name)
  } catch (error) {
    unlock()
    throw error
  }

  const read = <T>(work: (store: IDBObjectStore) => Promise<T>): Promise<T> =>
    work(database.transaction(STORE, 'readonly').objectStore(STORE))

  return {
    get: (keys) => read((store) => Promise.all(keys.map(async (key) => parse(await answerOf(store.get(key)))))),
    async list({ from, to, reverse = false, limit }) {
      if (from >= to) return []
      return read((store) => walk(store, IDBKeyRange.bound(from, to, false, true), reverse, limit))
    },
    async commit(writes) {
      // Serialised first: what cannot be stored leaves everything as it was.
      const texts = writes.map((write) => ('value' in write ? JSON.stringify(write.value) : undefined))
      const transaction = database.transaction(STORE, 'readwrite', { durability: 'strict' })
      const store = transaction.objectStore(STORE)
      writes.forEach((write, at) => {
        if ('from' in write) {
          if (write.from < write.to) store.delete(IDBKeyRange.bound(write.from, write.to, false, true))
        } else if (texts[at] === undefined) store.delete(write.key)
        else store.put(texts[at], write.key)
      })
      await new Promise<void>((resolve, reject) => {
        transaction.oncomplete = () => resolve()
        transaction.onabort = () => reject(failed(transaction.error))
      })
    },
    async close() {
      // Waits for its transactions by itself.
      database.close()
      unlock()
    },
  }
}

/** Holds a Web Lock until it is called. The browser gives the lock back when the tab goes away. */
const lock = (name: string): Promise<() => void> =>
  new Promise((resolve, reject) => {
    const locking = navigator.locks.request(name, { ifAvailable: true }, (granted) => {
      if (granted === null) {
        reject(new ClientError('StorageLocked', 'Another tab has this storage open; close it there first.'))
        return undefined
      }
      return new Promise<void>((release) => resolve(release))
    })
    locking.catch(reject)
  })

const openDatabase = async (name: string): Promise<IDBDatabase> => {
  const request = indexedDB.open(name, 1)
  request.onupgradeneeded = () => request.result.createObjectStore(STORE)
  return answerOf(request)
}

const answerOf = <T>(request: IDBRequest<T>): Promise<T> =>
  new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result)
    request.onerror = () => reject(failed(request.error))
  })

const walk = (
  store: IDBObjectStore,
  range: IDBKeyRange,
  reverse: boolean,
  limit = Number.POSITIVE_INFINITY,
): Promise<StoredEntry[]> =>
  new Promise((resolve, reject) => {
    const found: StoredEntry[] = []
    const request = store.openCursor(range, reverse ? 'prev' : 'next')
    request.onerror = () => reject(failed(request.error))
    request.onsuccess = () => {
      const cursor = request.result
      if (cursor === null || found.length >= limit) return resolve(found)
      found.push({ key: String(cursor.key), value: parse(cursor.value) ?? null })
      cursor.continue()
    }
  })

const parse = (text: string | undefined): StoredValue | undefined => (text === undefined ? undefined : JSON.parse(text))

const failed = (error: unknown): ClientError =>
  new ClientError('StorageFailed', `The storage failed: ${error instanceof Error ? error.message : 'aborted'}.`, {
    cause: error,
  })
