import Database from 'better-sqlite3'
import { StoredEvent } from '../../domain/eventsourcing/message.ts'
import type { EventId, Position, StreamName } from '../../domain/ids.ts'
import { pendingWalBytes } from './wal.ts'

export const positionOf = (pos: number): Position => pos.toString(16).padStart(16, '0') as Position
export const posOf = (position: Position): number => Number.parseInt(position, 16)

/** Where a stream stands, written or not yet synced. */
export interface StreamHead {
  readonly streamId: number
  /** -1 before the first event. */
  revision: number
}

type Row = [pos: number, name: StreamName, rev: number, id: EventId, type: string, data: string, meta: string]

const storedEvent = ([pos, name, rev, id, type, data, meta]: Row): StoredEvent =>
  new StoredEvent(name, rev, id, type, data, meta, positionOf(pos))

const SCHEMA = `
  CREATE TABLE IF NOT EXISTS streams (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);
  CREATE TABLE IF NOT EXISTS events (
    pos INTEGER PRIMARY KEY, stream_id INTEGER NOT NULL, rev INTEGER NOT NULL,
    id TEXT NOT NULL, type TEXT NOT NULL, data TEXT NOT NULL, meta TEXT NOT NULL,
    UNIQUE (stream_id, rev));`

const COLUMNS = 'e.pos, s.name, e.rev, e.id, e.type, e.data, e.meta FROM events e JOIN streams s ON s.id = e.stream_id'

/** The log's SQLite database, statement by statement. What may be read when is the caller's business. */
export const openLogFile = (path: string) => {
  const db = new Database(path)
  db.pragma('journal_mode = WAL')
  // With the sync that the log itself adds after each commit, this is synchronous = FULL in effect.
  db.pragma('synchronous = NORMAL')
  db.pragma('wal_autocheckpoint = 0')
  db.pragma('cache_size = -32000')
  // A tail that was written but never synced must not be read before it is durable.
  db.pragma('wal_checkpoint(TRUNCATE)')
  db.exec(SCHEMA)

  const rows = <Parameters extends unknown[]>(sql: string) => db.prepare<Parameters, Row>(sql).raw()
  const begin = db.prepare('BEGIN IMMEDIATE')
  const commit = db.prepare('COMMIT')
  const rollback = db.prepare('ROLLBACK')
  const insert = db.prepare('INSERT INTO events VALUES (?, ?, ?, ?, ?, ?, ?)')
  const insertStream = db.prepare<[string]>('INSERT INTO streams (name) VALUES (?)')
  const findStream = db.prepare<[string], { id: number }>('SELECT id FROM streams WHERE name = ?')
  const lastRevision = db.prepare<[number], number | null>('SELECT max(rev) FROM events WHERE stream_id = ?').pluck()
  const lastPos = db.prepare<[], number | null>('SELECT max(pos) FROM events').pluck()
  const inStream = {
    forwards: rows<[number, number, number, number]>(
      `SELECT ${COLUMNS} WHERE e.stream_id = ? AND e.rev >= ? AND e.pos <= ? ORDER BY e.rev LIMIT ?`,
    ),
    backwards: rows<[number, number, number, number]>(
      `SELECT ${COLUMNS} WHERE e.stream_id = ? AND e.rev <= ? AND e.pos <= ? ORDER BY e.rev DESC LIMIT ?`,
    ),
  }
  const inAll = {
    forwards: rows<[number, number, number]>(`SELECT ${COLUMNS} WHERE e.pos > ? AND e.pos <= ? ORDER BY e.pos LIMIT ?`),
    backwards: rows<[number, number, number]>(
      `SELECT ${COLUMNS} WHERE e.pos < ? AND e.pos <= ? ORDER BY e.pos DESC LIMIT ?`,
    ),
  }

  return {
    path,
    lastPos: (): number => lastPos.get() ?? 0,

    /** Runs a group of inserts in one transaction: all of it is written, or nothing. */
    transaction(work: () => void): void {
      begin.run()
      try {
        work()
        commit.run()
      } catch (error) {
        if (db.inTransaction) rollback.run()
        throw error
      }
    },

    insert(
      pos: number,
      streamId: number,
      revision: number,
      id: string,
      type: string,
      data: string,
      meta: string,
    ): void {
      insert.run(pos, streamId, revision, id, type, data, meta)
    },

    /** The stream's head; a stream that is not there yet is made when `create` is set. */
    head(stream: StreamName, create: boolean): StreamHead | undefined {
      const found = findStream.get(stream)
      if (found !== undefined) return { streamId: found.id, revision: lastRevision.get(found.id) ?? -1 }
      return create ? { streamId: Number(insertStream.run(stream).lastInsertRowid), revision: -1 } : undefined
    },

    readStream(streamId: number, from: number, direction: 'forwards' | 'backwards', upTo: number, limit: number) {
      return inStream[direction].all(streamId, from, upTo, limit).map(storedEvent)
    },

    readAll(from: number, direction: 'forwards' | 'backwards', upTo: number, limit: number) {
      return inAll[direction].all(from, upTo, limit).map(storedEvent)
    },

    pendingWalBytes: () => pendingWalBytes(db),
    close: () => db.close(),
  }
}

export type LogFile = ReturnType<typeof openLogFile>
