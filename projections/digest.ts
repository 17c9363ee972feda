import { createHash } from 'node:crypto'
import type { ModelId, ReadModelStore, StoredDoc } from './readModelStore.ts'

const PAGE = 1_000

async function* documentsOf(models: ReadModelStore, model: ModelId): AsyncGenerator<StoredDoc, undefined> {
  for (let last: string | undefined; ; ) {
    const page = await models.scan(model, last, PAGE)
    yield* page
    last = page.at(-1)?.key
    if (last === undefined) return undefined
  }
}

/** One text per document, whatever order a store keeps its fields in. */
const lineOf = ({ key, position, doc }: StoredDoc): string => JSON.stringify([key, position, sorted(doc)])

const sorted = (value: unknown): unknown => {
  if (Array.isArray(value)) return value.map(sorted)
  if (typeof value !== 'object' || value === null) return value
  const parts = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1))
  return Object.fromEntries(parts.map(([name, part]) => [name, sorted(part)]))
}

/** SHA-256 over all documents in order of key, with the positions that last changed them. */
export const digestOf = async (models: ReadModelStore, model: ModelId): Promise<string> => {
  const hash = createHash('sha256')
  for await (const document of documentsOf(models, model)) hash.update(`${lineOf(document)}\n`)
  return hash.digest('hex')
}

/** The first key under which two models do not have the same; `undefined` when they are equal. */
export const firstDifference = async (
  models: ReadModelStore,
  one: ModelId,
  other: ModelId,
): Promise<string | undefined> => {
  const ours = documentsOf(models, one)
  const theirs = documentsOf(models, other)
  for (;;) {
    const [a, b] = await Promise.all([ours.next(), theirs.next()])
    if (a.value === undefined || b.value === undefined) return (a.value ?? b.value)?.key
    if (lineOf(a.value) !== lineOf(b.value)) return a.value.key < b.value.key ? a.value.key : b.value.key
  }
}
