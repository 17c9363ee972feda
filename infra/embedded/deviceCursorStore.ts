import type { DeviceCursor, DeviceCursorStore } from '../../api/ports.ts'
import type { UserId } from '../../domain/ids.ts'
import type { StateFile } from './stateFile.ts'

const SCHEMA = `
  CREATE TABLE IF NOT EXISTS deviceCursors (
    deviceId TEXT PRIMARY KEY, userId TEXT NOT NULL, cursor TEXT NOT NULL, lastSeen TEXT NOT NULL
  ) WITHOUT ROWID;
  CREATE INDEX IF NOT EXISTS deviceCursorsByUser ON deviceCursors (userId, lastSeen)`

// Within one incarnation cursors order as text; between two there is no order, and the later save is right.
const SAVE = `
  INSERT INTO deviceCursors (deviceId, userId, cursor, lastSeen) VALUES (?, ?, ?, ?)
  ON CONFLICT (deviceId) DO UPDATE SET userId = excluded.userId, lastSeen = excluded.lastSeen, cursor = CASE
    WHEN excluded.cursor > cursor
      OR substr(excluded.cursor, 1, instr(excluded.cursor, '-')) <> substr(cursor, 1, instr(cursor, '-'))
    THEN excluded.cursor ELSE cursor END`

export const createDeviceCursorStore = ({ db, read, write }: StateFile): DeviceCursorStore => {
  db.exec(SCHEMA)
  const select = db.prepare<[string], DeviceCursor>(
    'SELECT deviceId, userId, cursor, lastSeen FROM deviceCursors WHERE deviceId = ?',
  )
  const save = db.prepare<[string, string, string, string]>(SAVE)
  const remove = db.prepare<[string]>('DELETE FROM deviceCursors WHERE deviceId = ?')
  const newest = db.prepare<[string], { userId: UserId; lastSeen: string }>(
    `SELECT userId, max(lastSeen) AS lastSeen FROM deviceCursors
     WHERE userId IN (SELECT value FROM json_each(?)) GROUP BY userId`,
  )
  return {
    load: (deviceId) => read(() => select.get(deviceId)),
    save: (cursors) =>
      write(() => {
        for (const { deviceId, userId, cursor, lastSeen } of cursors) save.run(deviceId, userId, cursor, lastSeen)
      }),
    lastSeen: (userIds) =>
      read(() => new Map(newest.all(JSON.stringify(userIds)).map(({ userId, lastSeen }) => [userId, lastSeen]))),
    remove: (deviceId) => write(() => void remove.run(deviceId)),
  }
}
