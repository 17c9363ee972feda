import { CONVERSATION_SCHEMA, type Role, upcastConversation } from '../domain/conversation/events.ts'
import { type ConversationId, idOf, type UserId } from '../domain/ids.ts'
import { type PageOptions, readKeyPage } from './keyPage.ts'
import { modelOf, type Projection } from './projection.ts'
import type { ReadModelStore } from './readModelStore.ts'

/** A member of a conversation. Key: `{conversationId}/{userId}`. */
export type RosterEntry = {
  readonly conversationId: ConversationId
  readonly userId: UserId
  readonly role: Role
  /** Revision and time of the event that added the user. */
  readonly sinceRevision: number
  readonly since: string
}

export interface Roster {
  member(conversationId: ConversationId, userId: UserId): Promise<RosterEntry | undefined>
  /** By user id; `next` is opaque. Throws `DomainError` InvalidCursor. */
  members(
    conversationId: ConversationId,
    options: PageOptions,
  ): Promise<{ readonly members: readonly RosterEntry[]; readonly next?: string; readonly previous?: string }>
  conversationsOf(userId: UserId): Promise<readonly ConversationId[]>
  /** Of `others`, those who are with the user in at least one conversation now. */
  sharing(userId: UserId, others: readonly UserId[]): Promise<ReadonlySet<UserId>>
}

const keyOf = (conversationId: ConversationId, userId: UserId): string => `${conversationId}/${userId}`

/** Who is in which conversation now. */
export const rosterProjection: Projection<RosterEntry> = {
  name: 'roster',
  version: 1,
  categories: { conversation: CONVERSATION_SCHEMA },
  handles: ['MemberAdded', 'MemberRemoved', 'MemberLeft', 'RoleChanged'],
  indexes: [{ name: 'byUser', fields: ['userId'] }],

  keysOf(event) {
    const { userId } = event.data as { userId: UserId }
    return [keyOf(idOf(event.stream), userId)]
  },

  project(entry, recorded) {
    const event = upcastConversation(recorded)
    switch (event?.type) {
      case 'MemberAdded': {
        const { userId, role } = event.data
        const { revision, metadata, stream } = recorded
        return { conversationId: idOf(stream), userId, role, sinceRevision: revision, since: metadata.at }
      }
      case 'RoleChanged':
        return entry && { ...entry, role: event.data.role }
      case 'MemberRemoved':
      case 'MemberLeft':
        return undefined
      default:
        return entry
    }
  },
}

/** Keys looked up at once. */
const BATCH = 1_000

export const createRoster = ({ models }: { readonly models: ReadModelStore }): Roster => {
  const model = modelOf(rosterProjection)

  const conversationsOf = async (userId: UserId): Promise<readonly ConversationId[]> => {
    const found: ConversationId[] = []
    for (let last: string | undefined; ; ) {
      const range = last === undefined ? {} : { range: { gt: last } }
      const page = await models.query(model, { index: 'byUser', equals: [userId], ...range, limit: BATCH })
      for (const { doc } of page) found.push((doc as RosterEntry).conversationId)
      if (page.length < BATCH) return found
      last = page.at(-1)?.key
    }
  }

  return {
    async member(conversationId, userId) {
      const [found] = await models.get(model, [keyOf(conversationId, userId)])
      return found?.doc as RosterEntry | undefined
    },
    async members(conversationId, options) {
      const { documents, ...ends } = await readKeyPage(models, model, `${conversationId}/`, options)
      return { members: documents.map(({ doc }) => doc as RosterEntry), ...ends }
    },
    conversationsOf,
    async sharing(userId, others) {
      const conversations = await conversationsOf(userId)
      const sharing = new Set<UserId>()
      const perBatch = Math.max(1, Math.floor(BATCH / Math.max(1, others.length)))
      for (let at = 0; at < conversations.length && sharing.size < others.length; at += perBatch) {
        const missing = others.filter((other) => !sharing.has(other))
        const keys = conversations.slice(at, at + perBatch).flatMap((id) => missing.map((other) => keyOf(id, other)))
        for (const { doc } of await models.get(model, keys)) if (doc) sharing.add((doc as RosterEntry).userId)
      }
      return sharing
    },
  }
}
