import { closeSync, fdatasyncSync, openSync, statSync } from 'node:fs'
import Database from 'better-sqlite3'
import { DomainError } from '../../domain/errors.ts'
import type { EventId, Position } from '../../domain/ids.ts'
import type { Doc, IndexSpec } from '../../projections/projection.ts'
import type { Checkpoint, Query, Range, StoredDoc } from '../../projections/readModelStore.ts'

/** One read model: a database of its own with one connection, whose writes gather in an open transaction. */
export interface ModelFile {
  readonly path: string
  readonly indexes: readonly IndexSpec[]
  /** True while there are writes that `settle` has not committed. */
  readonly unsettled: boolean
  /** True once SQLite took back writes that were visible already, as it may when the disk is full: to be opened anew. */
  readonly lost: boolean
  addIndexes(indexes: readonly IndexSpec[]): void
  checkpoint(): Checkpoint | undefined
  get(keys: readonly string[]): StoredDoc[]
  query(query: Query): StoredDoc[]
  scan(afterKey: string | undefined, limit: number): StoredDoc[]
  /** All of it or, when it throws, nothing. */
  write(documents: readonly StoredDoc[], checkpoint: Checkpoint): void
  prune(position: Position): void
  settle(): void
  /** Beyond the end of the process, which `settle` is good for: beyond the end of the machine. */
  sync(): void
  walBytes(): number
  /** Leaves everything in the main file and nothing beside it; throws when another connection is in the way. */
  fold(): void
  close(): void
}

// An ordinary table with a unique key takes a new document for a fifth less time than one clustered by key,
// and finds that a key is missing in half the time: the index it looks into holds no documents.
const SCHEMA = `
  CREATE TABLE IF NOT EXISTS documents (key TEXT NOT NULL UNIQUE, position TEXT NOT NULL, doc TEXT);
  CREATE INDEX IF NOT EXISTS tombstones ON documents (position) WHERE doc IS NULL;
  CREATE TABLE IF NOT EXISTS checkpoint (
    id INTEGER PRIMARY KEY CHECK (id = 0), position TEXT NOT NULL, eventId TEXT NOT NULL, incarnation TEXT NOT NULL
  )`

const MOVE_CHECKPOINT = `
  INSERT INTO checkpoint VALUES (0, ?, ?, ?) ON CONFLICT (id) DO UPDATE
  SET position = excluded.position, eventId = excluded.eventId, incarnation = excluded.incarnation
  WHERE excluded.incarnation <> incarnation OR excluded.position > position`

type Row = [key: string, position: string, doc: string | null]
type Value = string | number | null

const storedDoc = ([key, position, doc]: Row): StoredDoc => ({
  key,
  position: position as Position,
  doc: doc === null ? undefined : (JSON.parse(doc) as Doc),
})

const NAME = /^\w+$/
const COMPARISONS = { gt: '>', gte: '>=', lt: '<', lte: '<=' } as const
const BOUNDS = Object.keys(COMPARISONS) as (keyof Range)[]

const column = (field: string): string => (field === 'key' ? 'key' : `"f_${field}"`)
// Its fields are part of its name: an index declared anew over other fields is another index.
const sqlName = ({ name, fields }: IndexSpec): string => `"${name}(${fields.join(',')})"`

const indexable = (doc: Doc | undefined, field: string): Value => {
  const value = doc?.[field]
  return typeof value === 'string' || typeof value === 'number' ? value : null
}

const upsertText = (fields: readonly string[]): string => {
  const columns = ['key', 'position', 'doc', ...fields.map(column)]
  const assignments = columns.slice(1).map((name) => `${name} = excluded.${name}`)
  return `INSERT INTO documents (${columns.join()}) VALUES (${columns.map(() => '?').join()})
    ON CONFLICT (key) DO UPDATE SET ${assignments.join()} WHERE excluded.position > position`
}

const selectText = (spec: IndexSpec | undefined, query: Query): string => {
  const fields = [...(spec?.fields ?? []), 'key']
  const equals = query.equals ?? []
  const next = fields[equals.length]
  if (next === undefined) throw new RangeError(`${query.index} has no field after ${equals.length} equal ones`)
  const conditions = [
    'doc IS NOT NULL',
    // What makes the index, which leaves tombstones out, usable.
    `${column(fields[0] ?? 'key')} IS NOT NULL`,
    ...equals.map((_, at) => `${column(fields[at] ?? 'key')} = ?`),
    ...BOUNDS.filter((bound) => query.range?.[bound] !== undefined).map(
      (bound) => `${column(next)} ${COMPARISONS[bound]} ?`,
    ),
  ]
  const direction = query.order === 'descending' ? 'DESC' : 'ASC'
  return `SELECT key, position, doc FROM documents ${spec === undefined ? '' : `INDEXED BY ${sqlName(spec)}`}
    WHERE ${conditions.join(' AND ')} ORDER BY ${column(next)} ${direction}, key ${direction} LIMIT ?`
}

const openDatabase = (path: string): Database.Database => {
  const db = new Database(path)
  db.pragma('journal_mode = WAL')
  db.pragma('synchronous = NORMAL')
  // Smaller than what a quarter of a second dirties under load, and pages are written more than once.
  db.pragma('cache_size = -16000')
  db.pragma('wal_autocheckpoint = 0')
  db.exec(SCHEMA)
  return db
}

