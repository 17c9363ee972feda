import { type ConversationEvent, upcastConversation, visibleFrom } from '../../domain/conversation/events.ts'
import type { PositionedEvent } from '../../domain/eventsourcing/message.ts'
import { type ConversationId, categoryOf, idOf, type UserId } from '../../domain/ids.ts'
import { isVisible } from '../../projections/visibility.ts'

/** Oldest first; all but the last have ended. */
export type Intervals = { from: number; to?: number }[]

/** A connected user's places in conversations. */
export interface RoutedUser<Session> {
  readonly userId: UserId
  readonly sessions: Set<Session>
  readonly conversations: Map<ConversationId, Intervals>
}

/**
 * How an event concerns a user: to be shown, to be counted without being shown, or not at all. What happened before
 * an addition does not: the addition itself tells how much went by.
 */
export type Sight = 'shown' | 'void' | 'none'

const MEMBERSHIP = new Set(['MemberAdded', 'MemberRemoved', 'MemberLeft'])

/**
 * Who is connected to this node and what they may see, folded from the very feed that is pushed: a member added
 * at revision 100 gets 101, one removed at 100 does not.
 */
export class Routing<Session> {
  readonly #users = new Map<UserId, RoutedUser<Session>>()
  readonly #conversations = new Map<ConversationId, Map<UserId, RoutedUser<Session>>>()

  user(userId: UserId): RoutedUser<Session> | undefined {
    return this.#users.get(userId)
  }

  connectedMembers(conversationId: ConversationId): Iterable<RoutedUser<Session>> {
    return this.#conversations.get(conversationId)?.values() ?? []
  }

  /** A user as of a read model's checkpoint; the caller brings it forward with `apply`. */
  add(userId: UserId, memberships: Iterable<readonly [ConversationId, Intervals]>): RoutedUser<Session> {
    const user: RoutedUser<Session> = { userId, sessions: new Set(), conversations: new Map(memberships) }
    this.#users.set(userId, user)
    for (const conversationId of user.conversations.keys()) this.#link(conversationId, user)
    return user
  }

  remove(user: RoutedUser<Session>): void {
    this.#users.delete(user.userId)
    for (const conversationId of user.conversations.keys()) {
      const members = this.#conversations.get(conversationId)
      members?.delete(user.userId)
      if (members?.size === 0) this.#conversations.delete(conversationId)
    }
  }

  /** Applies an event once or again. */
  apply(event: PositionedEvent): void {
    if (!MEMBERSHIP.has(event.type) || categoryOf(event.stream) !== 'conversation') return
    const change = upcastConversation(event)
    if (change === undefined || !('userId' in change.data)) return
    const user = this.#users.get(change.data.userId)
    if (user === undefined) return
    const conversationId = idOf<ConversationId>(event.stream)
    this.#link(conversationId, user)
    this.#applyTo(user, conversationId, change, event.revision)
  }

  #applyTo(user: RoutedUser<Session>, id: ConversationId, change: ConversationEvent, revision: number): void {
    let intervals = user.conversations.get(id)
    if (intervals === undefined) {
      intervals = []
      user.conversations.set(id, intervals)
    }
    const last = intervals.at(-1)
    if (change.type === 'MemberAdded') {
      const from = visibleFrom(change.data, revision)
      if (last === undefined || (last.to !== undefined && revision > last.to)) intervals.push({ from })
    } else if (last !== undefined && last.to === undefined && revision > last.from) last.to = revision
  }

  #link(conversationId: ConversationId, user: RoutedUser<Session>): void {
    const members = this.#conversations.get(conversationId)
    if (members === undefined) this.#conversations.set(conversationId, new Map([[user.userId, user]]))
    else members.set(user.userId, user)
  }

  /** True while the user is a member, as of the feed. */
  isMember(userId: UserId, conversationId: ConversationId): boolean {
    const last = this.#users.get(userId)?.conversations.get(conversationId)?.at(-1)
    return last !== undefined && last.to === undefined
  }

  /** How an event of a conversation, however old, concerns a user. `targetRevision`: of the message it is about. */
  sight(
    user: RoutedUser<Session>,
    conversationId: ConversationId,
    revision: number,
    targetRevision: number | undefined,
  ): Sight {
    const intervals = user.conversations.get(conversationId)
    const last = intervals?.at(-1)
    if (intervals === undefined || last === undefined) return 'none'
    const isNow = revision >= last.from && (last.to === undefined || revision <= last.to)
    if (!isNow && !isVisible(intervals, revision)) return 'none'
    return targetRevision === undefined || isVisible(intervals, targetRevision) ? 'shown' : 'void'
  }
}
