import type { ConversationId, Position } from '../../domain/ids.ts'
import type { Inbox } from '../../projections/inbox.ts'
import type { Timeline, TimelineItem } from '../../projections/timeline.ts'
import type { Visibility } from '../../projections/visibility.ts'
import type { RecentDeletions } from './livePush.ts'

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
  nextRevision: number
  readonly headRevision: number
}

interface OpenSource extends CatchUpSource {
  items: TimelineItem[]
}

export interface CatchUpDeps {
  readonly inbox: Pick<Inbox, 'heads'>
  readonly timeline: Timeline
  readonly deletions: RecentDeletions
}

/** Which of a user's conversations have something after `after`, and from which revision. */
export const findSources = async (
  { inbox, timeline }: CatchUpDeps,
  conversations: ReadonlyMap<ConversationId, Visibility>,
  after: Position,
): Promise<CatchUpSource[]> => {
  const sources: CatchUpSource[] = []
  for (const [conversationId, head] of await inbox.heads([...conversations.keys()])) {
    const visibility = conversations.get(conversationId)
    if (visibility === undefined || head.position <= after) continue
    const nextRevision = await timeline.revisionAfter(conversationId, after)
    if (nextRevision === undefined) continue
    const last = visibility.at(-1)?.to
    if (last !== undefined && nextRevision > last) continue
    const headRevision = last === undefined ? head.revision : last
    sources.push({ conversationId, visibility: [...visibility], nextRevision, headRevision })
  }
  return sources
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
  let open: OpenSource[] = sources.map((source) => ({ ...source, items: [] }))
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

const readOn = async (deps: CatchUpDeps, source: OpenSource, limit: number, upTo: Position): Promise<void> => {
  if (source.nextRevision > source.headRevision) return
  const { conversationId, visibility, nextRevision } = source
  const page = await deps.timeline.readPage(conversationId, visibility, nextRevision, limit)
  const last = page.items.at(-1)
  if (last === undefined) return
  source.nextRevision = (last.kind === 'void' ? last.to : last.revision) + 1
  const within = page.items.filter((item) => item.position <= upTo)
  if (within.length < page.items.length) source.nextRevision = Number.POSITIVE_INFINITY
  source.items = within
}
