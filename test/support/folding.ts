import { expect } from 'chai'
import type { PositionedEvent } from '../../domain/eventsourcing/message.ts'
import { categoryOf, type Position } from '../../domain/ids.ts'
import type { Doc, Projection } from '../../projections/projection.ts'
import type { StoredDoc } from '../../projections/readModelStore.ts'
import { deepFreeze } from './decider.ts'

const takes = ({ categories, handles }: Projection, event: PositionedEvent): boolean =>
  categories[categoryOf(event.stream)] !== undefined && (handles === 'all' || handles.includes(event.type))

/** The keys that the event touches, and whether it changed what is there. */
const foldInto = (
  documents: Map<string, Doc | undefined>,
  projection: Projection,
  event: PositionedEvent,
): { readonly key: string; readonly changed: boolean }[] => {
  const keys = takes(projection, event) ? projection.keysOf(event) : []
  expect(new Set(keys).size, 'each key once').to.equal(keys.length)
  return keys.map((key, at) => {
    const before = documents.get(key)
    const after = projection.project(before, event, at)
    documents.set(key, after && deepFreeze(after))
    return { key, changed: after !== before }
  })
}

/** What a store should hold once these events are folded: the plainest fold there is. */
export const foldAll = (projection: Projection, events: readonly PositionedEvent[]): readonly StoredDoc[] => {
  const documents = new Map<string, Doc | undefined>()
  const positions = new Map<string, Position>()
  for (const event of events)
    for (const { key, changed } of foldInto(documents, projection, event))
      if (changed) positions.set(key, event.position)
  return [...documents]
    .filter(([, doc]) => doc !== undefined)
    .map(([key, doc]) => ({ key, position: positions.get(key) as Position, doc }))
    .sort((a, b) => (a.key < b.key ? -1 : 1))
}

/** Given events, when one more happens, then these are the documents that it touches, whole; `undefined`: none. */
export const folding = (projection: Projection, past: readonly PositionedEvent[]) => {
  const documents = new Map<string, Doc | undefined>()
  for (const event of past) foldInto(documents, projection, event)
  return {
    when(event: PositionedEvent) {
      const keys = foldInto(documents, projection, event)
      return {
        // biome-ignore lint/suspicious/noThenProperty: the specs read given, when, then; nobody awaits this object
        then(expected: Readonly<Record<string, Doc | undefined>>) {
          expect(Object.fromEntries(keys.map(({ key }) => [key, documents.get(key)]))).to.deep.equal(expected)
        },
      }
    },
  }
}
