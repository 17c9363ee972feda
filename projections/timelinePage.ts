import type { Actor, RecordedEvent } from '../domain/eventsourcing/message.ts'
import type { CommandId, Position } from '../domain/ids.ts'
import { isVisible, type Visibility } from './visibility.ts'

/** What is known of one revision; its content is in the log alone. Key: `{conversationId}/{revision, 8 hex digits}`. */
export type TimelineEntry = {
  /** Of the event itself; the document's own moves on with what later events make of it. */
  readonly position: Position
  readonly commandId: CommandId
  /** Of a MessageSent. */
  readonly seq?: number
  /** Of what is about an older message. */
  readonly targetRevision?: number
  /** Revisions of all edits of a message. */
  readonly edits?: readonly number[]
  /** ISO 8601; present once the message was deleted for everyone. */
  readonly deletedAt?: string
}

/** One revision, or a run of revisions, as one reader may see it. */
export type TimelineItem =
  | {
      readonly kind: 'event'
      readonly revision: number
      readonly position: Position
      readonly eventType: string
      readonly at: string
      readonly actor: Actor
      /** Of a MessageSent. */
      readonly seq?: number
      /**
       * JSON text: as stored; of an edited message and its edits with the newest content visible to the reader and
       * `editedAtRevision`; of a deleted one and its edits `{ messageId, seq, deletedAt }`.
       */
      readonly dataText: string
    }
  | { readonly kind: 'void'; readonly from: number; readonly to: number; readonly position: Position }

/** What was read so far to make a page. */
export interface PageParts {
  readonly visibility: Visibility
  /** Dense, from revision `from`. */
  readonly from: number
  readonly entries: readonly TimelineEntry[]
  /** Dense, from revision `eventsFrom`. */
  readonly eventsFrom: number
  readonly events: readonly RecordedEvent[]
}

/** ... with the entries of older messages that events of the page are about. */
export interface PartsWithTargets extends PageParts {
  readonly targets: ReadonlyMap<number, TimelineEntry>
}

/** ... with edits from outside the page. */
export interface WholeParts extends PartsWithTargets {
  readonly edits: readonly RecordedEvent[]
}

/** The part of a range outside of which the reader may see nothing. */
export const visibleSpan = (
  visibility: Visibility,
  from: number,
  to: number,
): { readonly from: number; readonly to: number } | undefined => {
  let first = Number.POSITIVE_INFINITY
  let last = Number.NEGATIVE_INFINITY
  for (const interval of visibility) {
    const start = Math.max(from, interval.from)
    const end = Math.min(to, interval.to ?? to)
    if (start > end) continue
    first = Math.min(first, start)
    last = Math.max(last, end)
  }
  return first > last ? undefined : { from: first, to: last }
}

/** Revisions, outside the page, of visible messages that visible events of the page are about. */
export const targetsOutside = ({ visibility, from, entries }: PageParts): number[] => {
  const targets = new Set<number>()
  for (const { targetRevision } of entries)
    if (targetRevision !== undefined && targetRevision < from && isVisible(visibility, targetRevision))
      targets.add(targetRevision)
  return [...targets]
}

/**
 * The message that a revision is or is about, as far as that concerns how the reader sees it: itself where it is
 * about nothing older; `undefined` when the reader may not see it.
 */
const subjectOf = (parts: PartsWithTargets, revision: number, entry: TimelineEntry): TimelineEntry | undefined => {
  const { visibility, from, entries, targets } = parts
  if (!isVisible(visibility, revision)) return undefined
  const target = entry.targetRevision
  if (target === undefined) return entry
  if (!isVisible(visibility, target)) return undefined
  return target < from ? targets.get(target) : entries[target - from]
}

const newestEdit = ({ edits, deletedAt }: TimelineEntry, visibility: Visibility): number | undefined =>
  edits === undefined || deletedAt !== undefined ? undefined : edits.findLast((edit) => isVisible(visibility, edit))

/** Revisions, outside the events at hand, of the edits that the page shows. */
export const editsToRead = (parts: PartsWithTargets): number[] => {
  const { visibility, from, entries, eventsFrom, events } = parts
  const wanted = new Set<number>()
  entries.forEach((entry, at) => {
    if (entry.edits === undefined && entry.targetRevision === undefined) return
    const subject = subjectOf(parts, from + at, entry)
    const edit = subject && newestEdit(subject, visibility)
    if (edit !== undefined && (edit < eventsFrom || edit >= eventsFrom + events.length)) wanted.add(edit)
  })
  return [...wanted]
}

/** What the reader gets of each revision. Ends where an entry has no event at hand yet. */
export const composePage = (parts: WholeParts): TimelineItem[] => {
  const { from, entries, eventsFrom, events } = parts
  const items: TimelineItem[] = []
  let hidden: { kind: 'void'; from: number; to: number; position: Position } | undefined
  for (let at = 0; at < entries.length; at++) {
    const entry = entries[at] as TimelineEntry
    const revision = from + at
    const subject = subjectOf(parts, revision, entry)
    if (subject === undefined) {
      if (hidden === undefined) {
        hidden = { kind: 'void', from: revision, to: revision, position: entry.position }
        items.push(hidden)
      }
      hidden.to = revision
      hidden.position = entry.position
      continue
    }
    hidden = undefined
    const event = events[revision - eventsFrom]
    if (event === undefined) break
    items.push(itemOf(entry, event, dataTextOf(parts, subject, event)))
  }
  return items
}

const itemOf = ({ position, seq }: TimelineEntry, event: RecordedEvent, dataText: string): TimelineItem => {
  const { revision, type: eventType, metadata } = event
  const { at, actor } = metadata
  return seq === undefined
    ? { kind: 'event', revision, position, eventType, at, actor, dataText }
    : { kind: 'event', revision, position, eventType, at, actor, seq, dataText }
}

const dataTextOf = (parts: WholeParts, subject: TimelineEntry, event: RecordedEvent): string => {
  if (subject.deletedAt !== undefined && event.type !== 'MessageDeleted') return deletedText(event, subject.deletedAt)
  if (subject.edits === undefined || (event.type !== 'MessageSent' && event.type !== 'MessageEdited'))
    return event.dataText
  const revision = newestEdit(subject, parts.visibility)
  if (revision === undefined || revision === event.revision) return event.dataText
  const { events, eventsFrom, edits } = parts
  const edit = events[revision - eventsFrom] ?? edits.find((candidate) => candidate.revision === revision)
  return edit === undefined ? event.dataText : editedText(event, edit)
}

const deletedText = (event: RecordedEvent, deletedAt: string): string => {
  const { messageId, seq } = event.data as { readonly messageId: string; readonly seq: number }
  return JSON.stringify({ messageId, seq, deletedAt })
}

const editedText = (event: RecordedEvent, edit: RecordedEvent): string => {
  const { content } = edit.data as { readonly content: unknown }
  return JSON.stringify({ ...(event.data as object), content, editedAtRevision: edit.revision })
}
