import type { ExpiringStore } from '../../api/ports.ts'
import type { Clock } from '../../domain/ports.ts'
import type { StateFile } from './stateFile.ts'

const SCHEMA = `
  CREATE TABLE IF NOT EXISTS expiring (key TEXT PRIMARY KEY, value TEXT NOT NULL, expiresAt INTEGER NOT NULL) WITHOUT ROWID;
  CREATE INDEX IF NOT EXISTS expiringByTime ON expiring (expiresAt)`

// More than one write adds, so that the expired never pile up, and few enough not to be felt.
const PURGE = `
  DELETE FROM expiring WHERE key IN (SELECT key FROM expiring WHERE expiresAt <= ? ORDER BY expiresAt LIMIT 4)`

export const createExpiringStore = ({ db, read, write }: StateFile, clock: Clock): ExpiringStore => {
  db.exec(SCHEMA)
  const purge = db.prepare<[number]>(PURGE)
  const put = db.prepare<[string, string, number]>(
    'INSERT OR REPLACE INTO expiring (key, value, expiresAt) VALUES (?, ?, ?)',
  )
  const select = db
    .prepare<[string, number], string>('SELECT value FROM expiring WHERE key = ? AND expiresAt > ?')
    .pluck()
  const take = db
    .prepare<[string, number], string>('DELETE FROM expiring WHERE key = ? AND expiresAt > ? RETURNING value')
    .pluck()
  const add = db
    .prepare<[string, number], string>(
      `INSERT INTO expiring (key, value, expiresAt) VALUES (?, 1, ?)
     ON CONFLICT (key) DO UPDATE SET value = value + 1 RETURNING value`,
    )
    .pluck()
  const remove = db.prepare<[string]>('DELETE FROM expiring WHERE key = ?')
  const removeExpired = db.prepare<[string, number]>('DELETE FROM expiring WHERE key = ? AND expiresAt <= ?')
  return {
    put: (key, value, ttlMs) =>
      write(() => {
        purge.run(clock())
        put.run(key, value, clock() + ttlMs)
      }),
    get: (key) => read(() => select.get(key, clock())),
    takeOnce: (key) => write(() => take.get(key, clock())),
    increment: (key, ttlMs) =>
      write(() => {
        purge.run(clock())
        removeExpired.run(key, clock())
        return Number(add.get(key, clock() + ttlMs))
      }),
    remove: (key) => write(() => void remove.run(key)),
  }
}
