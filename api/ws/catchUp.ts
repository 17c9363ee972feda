import { DomainError } from '../../domain/errors.ts'
import type { ConversationId, Position } from '../../domain/ids.ts'
import type { Inbox } from '../../projections/inbox.ts'
import type { Timeline, TimelineItem } from '../../projections/timeline.ts'
import { isVisible, type Visibility } from '../../projections/visibility.ts'

/** Revisions read at once, over all conversations of a device. */
const PAGE = 512
const MIN_PAGE = 16

/** One item of a conversation, merged into the order of the log. */
export interface CaughtItem {
  readonly conversationId: ConversationId
  readonly item: TimelineItem
}

/** A conversation that has something after the device's cursor. */
export interface CatchUpSource {
  readonly conversationId: ConversationId
  readonly visibility: Visibility
  /** What went by unseen before the first revision that is shown, where the device was not told of it yet. */
  readonly unseen?: TimelineItem
  nextRevision: number
  readonly headRevision: number
}

interface OpenSource extends CatchUpSource {
  items: TimelineItem[]
}

export interface CatchUpDeps {
  readonly inbox: Pick<Inbox, 'heads'>
  readonly timeline: Timeline
}

/** Which of a user's conversations have something to show after `after`, and from which revision. */
export const findSources = async (
  { inbox, timeline }: CatchUpDeps,
  conversations: ReadonlyMap<ConversationId, Visibility>,
  after: Position,
): Promise<CatchUpSource[]> => {
  const sources: CatchUpSource[] = []
  for (const [conversationId, head] of await inbox.heads([...conversations.keys()])) {
    // It goes on changing with the feed.
    const visibility = conversations.get(conversationId)?.map((interval) => ({ ...interval }))
    if (visibility === undefined || head.position <= after) continue
    const next = await timeline.revisionAfter(conversationId, after)
    const first = next === undefined ? undefined : firstVisible(visibility, next)
    const headRevision = Math.min(head.revision, visibility.at(-1)?.to ?? head.revision)
    if (next === undefined || first === undefined || first > headRevision) continue
    const unseen = unseenBefore(visibility, next, first, after)
    sources.push({ conversationId, visibility, ...(unseen && { unseen }), nextRevision: first, headRevision })
  }
  return sources
}

const firstVisible = (visibility: Visibility, from: number): number | undefined => {
  const interval = visibility.find(({ to }) => to === undefined || to >= from)
  return interval && Math.max(from, interval.from)
}

/** A device is told of what it may not see together with what it may see next: since it last saw anything. */
const unseenBefore = (
  visibility: Visibility,
  next: number,
  first: number,
  after: Position,
): TimelineItem | undefined => {
  let from = next
  if (next > 0 && !isVisible(visibility, next - 1))
    from = visibility.reduce((end, { to = -1 }) => (to < next ? Math.max(end, to) : end), -1) + 1
  return from < first ? { kind: 'void', from, to: first - 1, position: after } : undefined
}

/** Visible events at most, before those that came since. */
export const countBehind = (sources: readonly CatchUpSource[]): number =>
  sources.reduce((sum, { nextRevision, headRevision }) => sum + headRevision - nextRevision + 1, 0)

/** Merges conversations by position, up to and including `upTo`, in chunks; within each, revisions stay in order. */
export async function* catchUp(
  deps: CatchUpDeps,
  sources: readonly CatchUpSource[],
  upTo: Position,
): AsyncGenerator<readonly CaughtItem[]> {
  let open: OpenSource[] = sources.map((source) => ({ ...source, items: source.unseen ? [source.unseen] : [] }))
  const pageSize = Math.max(MIN_PAGE, Math.floor(PAGE / Math.max(1, open.length)))
  while (open.length > 0) {
    for (const source of open) if (source.items.length === 0) await readOn(deps, source, pageSize, upTo)
    open = open.filter((source) => source.items.length > 0)
    // Beyond the lowest last position of the pages at hand, a page not yet read may come first.
    let bound = upTo
    for (const { items } of open) {
      const last = (items.at(-1) as TimelineItem).position
      if (last < bound) bound = last
    }
    const chunk: CaughtItem[] = []
    for (const source of open) {
      const { conversationId, items } = source
      const end = items.findIndex((item) => item.position > bound)
      const taken = end < 0 ? items.splice(0) : items.splice(0, end)
      for (const item of taken) chunk.push({ conversationId, item })
    }
    if (open.length > 1) chunk.sort(byPosition)
    if (chunk.length > 0) yield chunk
  }
}

const byPosition = (a: CaughtItem, b: CaughtItem): number => {
  if (a.item.position === b.item.position) return 0
  return a.item.position < b.item.position ? -1 : 1
}

const readOn = async (deps: CatchUpDeps, source: OpenSource, pageSize: number, upTo: Position): Promise<void> => {
  const { conversationId, visibility, nextRevision, headRevision } = source
  const limit = Math.min(pageSize, headRevision - nextRevision + 1)
  if (limit <= 0) return
  const page = await deps.timeline.readPage(conversationId, visibility, nextRevision, limit)
  const last = page.items.at(-1)
  if (last === undefined) {
    if (nextRevision > page.headRevision) return
    // To go on would be to lose it.
    throw new DomainError('Unavailable', 'A part of a conversation cannot be read right now; try again later.')
  }
  source.nextRevision = (last.kind === 'void' ? last.to : last.revision) + 1
  const within = page.items.filter((item) => item.position <= upTo)
  if (within.length < page.items.length) source.nextRevision = Number.POSITIVE_INFINITY
  source.items = within
}
