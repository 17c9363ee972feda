import { CONVERSATION_SCHEMA, type Role, upcastConversation, visibleFrom } from '../domain/conversation/events.ts'
import type { PositionedEvent } from '../domain/eventsourcing/message.ts'
import { type ConversationId, categoryOf, idOf, type Position, type UserId } from '../domain/ids.ts'
import { RECEIPTS_SCHEMA, type ReceiptsAdvanced } from '../domain/receipts/events.ts'
import { type ReadPrivately, USER_STATE_SCHEMA } from '../domain/userState/events.ts'
import { type ConversationHead, headSeenBy, projectHead } from './conversationHead.ts'
import { decodePageCursor, encodePageCursor, type PageOptions, readAllUnder } from './keyPage.ts'
import { modelOf, type Projection } from './projection.ts'
import type { ReadModelStore } from './readModelStore.ts'
import type { Interval } from './visibility.ts'

/** A user's place in one conversation. Key: `m/{userId}/{conversationId}`. */
export type Membership = {
  readonly userId: UserId
  readonly conversationId: ConversationId
  readonly role: Role
  readonly active: boolean
  readonly intervals: readonly Interval[]
  /** The conversation's lastSeq when the user was (last) added. */
  readonly joinedSeq: number
  /** The conversation as the user left it or was removed from it; absent while active. */
  readonly left?: { readonly seq: number; readonly at: string; readonly position: Position }
  /** Own watermarks, private reading included. */
  readonly read: number
  readonly lastSent: number
}

/** A conversation in a user's inbox, as that user may see it. */
export interface InboxEntry {
  readonly membership: Membership
  readonly head: ConversationHead
  /** 0 after leaving: nobody can read on there. */
  readonly unread: number
}

export interface InboxPage {
  /** By activity, newest first. */
  readonly entries: readonly InboxEntry[]
  /** Opaque; absent at that end. */
  readonly next?: string
  readonly previous?: string
}

export interface Inbox {
  membership(userId: UserId, conversationId: ConversationId): Promise<Membership | undefined>
  /** Ended ones included. */
  memberships(userId: UserId): Promise<readonly Membership[]>
  /** Those whose document changed after a position; all without one. */
  changedMemberships(
    userId: UserId,
    after: Position | undefined,
  ): Promise<readonly { readonly membership: Membership; readonly position: Position }[]>
  /** As they are, whoever may see it. */
  heads(conversationIds: readonly ConversationId[]): Promise<ReadonlyMap<ConversationId, ConversationHead>>
  entry(userId: UserId, conversationId: ConversationId): Promise<InboxEntry | undefined>
  /** Throws `DomainError` InvalidCursor. */
  page(userId: UserId, options: PageOptions): Promise<InboxPage>
}

const membershipKey = (userId: UserId, conversationId: ConversationId): string => `m/${userId}/${conversationId}`
const headKey = (conversationId: ConversationId): string => `h/${conversationId}`

/** Each user's conversations: places and watermarks, and once per conversation what happened last. */
export const inboxProjection: Projection<Membership | ConversationHead> = {
  name: 'inbox',
  version: 1,
  categories: { conversation: CONVERSATION_SCHEMA, receipts: RECEIPTS_SCHEMA, userState: USER_STATE_SCHEMA },
  handles: 'all',
  indexes: [],

  keysOf(event) {
    switch (event.type) {
      case 'ReceiptsAdvanced': {
        const conversationId = idOf<ConversationId>(event.stream)
        return advancesOf(event).map(({ userId }) => membershipKey(userId, conversationId))
      }
      case 'ReadPrivately':
        return [membershipKey(idOf(event.stream), (event.data as ReadPrivately['data']).conversationId)]
      default:
        return categoryOf(event.stream) === 'conversation' ? conversationKeys(event) : []
    }
  },

  project(before, event, at) {
    switch (event.type) {
      case 'ReceiptsAdvanced':
        return readUpTo(before as Membership | undefined, advancesOf(event)[at]?.read ?? 0)
      case 'ReadPrivately':
        return readUpTo(before as Membership | undefined, (event.data as ReadPrivately['data']).upTo)
      default:
        return at === 0
          ? projectHead(before as ConversationHead | undefined, event)
          : projectMembership(before as Membership | undefined, event)
    }
  },
}

const advancesOf = (event: PositionedEvent) => (event.data as ReceiptsAdvanced['data']).advances

/** The head, and the membership that the event changes. */
const conversationKeys = (recorded: PositionedEvent): readonly string[] => {
  const conversationId = idOf<ConversationId>(recorded.stream)
  const event = upcastConversation(recorded)
  switch (event?.type) {
    case 'MessageSent':
      return [headKey(conversationId), membershipKey(recorded.metadata.actor.userId, conversationId)]
    case 'MemberAdded':
    case 'MemberRemoved':
    case 'MemberLeft':
    case 'RoleChanged':
      return [headKey(conversationId), membershipKey(event.data.userId, conversationId)]
    default:
      return [headKey(conversationId)]
  }
}

