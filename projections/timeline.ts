import { CONVERSATION_SCHEMA, upcastConversation } from '../domain/conversation/events.ts'
import type { EventStore } from '../domain/eventsourcing/eventStore.ts'
import type { PositionedEvent } from '../domain/eventsourcing/message.ts'
import { type CommandId, type ConversationId, conversationStream, idOf, type Position } from '../domain/ids.ts'
import { keysUnder } from './keyPage.ts'
import { modelOf, type Projection } from './projection.ts'
import type { ReadModelStore, StoredDoc } from './readModelStore.ts'
import {
  composePage,
  editsToRead,
  type TimelineEntry,
  type TimelineItem,
  targetsOutside,
  visibleSpan,
} from './timelinePage.ts'

export type { TimelineEntry, TimelineItem }

import type { Visibility } from './visibility.ts'

export interface TimelinePage {
  /** Ascending and dense in revisions, whatever the direction of reading. */
  readonly items: readonly TimelineItem[]
  /** Newest revision that the timeline has folded; -1 when it has none. */
  readonly headRevision: number
}

export interface Timeline {
  /** The revisions `from` to at most `from + limit - 1` that the timeline has folded, as the reader may see them. */
  readPage(conversationId: ConversationId, visibility: Visibility, from: number, limit: number): Promise<TimelinePage>
  /** First revision of the conversation whose position is greater than `position`; `undefined` when there is none. */
  revisionAfter(conversationId: ConversationId, position: Position): Promise<number | undefined>
  /** Revision of a message by its id; `undefined` when it is not (yet) there. */
  revisionOf(conversationId: ConversationId, messageId: string): Promise<number | undefined>
  /** See `CommandLookup` in commands/ports.ts. */
  findCommand(conversationId: ConversationId, commandId: CommandId, upTo: number): Promise<number | 'none' | 'unknown'>
  /** Seq of the newest message at or below `position` (0: none) among revisions visible to the reader. */
  seqAt(conversationId: ConversationId, visibility: Visibility, position: Position): Promise<number>
}

const keyOf = (conversationId: ConversationId, revision: number): string =>
  `${conversationId}/${revision.toString(16).padStart(8, '0')}`

const revisionOfKey = (key: string): number => Number.parseInt(key.slice(-8), 16)

const entryOf = ({ doc }: StoredDoc): TimelineEntry => doc as TimelineEntry

/** Of types that this version does not know, too: what they are about decides who may see them. */
const targetOf = (event: PositionedEvent): number | undefined => {
  const { targetRevision } = (upcastConversation(event) ?? event).data as { readonly targetRevision?: unknown }
  return typeof targetRevision === 'number' ? targetRevision : undefined
}

const newEntry = (recorded: PositionedEvent): TimelineEntry => {
  const { position, metadata } = recorded
  const { commandId } = metadata
  const event = upcastConversation(recorded)
  if (event?.type === 'MessageSent') return { position, commandId, seq: event.data.seq }
  const targetRevision = targetOf(recorded)
  return targetRevision === undefined ? { position, commandId } : { position, commandId, targetRevision }
}

/** What the event makes of the older message that it is about. */
const changeTarget = (entry: TimelineEntry | undefined, event: PositionedEvent): TimelineEntry | undefined => {
  if (entry === undefined) return undefined
  if (event.type === 'MessageEdited') return { ...entry, edits: [...(entry.edits ?? []), event.revision] }
  if (event.type === 'MessageDeleted' && entry.deletedAt === undefined)
    return { ...entry, deletedAt: event.metadata.at }
  return entry
}

/** Every revision of every conversation: where it is in the log, and what later events made of it. */
export const timelineProjection: Projection<TimelineEntry> = {
  name: 'timeline',
  version: 1,
  categories: { conversation: CONVERSATION_SCHEMA },
  // Revisions are dense: readers get one of a type that this version does not know as it is.
  handles: 'all',
  indexes: [{ name: 'byCommand', fields: ['commandId'] }],
  firstIsNew: true,

  keysOf(event) {
    const conversationId = idOf<ConversationId>(event.stream)
    const own = keyOf(conversationId, event.revision)
    const target = event.type === 'MessageSent' ? undefined : targetOf(event)
    return target === undefined ? [own] : [own, keyOf(conversationId, target)]
  },

  project: (entry, event, at) => (at === 0 ? newEntry(event) : changeTarget(entry, event)),
}

export interface TimelineDeps {
  readonly log: Pick<EventStore, 'readStream'>
  readonly models: ReadModelStore
}

/** Places looked at in one call of a search. */
const PROBES = 7
/** Revisions back from the newest, beyond which a search divides what is left evenly. */
const FAR = 256
/** Entries that are walked back at once. */
const STRIDE = 32

