import type { MemberAdded } from '../../domain/conversation/events.ts'
import type { EventStore } from '../../domain/eventsourcing/eventStore.ts'
import type { PositionedEvent } from '../../domain/eventsourcing/message.ts'
import { type ConversationId, categoryOf, type DeviceId, idOf, type Position, type UserId } from '../../domain/ids.ts'
import type { Logger, Metrics } from '../../domain/ports.ts'
import type { Inbox } from '../../projections/inbox.ts'
import type { Projector } from '../../projections/projector.ts'
import type { Timeline } from '../../projections/timeline.ts'
import { encodeCursor } from '../protocol/cursor.ts'
import type { DeviceSession } from './deviceSession.ts'
import { EventRing } from './eventRing.ts'
import { Pushed, voidFrame } from './pushFrames.ts'
import { type Intervals, type RoutedUser, Routing } from './routing.ts'
import type { StatePush } from './statePush.ts'

/** Deletions that are remembered for those who still read older events from memory. */
export interface RecentDeletions {
  /** ISO 8601 when the message was deleted, as far as this node remembers. */
  deletedAt(conversationId: ConversationId, revision: number): string | undefined
}

export interface LivePushDeps {
  readonly log: EventStore
  readonly inbox: Inbox
  readonly timeline: Timeline
  readonly projector: Projector
  readonly incarnation: string
  readonly logger: Logger
  readonly metrics: Metrics
  readonly states: StatePush
  /** Events kept in memory for devices that lag a little, and their bytes at most. */
  readonly ringEvents: number
  readonly ringBytes: number
  /** Sees every event of the log once, before it is pushed. */
  readonly onEvent: (event: PositionedEvent) => void
  /** A device has no room for what the feed brings. */
  readonly onBehind: (session: DeviceSession) => void
  /** A device may no longer be connected. */
  readonly onRevoked: (deviceId: DeviceId) => void
}

/** The node's one feed of the log: folds the routing from it and pushes from it. */
export class LivePush implements RecentDeletions {
  readonly routing = new Routing<DeviceSession>()
  readonly ring: EventRing
  readonly #deps: LivePushDeps
  readonly #abort = new AbortController()
  readonly #deletions = new Map<string, { readonly position: Position; readonly at: string }>()
  #running: Promise<void> = Promise.resolve()

  /** `floor`: the log's head when the node started; the feed begins after it. */
  constructor(deps: LivePushDeps, floor: Position) {
    this.#deps = deps
    this.ring = new EventRing(deps.ringEvents, deps.ringBytes, floor)
  }

  start(): void {
    this.#running = this.#run()
  }

  async stop(): Promise<void> {
    this.#abort.abort()
    await this.#running
  }

