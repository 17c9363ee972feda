import { closeSync, fdatasyncSync, openSync } from 'node:fs'
import { DomainError } from '../../domain/errors.ts'
import type { EventId, Position } from '../../domain/ids.ts'
import type { Doc, IndexSpec } from '../../projections/projection.ts'
import type { Checkpoint, Query, StoredDoc } from '../../projections/readModelStore.ts'
import {
  addField,
  addIndex,
  fieldsAmong,
  indexed,
  MOVE_CHECKPOINT,
  SCHEMA,
  select,
  selectParameters,
  upsert,
} from './modelSql.ts'
import { Database, type Sqlite, type Statement } from './sqlite.ts'
import { createWalGauge } from './wal.ts'

/** One read model: a database of its own with one connection, whose writes gather in an open transaction. */
export interface ModelFile {
  readonly path: string
  readonly indexes: readonly IndexSpec[]
  /** True while there are writes that `settle` has not committed. */
  readonly unsettled: boolean
  /** True once a failing disk took back writes that were visible already: to be opened anew. */
  readonly lost: boolean
  addIndexes(indexes: readonly IndexSpec[]): void
  checkpoint(): Checkpoint | undefined
  get(keys: readonly string[]): StoredDoc[]
  query(query: Query): StoredDoc[]
  scan(afterKey: string | undefined, limit: number): StoredDoc[]
  /** All of it or, when a document is not JSON, nothing. */
  write(documents: readonly StoredDoc[], checkpoint: Checkpoint): void
  prune(position: Position): void
  settle(): void
  /** Beyond the end of the process, which `settle` is good for: beyond the end of the machine. */
  sync(): void
  /** Of the log in use: the file keeps its size when SQLite starts it over. Not within a transaction. */
  walBytes(): number
  /** Leaves everything in the main file and nothing beside it; throws when another connection is in the way. */
  fold(): void
  close(): void
}

type Row = [key: string, position: string, doc: string | null]

const storedDoc = ([key, position, doc]: Row): StoredDoc => ({
  key,
  position: position as Position,
  doc: doc === null ? undefined : (JSON.parse(doc) as Doc),
})

const openDatabase = (path: string): Sqlite => {
  const db = new Database(path)
  db.pragma('journal_mode = WAL')
  db.pragma('synchronous = NORMAL')
  // A cache smaller than what a quarter of a second dirties under load spills, and pages are written more than once.
  db.pragma('cache_size = -16000')
  db.pragma('wal_autocheckpoint = 0')
  db.exec(SCHEMA)
  return db
}

export const openModelFile = (path: string, declared: readonly IndexSpec[]): ModelFile => {
  const db = openDatabase(path)
  const measureWal = createWalGauge(db)
  const statements = new Map<string, Statement>()
  const prepare = (text: string): Statement => {
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
  const rollback = prepare('ROLLBACK')
  const moveCheckpoint = prepare(MOVE_CHECKPOINT)
  const selectCheckpoint = prepare('SELECT position, eventId, incarnation FROM checkpoint')
  const selectOne = prepare('SELECT key, position, doc FROM documents WHERE key = ?')
  let indexes: readonly IndexSpec[] = []
  // Every column there is, declared now or not: an index that comes back must find its values.
  let fields: readonly string[] = []
  let put: Statement

  const fieldsThere = (): string[] =>
    fieldsAmong((db.pragma('table_info(documents)') as { name: string }[]).map(({ name }) => name))

  const addIndexes = (specs: readonly IndexSpec[]): void => {
    for (const spec of specs) {
      const there = fieldsThere()
      for (const field of spec.fields) if (!there.includes(field)) db.exec(addField(field))
      db.exec(addIndex(spec))
    }
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

  // Not a savepoint, which would copy every page it touches: what fails here is the disk, and takes the rest along.
  const gather = (operation: () => void): void => {
    if (!db.inTransaction) begin.run()
    try {
      operation()
    } catch (error) {
      lost = true
      if (db.inTransaction) rollback.run()
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
      db.transaction(addIndexes)(specs)
      indexes = [...indexes.filter(({ name }) => !specs.some((spec) => spec.name === name)), ...specs]
      fields = fieldsThere()
      put = prepare(upsert(fields))
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
      const rows = prepare(select(spec, query)).all(...selectParameters(query)) as Row[]
      return rows.map(storedDoc)
    },
    scan(afterKey, limit) {
      return file.query({ index: 'key', limit, ...(afterKey !== undefined && { range: { gt: afterKey } }) })
    },
    write(documents, { position, eventId, incarnation }) {
      const texts = documents.map(({ doc }) => (doc === undefined ? null : JSON.stringify(doc)))
      gather(() => {
        const row: (string | number | null)[] = []
        for (const [at, document] of documents.entries()) {
          row[0] = document.key
          row[1] = document.position
          row[2] = texts[at] ?? null
          for (const [n, field] of fields.entries()) row[3 + n] = indexed(document.doc, field)
          put.run(...row)
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
    walBytes() {
      const { bytes, unmoved } = measureWal()
      return unmoved === 0 ? 0 : bytes
    },
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