export const openModelFile = (path: string, declared: readonly IndexSpec[]): ModelFile => {
  const db = openDatabase(path)
  const statements = new Map<string, Database.Statement>()
  const prepare = (text: string): Database.Statement => {
    let statement = statements.get(text)
    if (statement === undefined) {
      statement = db.prepare(text)
      if (statement.reader) statement.raw()
      statements.set(text, statement)
    }
    return statement
  }
  const begin = prepare('BEGIN IMMEDIATE')
  const commit = prepare('COMMIT')
  const mark = prepare('SAVEPOINT write')
  const release = prepare('RELEASE write')
  const undo = prepare('ROLLBACK TO write')
  const moveCheckpoint = prepare(MOVE_CHECKPOINT)
  const selectCheckpoint = prepare('SELECT position, eventId, incarnation FROM checkpoint')
  const selectOne = prepare('SELECT key, position, doc FROM documents WHERE key = ?')
  let indexes: readonly IndexSpec[] = []
  // Every column there is, declared now or not: an index that comes back must find its values.
  let fields: readonly string[] = []
  let upsert: Database.Statement

  const columnsThere = (): string[] =>
    (db.pragma('table_info(documents)') as { name: string }[])
      .map(({ name }) => name)
      .filter((name) => name.startsWith('f_'))
      .map((name) => name.slice(2))

  const addColumn = (field: string): void => {
    const path = `'$.${field}'`
    db.exec(`ALTER TABLE documents ADD COLUMN ${column(field)}`)
    db.exec(`UPDATE documents SET ${column(field)} = json_extract(doc, ${path})
      WHERE json_type(doc, ${path}) IN ('text', 'integer', 'real')`)
  }

  const addIndex = (spec: IndexSpec): void => {
    for (const name of [spec.name, ...spec.fields]) {
      if (!NAME.test(name)) throw new RangeError(`${name} cannot name an index or its field`)
    }
    const there = columnsThere()
    for (const field of spec.fields) if (!there.includes(field)) addColumn(field)
    const first = column(spec.fields[0] ?? 'key')
    db.exec(`CREATE INDEX IF NOT EXISTS ${sqlName(spec)}
      ON documents (${[...spec.fields, 'key'].map(column).join()}) WHERE ${first} IS NOT NULL`)
  }

  let lost = false

  const settle = (): void => {
    if (!db.inTransaction) return
    try {
      commit.run()
    } catch (error) {
      lost = !db.inTransaction
      throw error
    }
  }

  const gather = (operation: () => void): void => {
    if (!db.inTransaction) begin.run()
    try {
      mark.run()
      operation()
      release.run()
    } catch (error) {
      lost = !db.inTransaction
      if (!lost) {
        undo.run()
        release.run()
      }
      throw error
    }
  }

  const file: ModelFile = {
    path,
    get indexes() {
      return indexes
    },
    get unsettled() {
      return db.inTransaction
    },
    get lost() {
      return lost
    },
    addIndexes(specs) {
      settle()
      db.transaction(() => specs.forEach(addIndex))()
      indexes = [...indexes.filter(({ name }) => !specs.some((spec) => spec.name === name)), ...specs]
      fields = columnsThere()
      upsert = prepare(upsertText(fields))
    },
    checkpoint() {
      const row = selectCheckpoint.get() as [Position, EventId, string] | undefined
      return row && { position: row[0], eventId: row[1], incarnation: row[2] }
    },
    get(keys) {
      const found: StoredDoc[] = []
      for (const key of keys) {
        const row = selectOne.get(key) as Row | undefined
        if (row !== undefined) found.push(storedDoc(row))
      }
      return found
    },
    query(query) {
      const spec = indexes.find(({ name }) => name === query.index)
      if (spec === undefined && query.index !== 'key') throw new RangeError(`no index ${query.index} is declared`)
      const bounds = BOUNDS.map((bound) => query.range?.[bound]).filter((value) => value !== undefined)
      const rows = prepare(selectText(spec, query)).all(...(query.equals ?? []), ...bounds, query.limit) as Row[]
      return rows.map(storedDoc)
    },
    scan(afterKey, limit) {
      return file.query({ index: 'key', limit, ...(afterKey !== undefined && { range: { gt: afterKey } }) })
    },
    write(documents, { position, eventId, incarnation }) {
      gather(() => {
        const row: Value[] = []
        for (const document of documents) {
          row[0] = document.key
          row[1] = document.position
          row[2] = document.doc === undefined ? null : JSON.stringify(document.doc)
          for (let at = 0; at < fields.length; at++) row[3 + at] = indexable(document.doc, fields[at] as string)
          upsert.run(row)
        }
        moveCheckpoint.run(position, eventId, incarnation)
      })
    },
    prune(position) {
      gather(() => prepare('DELETE FROM documents WHERE doc IS NULL AND position <= ?').run(position))
    },
    settle,
    sync() {
      const log = openSync(`${path}-wal`, 'r+')
      fdatasyncSync(log)
      closeSync(log)
    },
    walBytes: () => statSync(`${path}-wal`, { throwIfNoEntry: false })?.size ?? 0,
    fold() {
      settle()
      const [outcome] = db.pragma('wal_checkpoint(TRUNCATE)') as { busy: number }[]
      if (outcome?.busy !== 0) throw new DomainError('Unavailable', `Close what else has ${path} open.`)
    },
    close() {
      db.close()
    },
  }
  file.addIndexes(declared)
  return file
}