const readUpTo = (before: Membership | undefined, seq: number): Membership | undefined =>
  before === undefined || seq <= before.read ? before : { ...before, read: seq }

const projectMembership = (before: Membership | undefined, recorded: PositionedEvent): Membership | undefined => {
  const { revision, metadata, position } = recorded
  const event = upcastConversation(recorded)
  if (event?.type === 'MemberAdded') {
    const { userId, role, lastSeq } = event.data
    const intervals = [...(before?.intervals ?? []), { from: visibleFrom(event.data, revision) }]
    const { read = 0, lastSent = 0 } = before ?? {}
    const conversationId = idOf<ConversationId>(recorded.stream)
    return { userId, conversationId, role, active: true, intervals, joinedSeq: lastSeq, read, lastSent }
  }
  if (before === undefined) return undefined
  switch (event?.type) {
    case 'MessageSent':
      return { ...before, lastSent: event.data.seq }
    case 'RoleChanged':
      return { ...before, role: event.data.role }
    case 'MemberRemoved':
    case 'MemberLeft': {
      const intervals = before.intervals.map((interval) => ({ from: interval.from, to: interval.to ?? revision }))
      const left = { seq: event.data.lastSeq, at: metadata.at, position }
      return { ...before, active: false, intervals, left }
    }
    default:
      return before
  }
}

const unreadOf = ({ active, read, lastSent, joinedSeq }: Membership, { lastSeq }: ConversationHead): number =>
  active ? Math.max(0, lastSeq - Math.max(read, lastSent, joinedSeq)) : 0

const entryOf = (membership: Membership, head: ConversationHead): InboxEntry => ({
  membership,
  head: headSeenBy(head, membership.intervals, membership.left),
  unread: unreadOf(membership, head),
})

/** Orders entries: times of one width, then ids, so that it orders as text. */
const placeOf = ({ head }: InboxEntry): string => `${head.activity}/${head.conversationId}`

/** From a list in descending order of place. */
const pageOf = (sorted: readonly InboxEntry[], { cursor, limit }: PageOptions): InboxPage => {
  let start = 0
  let end = limit
  if (cursor !== undefined) {
    const { direction, place } = decodePageCursor(cursor)
    const before = sorted.filter((entry) => placeOf(entry) > place).length
    if (direction === 'previous') {
      end = before
      start = Math.max(0, end - limit)
    } else {
      start = sorted.length > before && placeOf(sorted[before] as InboxEntry) === place ? before + 1 : before
      end = start + limit
    }
  }
  const entries = sorted.slice(start, end)
  const first = entries[0]
  const last = entries.at(-1)
  return {
    entries,
    ...(last && end < sorted.length && { next: encodePageCursor('next', placeOf(last)) }),
    ...(first && start > 0 && { previous: encodePageCursor('previous', placeOf(first)) }),
  }
}

export const createInbox = ({ models }: { readonly models: ReadModelStore }): Inbox => {
  const model = modelOf(inboxProjection)

  const stored = (userId: UserId) => readAllUnder(models, model, `m/${userId}/`)

  const heads = async (ids: readonly ConversationId[]): Promise<Map<ConversationId, ConversationHead>> => {
    const found = new Map<ConversationId, ConversationHead>()
    for (const { doc } of await models.get(model, ids.map(headKey))) {
      const head = doc as ConversationHead | undefined
      if (head !== undefined) found.set(head.conversationId, head)
    }
    return found
  }

  const entriesOf = async (memberships: readonly Membership[]): Promise<InboxEntry[]> => {
    const found = await heads(memberships.map(({ conversationId }) => conversationId))
    return memberships.flatMap((membership) => {
      const head = found.get(membership.conversationId)
      return head === undefined ? [] : [entryOf(membership, head)]
    })
  }

  const membership = async (userId: UserId, conversationId: ConversationId): Promise<Membership | undefined> => {
    const [found] = await models.get(model, [membershipKey(userId, conversationId)])
    return found?.doc as Membership | undefined
  }

  const memberships = async (userId: UserId): Promise<readonly Membership[]> =>
    (await stored(userId)).map(({ doc }) => doc as Membership)

  return {
    membership,
    memberships,
    async changedMemberships(userId, after) {
      const changed = (await stored(userId)).filter(({ position }) => after === undefined || position > after)
      return changed.map(({ doc, position }) => ({ membership: doc as Membership, position }))
    },
    heads,
    async entry(userId, conversationId) {
      const found = await membership(userId, conversationId)
      return found && (await entriesOf([found]))[0]
    },
    async page(userId, options) {
      const entries = await entriesOf(await memberships(userId))
      entries.sort((a, b) => (placeOf(a) < placeOf(b) ? 1 : -1))
      return pageOf(entries, options)
    },
  }
}
