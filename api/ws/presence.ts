import type { Dispatch } from '../../commands/dispatch.ts'
import type { ConversationId, UserId } from '../../domain/ids.ts'
import type { Clock, Logger } from '../../domain/ports.ts'
import type { Roster } from '../../projections/roster.ts'
import type { DeviceCursorStore, Signal, SignalBus } from '../ports.ts'
import type { DeviceSession } from './deviceSession.ts'
import { frameOf } from './frames.ts'
import type { Routing } from './routing.ts'

/** A typing signal counts for this long unless it is sent again. */
const TYPING_TTL_MS = 6_000

export interface PresenceDeps {
  readonly bus: SignalBus
  readonly roster: Roster
  readonly cursors: DeviceCursorStore
  readonly dispatch: Pick<Dispatch, 'account'>
  readonly routing: Routing<DeviceSession>
  readonly clock: Clock
  readonly logger: Logger
}

/** Online, last seen and typing: never in the log, only for people who share a conversation. */
export class Presence {
  readonly #deps: PresenceDeps
  readonly #abort = new AbortController()
  readonly #watchers = new Map<UserId, Set<DeviceSession>>()
  readonly #watched = new WeakMap<DeviceSession, readonly UserId[]>()
  /** What each device asked for last. */
  readonly #asked = new WeakMap<DeviceSession, readonly UserId[]>()
  #telling: Promise<void> = Promise.resolve()

  constructor(deps: PresenceDeps) {
    this.#deps = deps
    deps.bus.subscribe((signal) => this.#take(signal), this.#abort.signal)
  }

  stop(): void {
    this.#abort.abort()
  }

  /** The user's first device came, or the last one went. */
  changed(userId: UserId): void {
    this.#publish(userId).catch((error: unknown) => this.#failed(error))
  }

  async #publish(userId: UserId): Promise<void> {
    const { bus, clock } = this.#deps
    if (!(await this.#isPublic(userId))) return
    // As it is by now: comings and goings may have overtaken each other.
    const online = this.#isOnline(userId)
    const lastSeen = online ? {} : { lastSeen: new Date(clock()).toISOString() }
    bus.publish({ kind: 'presence', userId, online, ...lastSeen })
  }

  typing(session: DeviceSession, conversationId: ConversationId, active: boolean): void {
    const { userId, deviceId } = session
    this.#deps.bus.publish({ kind: 'typing', conversationId, userId, deviceId, active })
  }

  /** Tells the device how these users are now, and from now on. Those it shares no conversation with are left out. */
  async watch(session: DeviceSession, userIds: readonly UserId[]): Promise<void> {
    const { roster, cursors } = this.#deps
    this.#asked.set(session, userIds)
    const visible: UserId[] = []
    for (const userId of await roster.sharing(session.userId, userIds))
      if (await this.#isPublic(userId)) visible.push(userId)
    const lastSeen = await cursors.lastSeen(visible)
    if (session.closed || this.#asked.get(session) !== userIds) return
    this.unwatch(session)
    this.#watched.set(session, visible)
    for (const userId of visible) {
      const watchers = this.#watchers.get(userId)
      if (watchers === undefined) this.#watchers.set(userId, new Set([session]))
      else watchers.add(session)
      const online = this.#isOnline(userId)
      session.signal(presenceFrame(userId, online, online ? undefined : lastSeen.get(userId)))
    }
  }

  unwatch(session: DeviceSession): void {
    for (const userId of this.#watched.get(session) ?? []) {
      const watchers = this.#watchers.get(userId)
      watchers?.delete(session)
      if (watchers?.size === 0) this.#watchers.delete(userId)
    }
    this.#watched.delete(session)
  }

  #isOnline(userId: UserId): boolean {
    return (this.#deps.routing.user(userId)?.sessions.size ?? 0) > 0
  }

  async #isPublic(userId: UserId): Promise<boolean> {
    return (await this.#deps.dispatch.account(userId)).privacy.lastSeen
  }

  #take(signal: Signal): void {
    if (signal.kind === 'presence') {
      if (!this.#watchers.has(signal.userId)) return
      // One after another, so that the newest comes last.
      this.#telling = this.#telling.then(() => this.#tell(signal)).catch((error: unknown) => this.#failed(error))
      return
    }
    const { conversationId, userId, active } = signal
    const frame = frameOf({ type: 'typing', conversationId, userId, active, expiresInMs: TYPING_TTL_MS })
    for (const member of this.#deps.routing.connectedMembers(conversationId)) {
      if (member.userId === userId || !this.#deps.routing.isMember(member.userId, conversationId)) continue
      for (const session of member.sessions) if (session.live) session.signal(frame)
    }
  }

  /** Those who share no conversation with the user any more are not told. */
  async #tell({ userId, online, lastSeen }: Extract<Signal, { kind: 'presence' }>): Promise<void> {
    const { roster, routing } = this.#deps
    const conversations = await roster.conversationsOf(userId)
    const frame = presenceFrame(userId, online, lastSeen)
    for (const session of this.#watchers.get(userId) ?? [])
      if (conversations.some((id) => routing.isMember(session.userId, id))) session.signal(frame)
  }

  #failed(error: unknown): void {
    this.#deps.logger.warn({ error }, 'presence could not be told')
  }
}

const presenceFrame = (userId: UserId, online: boolean, lastSeen: string | undefined): Buffer =>
  frameOf({ type: 'presence', userId, online, ...(lastSeen !== undefined && { lastSeen }) })
