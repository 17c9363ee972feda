import { DomainError } from '../domain/errors.ts'
import type { Range, ReadModelStore, StoredDoc } from './readModelStore.ts'

/** A page of a list that is read in both directions. */
export interface PageOptions {
  /** From an earlier page of the same list. */
  readonly cursor?: string
  readonly limit: number
}

/** Where a page begins: beyond this place, in this direction. */
export interface PageCursor {
  readonly direction: 'next' | 'previous'
  readonly place: string
}

export const encodePageCursor = (direction: PageCursor['direction'], place: string): string =>
  Buffer.from(`${direction} ${place}`).toString('base64url')

/** Throws `DomainError` InvalidCursor. */
export const decodePageCursor = (cursor: string): PageCursor => {
  const [direction, place, ...more] = Buffer.from(cursor, 'base64url').toString().split(' ')
  if ((direction !== 'next' && direction !== 'previous') || place === undefined || more.length > 0)
    throw new DomainError('InvalidCursor', 'Use `next` or `previous` of an earlier page of this very list.')
  return { direction, place }
}

/** All keys that begin with the prefix, which ends in `/`. */
export const keysUnder = (prefix: string): { readonly gte: string; readonly lt: string } => ({
  gte: prefix,
  // '0' is the character after '/'.
  lt: `${prefix.slice(0, -1)}0`,
})

/** Documents whose keys begin with the prefix, by the rest of the key. Throws `DomainError` InvalidCursor. */
export const readKeyPage = async (
  models: ReadModelStore,
  model: string,
  prefix: string,
  { cursor, limit }: PageOptions,
): Promise<{ readonly documents: readonly StoredDoc[]; readonly next?: string; readonly previous?: string }> => {
  const from = cursor === undefined ? undefined : decodePageCursor(cursor)
  const backwards = from?.direction === 'previous'
  const range: Range = keysUnder(prefix)
  const found = await models.query(model, {
    index: 'key',
    range: from === undefined ? range : { ...range, [backwards ? 'lt' : 'gt']: `${prefix}${from.place}` },
    order: backwards ? 'descending' : 'ascending',
    limit: limit + 1,
  })
  const more = found.length > limit
  const documents = found.slice(0, limit)
  if (backwards) documents.reverse()
  const end = (direction: PageCursor['direction'], document: StoredDoc | undefined) =>
    document && encodePageCursor(direction, document.key.slice(prefix.length))
  const next = more || backwards ? end('next', documents.at(-1)) : undefined
  const previous = (backwards ? more : from !== undefined) ? end('previous', documents[0]) : undefined
  return { documents, ...(next !== undefined && { next }), ...(previous !== undefined && { previous }) }
}

/** Every document whose key begins with the prefix. */
export const readAllUnder = async (
  models: ReadModelStore,
  model: string,
  prefix: string,
): Promise<readonly StoredDoc[]> => {
  const documents: StoredDoc[] = []
  const { gte, lt } = keysUnder(prefix)
  for (let range: Range = { gte, lt }; ; ) {
    const page = await models.query(model, { index: 'key', range, limit: PAGE })
    documents.push(...page)
    const last = page.at(-1)
    if (last === undefined || page.length < PAGE) return documents
    range = { gt: last.key, lt }
  }
}

const PAGE = 1_000
