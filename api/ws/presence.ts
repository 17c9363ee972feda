import type { Dispatch } from '../../commands/dispatch.ts'
import type { ConversationId, UserId } from '../../domain/ids.ts'
import type { Clock } from '../../domain/ports.ts'
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
}

/** Online, last seen and typing: never in the log, only for people who share a conversation. */
export class Presence {
  readonly #deps: PresenceDeps
  readonly #abort = new AbortController()
  readonly #watchers = new Map<UserId, Set<DeviceSession>>()
  readonly #watched = new WeakMap<DeviceSession, readonly UserId[]>()

  constructor(deps: PresenceDeps) {
    this.#deps = deps
    deps.bus.subscribe((signal) => this.#take(signal), this.#abort.signal)
  }

  stop(): void {
    this.#abort.abort()
  }

  async connected(userId: UserId): Promise<void> {
    if (await this.#isPublic(userId)) this.#deps.bus.publish({ kind: 'presence', userId, online: true })
  }

  /** The last device of the user is gone. */
  async disconnected(userId: UserId): Promise<void> {
    if (!(await this.#isPublic(userId))) return
    const lastSeen = new Date(this.#deps.clock()).toISOString()
    this.#deps.bus.publish({ kind: 'presence', userId, online: false, lastSeen })
  }

  typing(session: DeviceSession, conversationId: ConversationId, active: boolean): void {
    const { userId, deviceId } = session
    this.#deps.bus.publish({ kind: 'typing', conversationId, userId, deviceId, active })
  }

  /** Tells the device how these users are now, and from now on. Those it shares no conversation with are left out. */
  async watch(session: DeviceSession, userIds: readonly UserId[]): Promise<void> {
    this.unwatch(session)
    const sharing = await this.#deps.roster.sharing(session.userId, userIds)
    const visible: UserId[] = []
    for (const userId of sharing) if (await this.#isPublic(userId)) visible.push(userId)
    if (session.closed) return
    const lastSeen = await this.#deps.cursors.lastSeen(visible)
    this.unwatch(session)
    this.#watched.set(session, visible)
    for (const userId of visible) {
      const watchers = this.#watchers.get(userId)
      if (watchers === undefined) this.#watchers.set(userId, new Set([session]))
      else watchers.add(session)
      const online = (this.#deps.routing.user(userId)?.sessions.size ?? 0) > 0
      session.writer.send(presenceFrame(userId, online, online ? undefined : lastSeen.get(userId)))
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

  async #isPublic(userId: UserId): Promise<boolean> {
    return (await this.#deps.dispatch.account(userId)).privacy.lastSeen
  }

  #take(signal: Signal): void {
    if (signal.kind === 'presence') {
      const frame = presenceFrame(signal.userId, signal.online, signal.lastSeen)
      for (const session of this.#watchers.get(signal.userId) ?? []) session.writer.send(frame)
      return
    }
    const { conversationId, userId, active } = signal
    const frame = frameOf({ type: 'typing', conversationId, userId, active, expiresInMs: TYPING_TTL_MS })
    for (const member of this.#deps.routing.connectedMembers(conversationId)) {
      if (member.userId === userId || !this.#deps.routing.isMember(member.userId, conversationId)) continue
      for (const session of member.sessions) if (session.live) session.writer.send(frame)
    }
  }
}

const presenceFrame = (userId: UserId, online: boolean, lastSeen: string | undefined): Buffer =>
  frameOf({ type: 'presence', userId, online, ...(lastSeen !== undefined && { lastSeen }) })
