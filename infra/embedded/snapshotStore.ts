import type { Snapshot, SnapshotStore } from '../../commands/ports.ts'
import type { StateFile } from './stateFile.ts'

const SCHEMA = `
  CREATE TABLE IF NOT EXISTS snapshots (
    stream TEXT PRIMARY KEY, revision INTEGER NOT NULL, incarnation TEXT NOT NULL, version INTEGER NOT NULL, state TEXT NOT NULL
  )`

export const createSnapshotStore = ({ db, read, write }: StateFile): SnapshotStore => {
  db.exec(SCHEMA)
  const select = db.prepare<[string], Snapshot>(
    'SELECT stream, revision, incarnation, version, state FROM snapshots WHERE stream = ?',
  )
  const save = db.prepare<[string, number, string, number, string]>(
    'INSERT OR REPLACE INTO snapshots (stream, revision, incarnation, version, state) VALUES (?, ?, ?, ?, ?)',
  )
  const removeAll = db.prepare<[]>('DELETE FROM snapshots')
  return {
    load: (stream) => read(() => select.get(stream)),
    save: ({ stream, revision, incarnation, version, state }) =>
      write(() => void save.run(stream, revision, incarnation, version, state)),
    dropAll: () => write(() => void removeAll.run()),
  }
}