  async #run(): Promise<void> {
    const { log, logger } = this.#deps
    const { signal } = this.#abort
    try {
      for await (const batch of log.subscribeToAll({ from: this.ring.head, signal })) {
        for (const event of batch) this.#take(event)
      }
    } catch (error) {
      if (!signal.aborted) logger.error({ error }, 'the live feed ended')
    }
  }

  #take(event: PositionedEvent): void {
    const before = this.ring.head
    this.ring.push(event)
    this.#deps.onEvent(event)
    this.routing.apply(event)
    switch (categoryOf(event.stream)) {
      case 'conversation':
        if (event.type === 'MessageDeleted') this.#rememberDeletion(event)
        return this.#pushToMembers(new Pushed(event, this.cursor(event.position)), before)
      case 'account':
        if (event.type === 'DeviceRevoked') {
          const { deviceId } = event.data as { deviceId: DeviceId }
          this.#deps.onRevoked(deviceId)
        }
        return this.#deps.states.push(event, this.routing)
      case 'receipts':
      case 'userState':
        return this.#deps.states.push(event, this.routing)
      case 'handle':
      case 'log':
        return
    }
  }

  #pushToMembers(pushed: Pushed, before: Position): void {
    for (const user of this.routing.connectedMembers(pushed.conversationId)) {
      for (const session of user.sessions) {
        if (!session.live) continue
        if (session.room > 0) this.send(session, pushed)
        else this.#fallBehind(session, before)
      }
    }
  }

  /** Sends an event to a device as its user may see it. */
  send(session: DeviceSession, pushed: Pushed): void {
    const { conversationId, event, position, seq } = pushed
    const sight = this.routing.sight(session.user, conversationId, event.revision, pushed.targetRevision)
    if (sight === 'none') return
    if (sight === 'void') return session.push(pushed.voidFrame, position, undefined, 0)
    if (event.type === 'MemberAdded') this.#sendBefore(session, pushed)
    const deletedAt = session.live ? undefined : this.deletedAt(conversationId, pushed.targetRevision ?? event.revision)
    const frame =
      deletedAt === undefined || event.type === 'MessageDeleted' ? pushed.frame : pushed.deletedFrame(deletedAt)
    const counts = seq > 0 && pushed.author !== session.userId
    session.push(frame, position, counts ? conversationId : undefined, seq)
  }

  /** What comes before somebody's own addition: shown to founders, else only counted. */
  #sendBefore(session: DeviceSession, pushed: Pushed): void {
    const { event, conversationId } = pushed
    const { userId, founding } = event.data as MemberAdded['data']
    if (userId !== session.userId) return
    // Whoever catches up was known to be a founder all along.
    if (founding) return session.live ? this.#sendFounding(session, event) : undefined
    const intervals = session.user.conversations.get(conversationId) ?? []
    const index = intervals.findIndex((interval) => interval.from === event.revision)
    if (index < 0) return
    const from = index === 0 ? 0 : (intervals[index - 1]?.to ?? 0) + 1
    if (from >= event.revision) return
    // With a cursor of its own: a device that stored only this must still be sent the addition.
    const cursor = this.cursor(session.offeredTo)
    session.push(voidFrame(cursor, event.stream, from, event.revision - 1), session.offeredTo, undefined, 0)
  }

  /** One append stands in one piece in the log: what founded the conversation is right before the addition. */
  #sendFounding(session: DeviceSession, { revision, stream }: PositionedEvent): void {
    for (let i = this.ring.end - 1 - revision; i < this.ring.end - 1; i++) {
      const earlier = this.ring.at(i)
      if (earlier.stream !== stream) continue
      session.push(new Pushed(earlier, this.cursor(earlier.position)).frame, earlier.position, undefined, 0)
    }
  }

  /** The device has no room: from here on it is caught up as it makes some; nothing is lost. */
  #fallBehind(session: DeviceSession, sentTo: Position): void {
    session.live = false
    session.sentTo = sentTo
    session.statesFrom = sentTo
    this.#deps.metrics.count('parley_gateway_fallbacks_total')
    this.#deps.onBehind(session)
  }

  cursor(position: Position): string {
    return encodeCursor(this.#deps.incarnation, position)
  }

  #rememberDeletion(event: PositionedEvent): void {
    const { targetRevision } = event.data as { targetRevision: number }
    const conversationId = idOf<ConversationId>(event.stream)
    this.#deps.timeline.forget(conversationId, [targetRevision])
    this.#deletions.set(`${conversationId}/${targetRevision}`, { position: event.position, at: event.metadata.at })
    const folded = this.#deps.projector.checkpoint('timeline')
    for (const [key, { position }] of this.#deletions) {
      // Older ones are known to everyone who could still read the message: the timeline has them.
      if (this.ring.covers(position) || folded === undefined || position > folded) break
      this.#deletions.delete(key)
    }
  }

  deletedAt(conversationId: ConversationId, revision: number): string | undefined {
    if (this.#deletions.size === 0) return undefined
    return this.#deletions.get(`${conversationId}/${revision}`)?.at
  }

  /** A device of the user is here: loads what the user may see, as of the feed's head. */
  async admit(userId: UserId): Promise<RoutedUser<DeviceSession>> {
    for (;;) {
      const known = this.routing.user(userId)
      if (known !== undefined) return known
      const checkpoint = this.#deps.projector.checkpoint('inbox')
      if (checkpoint !== undefined && this.ring.covers(checkpoint)) {
        const memberships = await this.#deps.inbox.memberships(userId)
        const arrived = this.routing.user(userId)
        if (arrived !== undefined) return arrived
        // The ring may have moved on while the read model was asked.
        if (this.ring.covers(checkpoint)) {
          const user = this.routing.add(
            userId,
            memberships.map(({ conversationId, intervals }) => [conversationId, intervals.map(copy) as Intervals]),
          )
          for (let i = this.ring.after(checkpoint); i < this.ring.end; i++) this.routing.apply(this.ring.at(i))
          return user
        }
      } else await nextAdvance(this.#deps.projector)
    }
  }
}

/** Resolves with the next commit of a read model. */
export const nextAdvance = (projector: Pick<Projector, 'onAdvance'>): Promise<void> =>
  new Promise((resolve) => {
    const stop = projector.onAdvance(() => {
      stop()
      resolve()
    })
  })

const copy = <T extends object>(value: T): T => ({ ...value })
