import { setTimeout as sleep } from 'node:timers/promises'
import type { MemberAdded } from '../../domain/conversation/events.ts'
import type { EventStore } from '../../domain/eventsourcing/eventStore.ts'
import type { PositionedEvent } from '../../domain/eventsourcing/message.ts'
import { categoryOf, type DeviceId, type Position, type UserId } from '../../domain/ids.ts'
import type { Logger, Metrics } from '../../domain/ports.ts'
import type { Inbox } from '../../projections/inbox.ts'
import type { Projector } from '../../projections/projector.ts'
import { encodeCursor } from '../protocol/cursor.ts'
import type { DeviceSession } from './deviceSession.ts'
import { EventRing } from './eventRing.ts'
import { Pushed, voidFrame } from './pushFrames.ts'
import { RecentDeletions } from './recentDeletions.ts'
import { type Intervals, type RoutedUser, Routing } from './routing.ts'
import type { StatePush } from './statePush.ts'

/** Time after which a waiting device is looked at again: it may be gone. */
const PATIENCE_MS = 1_000
const RETRY_MS = 250

export interface LivePushDeps {
  readonly log: EventStore
  readonly inbox: Inbox
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
  /** The feed broke off: devices may have missed something. */
  readonly onInterrupted: () => void
}

/** The node's one feed of the log: folds the routing from it and pushes from it. */
export class LivePush {
  readonly routing = new Routing<DeviceSession>()
  readonly ring: EventRing
  readonly deletions: RecentDeletions
  readonly #deps: LivePushDeps
  readonly #abort = new AbortController()
  #running: Promise<void> = Promise.resolve()

  /** `floor`: the log's head when the node started; the feed begins after it. */
  constructor(deps: LivePushDeps, floor: Position) {
    this.#deps = deps
    this.ring = new EventRing(deps.ringEvents, deps.ringBytes, floor)
    this.deletions = new RecentDeletions(floor)
  }

  start(): void {
    this.#running = this.#run()
  }

  async stop(): Promise<void> {
    this.#abort.abort()
    await this.#running
  }

  async #run(): Promise<void> {
    const { log, logger, onInterrupted } = this.#deps
    const { signal } = this.#abort
    while (!signal.aborted) {
      try {
        for await (const batch of log.subscribeToAll({ from: this.ring.head, signal })) {
          for (const event of batch) this.#take(event)
        }
      } catch (error) {
        if (signal.aborted) return
        logger.error({ error }, 'the live feed broke off')
        onInterrupted()
        await sleep(RETRY_MS, undefined, { signal }).catch(() => undefined)
      }
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
        return this.#pushState(event, before)
      case 'receipts':
      case 'userState':
        return this.#pushState(event, before)
      case 'handle':
      case 'log':
        return
    }
  }

  #pushState(event: PositionedEvent, before: Position): void {
    this.#deps.states.push(event, this.routing, (session) => this.#fallBehind(session, before))
  }

  #pushToMembers(pushed: Pushed, before: Position): void {
    const founder = foundingMember(pushed.event)
    for (const user of this.routing.connectedMembers(pushed.conversationId)) {
      const isFounder = user.userId === founder
      const isWhole = !isFounder || this.#holdsFounding(pushed.event)
      for (const session of user.sessions) {
        if (!session.live) continue
        if (session.room > 0 && isWhole) this.send(session, pushed)
        // What founded the conversation passed by before it was known whom it concerns.
        else this.#fallBehind(session, isFounder ? session.offeredTo : before)
      }
    }
  }

  #holdsFounding({ position, revision }: PositionedEvent): boolean {
    return this.ring.after(position) - 1 - revision >= this.ring.first
  }

  /** Sends an event to a device as its user may see it. */
  send(session: DeviceSession, pushed: Pushed): void {
    const { conversationId, event, position, seq } = pushed
    const sight = this.routing.sight(session.user, conversationId, event.revision, pushed.targetRevision)
    if (sight === 'none') return
    if (sight === 'void') return session.push(pushed.voidFrame, position, undefined, 0)
    if (event.type === 'MemberAdded') this.#sendBefore(session, pushed)
    const target = pushed.targetRevision ?? event.revision
    const deletedAt = session.live ? undefined : this.deletions.deletedAt(conversationId, target)
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
    if (founding) return this.#sendFounding(session, event)
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
  #sendFounding(session: DeviceSession, { position, revision, stream }: PositionedEvent): void {
    const own = this.ring.after(position) - 1
    for (let i = Math.max(own - revision, this.ring.first); i < own; i++) {
      const earlier = this.ring.at(i)
      // A device that is being caught up has it already.
      if (earlier.stream !== stream || earlier.position <= session.offeredTo) continue
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
    const folded = this.#deps.projector.checkpoint('timeline')
    // What has left the ring is known to everyone who can still read the message, once the timeline has it.
    const isNeeded = (position: Position): boolean =>
      this.ring.covers(position) || folded === undefined || position > folded
    this.deletions.remember(event, isNeeded)
  }

  /**
   * A device of the user is here: loads what the user may see, as of the feed's head. `undefined` when the device
   * went before that was known.
   */
  async admit(userId: UserId, arrival: { readonly closed: boolean }): Promise<RoutedUser<DeviceSession> | undefined> {
    const { projector, inbox } = this.#deps
    while (!arrival.closed) {
      const known = this.routing.user(userId)
      if (known !== undefined) return known
      const checkpoint = projector.checkpoint('inbox')
      if (checkpoint === undefined || !this.ring.covers(checkpoint)) {
        await projector.waitFor(['inbox'], this.ring.floor, PATIENCE_MS)
        continue
      }
      const memberships = await inbox.memberships(userId)
      // Another device of the user may have arrived, and the ring moved on, while the read model was asked.
      if (this.routing.user(userId) !== undefined || !this.ring.covers(checkpoint)) continue
      const user = this.routing.add(
        userId,
        memberships.map(({ conversationId, intervals }) => [conversationId, intervals.map(copy) as Intervals]),
      )
      for (let i = this.ring.after(checkpoint); i < this.ring.end; i++) this.routing.apply(this.ring.at(i))
      return user
    }
    return undefined
  }

  /** Forgets the user when no device is here. */
  release(userId: UserId): void {
    const user = this.routing.user(userId)
    if (user?.sessions.size === 0) this.routing.remove(user)
  }
}

/** Whom an event adds to the conversation that it is founding with. */
const foundingMember = ({ type, data }: PositionedEvent): UserId | undefined => {
  if (type !== 'MemberAdded') return undefined
  const { userId, founding } = data as MemberAdded['data']
  return founding ? userId : undefined
}

const copy = <T extends object>(value: T): T => ({ ...value })
