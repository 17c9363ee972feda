import type { Role } from '../domain/conversation/events.ts'
import type { ConversationId, UserId } from '../domain/ids.ts'

/** A member of a conversation. Key: `{conversationId}/{userId}`. */
export interface RosterEntry {
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
    options: { readonly cursor?: string; readonly limit: number },
  ): Promise<{ readonly members: readonly RosterEntry[]; readonly next?: string; readonly previous?: string }>
  conversationsOf(userId: UserId): Promise<readonly ConversationId[]>
  /** Of `others`, those who are with the user in at least one conversation now. */
  sharing(userId: UserId, others: readonly UserId[]): Promise<ReadonlySet<UserId>>
}