export const createTimeline = ({ log, models }: TimelineDeps): Timeline => {
  const model = modelOf(timelineProjection)

  const head = async (
    conversationId: ConversationId,
  ): Promise<{ revision: number; entry: TimelineEntry } | undefined> => {
    const range = keysUnder(`${conversationId}/`)
    const [newest] = await models.query(model, { index: 'key', range, order: 'descending', limit: 1 })
    return newest && { revision: revisionOfKey(newest.key), entry: entryOf(newest) }
  }

  const headRevision = async (conversationId: ConversationId): Promise<number> =>
    (await head(conversationId))?.revision ?? -1

  /** Those from revision `from` on, without a gap. */
  const entriesFrom = async (id: ConversationId, from: number, limit: number): Promise<readonly TimelineEntry[]> => {
    const range = { gte: keyOf(id, from), lt: keyOf(id, from + limit) }
    const found = await models.query(model, { index: 'key', range, limit })
    const gap = found.findIndex(({ key }, at) => revisionOfKey(key) !== from + at)
    return (gap < 0 ? found : found.slice(0, gap)).map(entryOf)
  }

  const entriesAt = async (
    id: ConversationId,
    revisions: readonly number[],
  ): Promise<ReadonlyMap<number, TimelineEntry>> => {
    if (revisions.length === 0) return new Map()
    const keys = revisions.map((revision) => keyOf(id, revision))
    return new Map((await models.get(model, keys)).map((stored) => [revisionOfKey(stored.key), entryOf(stored)]))
  }

  const firstOf = async (conversationId: ConversationId, commandId: string): Promise<StoredDoc | undefined> => {
    const range = keysUnder(`${conversationId}/`)
    const [first] = await models.query(model, { index: 'byCommand', equals: [commandId], range, limit: 1 })
    return first
  }

  const revisionAfter = async (id: ConversationId, position: Position): Promise<number | undefined> => {
    const newest = await head(id)
    if (newest === undefined || newest.entry.position <= position) return undefined
    // `high` is after the position, `low` is not.
    let high = newest.revision
    let low = -1
    let probes = stepsBack(high)
    for (;;) {
      const width = high - low
      for (const [revision, entry] of await entriesAt(id, probes)) {
        if (entry.position > position) high = Math.min(high, revision)
        else low = Math.max(low, revision)
      }
      if (high - low <= 1 || high - low === width) return low + 1
      probes = spread(low, high)
    }
  }

  return {
    async readPage(id, visibility, from, limit) {
      const stream = conversationStream(id)
      const span = visibleSpan(visibility, from, from + limit - 1)
      const events = span && (await log.readStream(stream, { from: span.from, maxCount: span.to - span.from + 1 }))
      // After the content, so that a deletion that came between is heeded.
      const entries = await entriesFrom(id, from, limit)
      const known = { visibility, from, entries, eventsFrom: span?.from ?? from, events: events ?? [] }
      const targets = await entriesAt(id, targetsOutside(known))
      const edits = await Promise.all(
        editsToRead({ ...known, targets }).map((revision) => log.readStream(stream, { from: revision, maxCount: 1 })),
      )
      return {
        items: composePage({ ...known, targets, edits: edits.flat() }),
        headRevision: entries.length > 0 && entries.length < limit ? from + entries.length - 1 : await headRevision(id),
      }
    },

    revisionAfter,

    async revisionOf(conversationId, messageId) {
      // The id of a message is that of the command that sent it.
      const found = await firstOf(conversationId, messageId)
      return found && entryOf(found).seq !== undefined ? revisionOfKey(found.key) : undefined
    },

    async findCommand(conversationId, commandId, upTo) {
      if ((await headRevision(conversationId)) < upTo) return 'unknown'
      const found = await firstOf(conversationId, commandId)
      return found === undefined ? 'none' : revisionOfKey(found.key)
    },

    async seqAt(conversationId, visibility, position) {
      const after = await revisionAfter(conversationId, position)
      const last = after === undefined ? await headRevision(conversationId) : after - 1
      for (const interval of [...visibility].reverse()) {
        let to = Math.min(last, interval.to ?? last)
        while (to >= interval.from) {
          const range = { gte: keyOf(conversationId, interval.from), lte: keyOf(conversationId, to) }
          const page = await models.query(model, { index: 'key', range, order: 'descending', limit: STRIDE })
          for (const stored of page) {
            const { seq } = entryOf(stored)
            if (seq !== undefined) return seq
          }
          to -= STRIDE
        }
      }
      return 0
    },
  }
}

/** Ever longer steps back from a revision: most readers are only a little behind. */
const stepsBack = (from: number): number[] => {
  const steps: number[] = []
  for (let step = 1; step <= Math.min(from, FAR); step *= 2) steps.push(from - step)
  return steps
}

const spread = (low: number, high: number): number[] => {
  const count = Math.min(PROBES, high - low - 1)
  return Array.from({ length: count }, (_, at) => low + Math.ceil(((at + 1) * (high - low)) / (count + 1)))
}
