import { closeSync, openSync } from 'node:fs'
import { dirname } from 'node:path'
import { DomainError } from '../../domain/errors.ts'
import { type AppendResult, ConcurrencyConflict, type ExpectedRevision } from '../../domain/eventsourcing/eventStore.ts'
import { type NewEvent, StoredEvent, StoredRecord } from '../../domain/eventsourcing/message.ts'
import type { EventId, Position, StreamName } from '../../domain/ids.ts'
import { Database, type Sqlite } from './sqlite.ts'
import { syncFolder } from './syncFolder.ts'

export const positionOf = (pos: number): Position => pos.toString(16).padStart(16, '0') as Position
export const posOf = (position: Position): number => Number.parseInt(position, 16)

/** An append on its way into the file. */
export interface Append {
  readonly stream: StreamName
  readonly events: readonly NewEvent[]
  /** JSON of the first event's data, of its metadata, of the second one's data, and so on. */
  readonly texts: readonly string[]
  readonly expected: ExpectedRevision
}

type Direction = 'forwards' | 'backwards'

/** Where a stream stands, as written; no event may be durable yet. */
interface Head {
  /** 0 until the stream is made by its first event. */
  streamId: number
  /** -1 before the first event. */
  revision: number
}

type RecordRow = [rev: number, id: EventId, type: string, data: string, meta: string]
type EventRow = [pos: number, name: StreamName, ...RecordRow]

/** Heads kept in memory; losing one costs a lookup. */
const MAX_HEADS = 100_000
const VERSION = 1

const SCHEMA = `
  BEGIN;
  CREATE TABLE IF NOT EXISTS streams (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE) STRICT;
  CREATE TABLE IF NOT EXISTS events (
    pos INTEGER PRIMARY KEY, stream_id INTEGER NOT NULL, rev INTEGER NOT NULL,
    id TEXT NOT NULL, type TEXT NOT NULL, data TEXT NOT NULL, meta TEXT NOT NULL,
    UNIQUE (stream_id, rev)) STRICT;
  PRAGMA user_version = ${VERSION};
  COMMIT`

const ALL = 'SELECT pos, name, rev, e.id, type, data, meta FROM events e JOIN streams s ON s.id = stream_id'
const STREAM = 'SELECT rev, id, type, data, meta FROM events WHERE stream_id = ?'

const openDatabase = (path: string): Sqlite => {
  const db = new Database(path)
  try {
    db.pragma('journal_mode = WAL')
    // With the sync that follows each commit, this is synchronous = FULL in effect.
    db.pragma('synchronous = NORMAL')
    db.pragma('wal_autocheckpoint = 0')
    db.pragma('cache_size = -65536')
    const [outcome] = db.pragma('wal_checkpoint(TRUNCATE)') as { busy: number }[]
    if (outcome?.busy !== 0) throw new DomainError('Unavailable', `Close what else has ${path} open.`)
    const version = db.pragma('user_version', { simple: true }) as number
    if (version > VERSION)
      throw new DomainError('Unavailable', `${path} was written by a newer version; start that one.`)
    if (version < VERSION) db.exec(SCHEMA)
    return db
  } catch (error) {
    db.close()
    throw error
  }
}

/**
 * The log's SQLite database: what is written, and what a reader finds up to a position. Opening it makes durable
 * what a process that died had written and not synced, before anybody can read it.
 */
