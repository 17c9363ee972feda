import type BetterSqlite3 from 'better-sqlite3'
import { ClientError } from '../clientError.ts'
import type { ClientStorage, StorageRange, StoredEntry, StoredValue } from './clientStorage.ts'

interface Row {
  readonly key: string
  readonly value: string
}

/**
 * Keeps everything in one SQLite file, which no other process can open meanwhile. For Node; needs the optional peer
 * `better-sqlite3`, or its class from whoever has loaded it. Throws `ClientError`: StorageLocked, StorageFailed.
 */
export const openSqliteStorage = async (file: string, driver?: typeof BetterSqlite3): Promise<ClientStorage> => {
  const Database = driver ?? (await import('better-sqlite3')).default
  const database = openLocked(() => new Database(file, { timeout: 0 }))
  const get = database.prepare<[string], Row>('SELECT key, value FROM entries WHERE key = ?')
  const listUp = database.prepare<[string, string, number], Row>(
    'SELECT key, value FROM entries WHERE key >= ? AND key < ? ORDER BY key LIMIT ?',
  )
  const listDown = database.prepare<[string, string, number], Row>(
    'SELECT key, value FROM entries WHERE key >= ? AND key < ? ORDER BY key DESC LIMIT ?',
  )
  const put = database.prepare<[string, string]>('REPLACE INTO entries(key, value) VALUES (?, ?)')
  const remove = database.prepare<[string]>('DELETE FROM entries WHERE key = ?')
  const removeRange = database.prepare<[string, string]>('DELETE FROM entries WHERE key >= ? AND key < ?')
  const commit = database.transaction((writes: Parameters<ClientStorage['commit']>[0]) => {
    for (const write of writes) {
      if ('from' in write) removeRange.run(write.from, write.to)
      else if (write.value === undefined) remove.run(write.key)
      else put.run(write.key, JSON.stringify(write.value))
    }
  })

  return {
    get: async (keys) => attempt(() => keys.map((key) => valueIn(get.get(key)))),
    list: async ({ from, to, reverse = false, limit = -1 }: StorageRange) =>
      attempt(() => (reverse ? listDown : listUp).all(from, to, limit).map(entryOf)),
    commit: async (writes) => attempt(() => commit(writes)),
    close: async () => {
      database.close()
    },
  }
}

/** In exclusive locking mode the first access takes the file's lock, which ends with the process. */
const openLocked = (open: () => BetterSqlite3.Database): BetterSqlite3.Database => {
  let database: BetterSqlite3.Database | undefined
  try {
    database = open()
    database.pragma('locking_mode = EXCLUSIVE')
    database.pragma('journal_mode = WAL')
    database.pragma('synchronous = FULL')
    database.exec('BEGIN EXCLUSIVE; CREATE TABLE IF NOT EXISTS entries(key TEXT PRIMARY KEY, value TEXT) WITHOUT ROWID')
    database.exec('COMMIT')
    return database
  } catch (error) {
    database?.close()
    if (/^SQLITE_(BUSY|LOCKED)/.test(codeOf(error)))
      throw new ClientError('StorageLocked', 'Another process has this file open; end it there first.')
    throw failed(error)
  }
}

const attempt = <T>(work: () => T): T => {
  try {
    return work()
  } catch (error) {
    throw failed(error)
  }
}

const codeOf = (error: unknown): string => String((error as { readonly code?: unknown }).code)

const failed = (error: unknown): ClientError =>
  new ClientError('StorageFailed', `The storage failed: ${error instanceof Error ? error.message : error}.`, {
    cause: error,
  })

const valueIn = (row: Row | undefined): StoredValue | undefined => (row === undefined ? undefined : parse(row))
const entryOf = (row: Row): StoredEntry => ({ key: row.key, value: parse(row) })
const parse = ({ value }: Row): StoredValue => JSON.parse(value)
