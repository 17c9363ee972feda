import type { EventId, Position } from '../../domain/ids.ts'
import type { Doc, IndexSpec } from '../../projections/projection.ts'
import type { Checkpoint, StoredDoc } from '../../projections/readModelStore.ts'

export const MODEL = 'notes@1'
export const INDEXES: readonly IndexSpec[] = [
  { name: 'byAuthor', fields: ['author', 'likes'] },
  { name: 'byTitle', fields: ['title'] },
]

export const at = (position: number): Position => position.toString(16).padStart(16, '0') as Position

export const standing = (position: number, incarnation = 'aaaaaaaa'): Checkpoint => ({
  position: at(position),
  eventId: `event-${incarnation}-${position}` as EventId,
  incarnation,
})

export const doc = (key: string, position: number, content: Doc | undefined): StoredDoc => ({
  key,
  position: at(position),
  doc: content,
})

export const byKey = (documents: readonly StoredDoc[]): StoredDoc[] =>
  [...documents].sort((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0))

export const refusal = async (work: Promise<unknown>): Promise<unknown> => {
  try {
    await work
  } catch (error) {
    return error
  }
  return 'accepted'
}