export const openLogFile = (path: string) => {
  const db = openDatabase(path)
  // A write-ahead log exists from the first transaction on, and stays while the database is open.
  const wal = openSync(`${path}-wal`, 'r+')
  syncFolder(dirname(path))

  const begin = db.prepare('BEGIN IMMEDIATE')
  const commit = db.prepare('COMMIT')
  const rollback = db.prepare('ROLLBACK')
  const insertEvent = db.prepare('INSERT INTO events VALUES (?, ?, ?, ?, ?, ?, ?)')
  const insertStream = db.prepare<[string]>('INSERT INTO streams (name) VALUES (?)')
  const streamId = db.prepare<[string], number>('SELECT id FROM streams WHERE name = ?').pluck()
  const lastRevision = db.prepare<[number], number>('SELECT max(rev) FROM events WHERE stream_id = ?').pluck()
  const written = db
    .prepare<[number, number, number], [pos: number, id: EventId]>(
      'SELECT pos, id FROM events WHERE stream_id = ? AND rev > ? ORDER BY rev LIMIT ?',
    )
    .raw()
  const recordRows = (order: string) =>
    db.prepare<[number, number, number, number], RecordRow>(`${STREAM} AND ${order} LIMIT ?`).raw()
  const streamRows = {
    forwards: recordRows('rev >= ? AND pos <= ? ORDER BY rev'),
    backwards: recordRows('rev <= ? AND pos <= ? ORDER BY rev DESC'),
  }
  const eventRows = (order: string) =>
    db.prepare<[number, number, number], EventRow>(`${ALL} WHERE ${order} LIMIT ?`).raw()
  const allRows = {
    forwards: eventRows('pos > ? AND pos <= ? ORDER BY pos'),
    backwards: eventRows('pos < ? AND pos <= ? ORDER BY pos DESC'),
  }

  const heads = new Map<StreamName, Head>()
  let last = db.prepare<[], number | null>('SELECT max(pos) FROM events').pluck().get() ?? 0

  const headOf = (stream: StreamName): Head => {
    const known = heads.get(stream)
    if (known !== undefined) return known
    const id = streamId.get(stream) ?? 0
    const head = { streamId: id, revision: id === 0 ? -1 : (lastRevision.get(id) ?? -1) }
    if (heads.size >= MAX_HEADS) heads.clear()
    heads.set(stream, head)
    return head
  }

  const place = ({ stream, events, texts, expected }: Append, placed: StoredEvent[]): AppendResult | Error => {
    const head = headOf(stream)
    const at = expected === 'noStream' ? -1 : expected
    if (at !== head.revision) {
      const repeated = at < head.revision ? repeats(head.streamId, events, at) : undefined
      return repeated ?? new ConcurrencyConflict(stream, expected, head.revision < 0 ? 'noStream' : head.revision)
    }
    if (head.streamId === 0) head.streamId = Number(insertStream.run(stream).lastInsertRowid)
    let position: Position | undefined
    for (let n = 0; n < events.length; n++) {
      const { id, type } = events[n] as NewEvent
      const data = texts[2 * n] as string
      const metadata = texts[2 * n + 1] as string
      position = positionOf(++last)
      insertEvent.run(last, head.streamId, ++head.revision, id, type, data, metadata)
      placed.push(new StoredEvent(stream, head.revision, id, type, data, metadata, position))
    }
    return { firstRevision: at + 1, lastRevision: head.revision, position: position as Position }
  }

  /** The same events at the same place again change nothing. */
  const repeats = (stream: number, events: readonly NewEvent[], at: number): AppendResult | undefined => {
    const there = written.all(stream, at, events.length)
    const position = there.at(-1)?.[0]
    if (position === undefined || events.some(({ id }, n) => id !== there[n]?.[1])) return undefined
    return { firstRevision: at + 1, lastRevision: at + events.length, position: positionOf(position) }
  }

  return {
    /** Descriptor of the write-ahead log. */
    wal,

    /** Position of the newest event that was written, durable or not. */
    last: (): number => last,

    /**
     * Commits appends in one transaction, each where its stream is as expected. Outcomes are in the order of the
     * group, events in that of the log. Throws when nothing of the group was written.
     */
    write(group: readonly Append[]): { readonly outcomes: (AppendResult | Error)[]; readonly events: StoredEvent[] } {
      const before = last
      const events: StoredEvent[] = []
      begin.run()
      try {
        const outcomes = group.map((append) => place(append, events))
        commit.run()
        return { outcomes, events }
      } catch (error) {
        if (db.inTransaction) rollback.run()
        last = before
        heads.clear()
        throw error
      }
    },

    readStream(stream: StreamName, from: number, direction: Direction, upTo: number, limit: number): StoredRecord[] {
      const { streamId } = headOf(stream)
      return streamRows[direction]
        .all(streamId, from, upTo, limit)
        .map(([rev, id, type, data, meta]) => new StoredRecord(stream, rev, id, type, data, meta))
    },

    /** `from` is exclusive. */
    readAll(from: number, direction: Direction, upTo: number, limit: number): StoredEvent[] {
      return allRows[direction]
        .all(from, upTo, limit)
        .map(
          ([pos, name, rev, id, type, data, meta]) => new StoredEvent(name, rev, id, type, data, meta, positionOf(pos)),
        )
    },

    database: db,

    close(): void {
      closeSync(wal)
      db.close()
    },
  }
}
