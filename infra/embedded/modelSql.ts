import type { Doc, IndexSpec } from '../../projections/projection.ts'
import type { Query } from '../../projections/readModelStore.ts'

// Clustered by key: what is read together, such as a page of a conversation, lies together.
export const SCHEMA = `
  CREATE TABLE IF NOT EXISTS documents (key TEXT PRIMARY KEY, position TEXT NOT NULL, doc TEXT) WITHOUT ROWID;
  CREATE INDEX IF NOT EXISTS tombstones ON documents (position) WHERE doc IS NULL;
  CREATE TABLE IF NOT EXISTS checkpoint (
    id INTEGER PRIMARY KEY CHECK (id = 0), position TEXT NOT NULL, eventId TEXT NOT NULL, incarnation TEXT NOT NULL
  )`

export const MOVE_CHECKPOINT = `
  INSERT INTO checkpoint VALUES (0, ?, ?, ?) ON CONFLICT (id) DO UPDATE
  SET position = excluded.position, eventId = excluded.eventId, incarnation = excluded.incarnation
  WHERE excluded.incarnation <> incarnation OR excluded.position > position`

const NAME = /^\w+$/
const COMPARISONS = { gt: '>', gte: '>=', lt: '<', lte: '<=' } as const

const boundsOf = (query: Query): (keyof typeof COMPARISONS)[] =>
  (['gt', 'gte', 'lt', 'lte'] as const).filter((bound) => query.range?.[bound] !== undefined)

const named = (name: string): string => {
  if (!NAME.test(name)) throw new RangeError(`${name} cannot name an index or its field`)
  return name
}

/** Where the values of an indexed field are, apart from the columns that every model has. */
const columnOf = (field: string): string => `"f_${named(field)}"`
const columnsOf = (spec: IndexSpec | undefined): string[] => [...(spec?.fields ?? []).map(columnOf), 'key']

// Its fields are part of its name: an index declared anew over other fields is another index.
const nameOf = ({ name, fields }: IndexSpec): string => `"${named(name)}(${fields.join()})"`

/** The fields among a table's columns. */
export const fieldsAmong = (columns: readonly string[]): string[] =>
  columns.filter((name) => name.startsWith('f_')).map((name) => name.slice(2))

/** What an index holds of a document. */
export const indexed = (doc: Doc | undefined, field: string): string | number | null => {
  const value = doc?.[field]
  return typeof value === 'string' || typeof value === 'number' ? value : null
}

/** Adds a field's column, filled with what `indexed` would have given. */
export const addField = (field: string): string => `
  ALTER TABLE documents ADD COLUMN ${columnOf(field)};
  UPDATE documents SET ${columnOf(field)} = json_extract(doc, '$.${field}')
  WHERE json_type(doc, '$.${field}') IN ('text', 'integer', 'real')`

export const addIndex = (spec: IndexSpec): string => `
  CREATE INDEX IF NOT EXISTS ${nameOf(spec)} ON documents (${columnsOf(spec).join()})
  WHERE ${columnsOf(spec)[0]} IS NOT NULL`

/** Parameters: key, position, document, then the fields' values. */
export const upsert = (fields: readonly string[]): string => {
  const columns = ['key', 'position', 'doc', ...fields.map(columnOf)]
  const assignments = columns.slice(1).map((column) => `${column} = excluded.${column}`)
  return `INSERT INTO documents (${columns.join()}) VALUES (${columns.map(() => '?').join()})
    ON CONFLICT (key) DO UPDATE SET ${assignments.join()} WHERE excluded.position > position`
}

/** Without `spec`, by key. */
export const select = (spec: IndexSpec | undefined, query: Query): string => {
  const columns = columnsOf(spec)
  const equals = columns.slice(0, query.equals?.length ?? 0)
  const next = columns[equals.length]
  if (next === undefined) throw new RangeError(`${query.index} has nothing after ${equals.length} equal fields`)
  const conditions = [
    'doc IS NOT NULL',
    // Without it the index, which leaves tombstones out, could not be used.
    `${columns[0]} IS NOT NULL`,
    ...equals.map((column) => `${column} = ?`),
    ...boundsOf(query).map((bound) => `${next} ${COMPARISONS[bound]} ?`),
  ]
  const direction = query.order === 'descending' ? 'DESC' : 'ASC'
  return `SELECT key, position, doc FROM documents ${spec ? `INDEXED BY ${nameOf(spec)}` : ''}
    WHERE ${conditions.join(' AND ')} ORDER BY ${next} ${direction}, key ${direction} LIMIT ?`
}

export const selectParameters = (query: Query): (string | number | undefined)[] => [
  ...(query.equals ?? []),
  ...boundsOf(query).map((bound) => query.range?.[bound]),
  query.limit,
]
