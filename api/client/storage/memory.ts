import { ClientError } from '../clientError.ts'
import type { ClientStorage, StoredEntry, StoredValue } from './clientStorage.ts'

/** What memory storages of one name share, so that closing and opening again finds everything. */
export interface MemoryData {
  readonly values: Map<string, string>
  open: boolean
}

export const createMemoryData = (): MemoryData => ({ values: new Map(), open: false })

/** Keeps everything in memory: for tests, and for devices that are meant to forget. */
export const openMemoryStorage = async (data: MemoryData = createMemoryData()): Promise<ClientStorage> => {
  if (data.open) throw new ClientError('StorageLocked', 'This storage is open already; close it there first.')
  data.open = true
  const { values } = data
  let keys: string[] | undefined

  const sortedKeys = (): string[] => {
    keys ??= [...values.keys()].sort()
    return keys
  }
  const within = (from: string, to: string): string[] => {
    const sorted = sortedKeys()
    return sorted.slice(lowerBound(sorted, from), lowerBound(sorted, to))
  }
  const requireOpen = (): void => {
    if (!data.open) throw new ClientError('StorageFailed', 'The storage is closed; open it again.')
  }

  return {
    async get(wanted) {
      requireOpen()
      return wanted.map((key) => parse(values.get(key)))
    },
    async list({ from, to, reverse = false, limit }) {
      requireOpen()
      const found = within(from, to)
      if (reverse) found.reverse()
      return found.slice(0, limit).map((key): StoredEntry => ({ key, value: parse(values.get(key)) ?? null }))
    },
    async commit(writes) {
      requireOpen()
      // Serialised first: what cannot be stored leaves everything as it was.
      const texts = writes.map((write) => ('value' in write ? JSON.stringify(write.value) : undefined))
      writes.forEach((write, at) => {
        if ('from' in write) for (const key of within(write.from, write.to)) values.delete(key)
        else {
          const text = texts[at]
          if (text === undefined) values.delete(write.key)
          else values.set(write.key, text)
        }
        keys = undefined
      })
    },
    async close() {
      data.open = false
    },
  }
}

const parse = (text: string | undefined): StoredValue | undefined => (text === undefined ? undefined : JSON.parse(text))

const lowerBound = (sorted: readonly string[], key: string): number => {
  let low = 0
  let high = sorted.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if ((sorted[middle] as string) < key) low = middle + 1
    else high = middle
  }
  return low
}
