import type { IncomingMessage, Server } from 'node:http'
import type { Duplex } from 'node:stream'
import { WebSocketServer } from 'ws'
import type { Dispatch } from '../../commands/dispatch.ts'
import { DomainError } from '../../domain/errors.ts'
import type { EventStore } from '../../domain/eventsourcing/eventStore.ts'
import type { CommandId, ConversationId, DeviceId, Position, UserId } from '../../domain/ids.ts'
import type { Clock, Logger, Metrics, NewId } from '../../domain/ports.ts'
import type { Inbox } from '../../projections/inbox.ts'
import type { Projector } from '../../projections/projector.ts'
import type { Timeline } from '../../projections/timeline.ts'
import type { Authenticator } from '../auth/login.ts'
import type { Session } from '../auth/session.ts'
import type { DeviceCursorStore } from '../ports.ts'
import { decodeCursor } from '../protocol/cursor.ts'
import { SUBPROTOCOL } from '../protocol/errorTables.ts'
import type { ServerFrameOf } from '../protocol/serverFrames.ts'
import { countBehind, findSources } from './catchUp.ts'
import { Connection } from './connection.ts'
import type { CursorKeeper } from './cursorKeeper.ts'
import { DeviceSession } from './deviceSession.ts'
import { frameOf } from './frames.ts'
import type { LivePush } from './livePush.ts'
import type { Presence } from './presence.ts'
import type { ReceiptCollector } from './receiptCollector.ts'
import type { RoutedUser } from './routing.ts'

export interface GatewayOptions {
  /** Events a device may leave unacknowledged. */
  readonly window: number
  /** Bytes a device may leave unacknowledged, or unread. */
  readonly windowBytes: number
  readonly maxFrameBytes: number
  /** Answers a device may leave unread, in bytes, before its frames are not read. */
  readonly maxBacklogBytes: number
  /** Commands of one connection that may wait for their answer. */
  readonly maxInFlight: number
  readonly framesPerSecond: number
  readonly frameBurst: number
  readonly heartbeatMs: number
  readonly helloTimeoutMs: number
  readonly maxConnections: number
  /** A device more visible events behind than this loads a snapshot instead. */
  readonly maxBehind: number
  /** Origins of browsers that may connect, besides the server's own. */
  readonly allowedOrigins: readonly string[]
  /** Time over which clients spread their reconnecting after a goaway. */
  readonly reconnectWithinMs: number
  /** Time for commands under way when the server stops. */
  readonly drainMs: number
}

export type AnnouncedLimits = ServerFrameOf<'welcome'>['limits']

export interface GatewayDeps {
  readonly log: EventStore
  readonly dispatch: Dispatch
  readonly authenticator: Authenticator
  readonly inbox: Inbox
  readonly timeline: Timeline
  readonly projector: Projector
  readonly cursors: DeviceCursorStore
  readonly receiptCollector: ReceiptCollector
  readonly keeper: CursorKeeper
  readonly incarnation: string
  readonly clock: Clock
  readonly newId: NewId
  readonly logger: Logger
  readonly metrics: Metrics
}

const PATH = '/v1/socket'
const TICK_MS = 1_000

/** All connections of this node. */
export class Gateway {
  readonly deps: GatewayDeps
  readonly options: GatewayOptions
  readonly limits: AnnouncedLimits
  readonly push: LivePush
  readonly presence: Presence
  readonly #catchUp: (session: DeviceSession, onFailure: (error: unknown) => void) => void
  readonly #sockets: WebSocketServer
  readonly #connections = new Set<Connection>()
  readonly #byDevice = new Map<DeviceId, Connection>()
  readonly #timers: NodeJS.Timeout[] = []
  #stopping = false
  #now: number

  constructor(
    deps: GatewayDeps,
    options: GatewayOptions,
    limits: AnnouncedLimits,
    push: LivePush,
    presence: Presence,
    catchUp: (session: DeviceSession, onFailure: (error: unknown) => void) => void,
  ) {
    this.deps = deps
    this.options = options
    this.limits = limits
    this.push = push
    this.presence = presence
    this.#catchUp = catchUp
    this.#now = deps.clock()
    this.#sockets = new WebSocketServer({
      noServer: true,
      maxPayload: options.maxFrameBytes,
      perMessageDeflate: false,
      handleProtocols: (offered) => (offered.has(SUBPROTOCOL) ? SUBPROTOCOL : false),
    })
  }

  start(server: Server): void {
    this.push.start()
    server.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) =>
      this.#upgrade(request, socket, head),
    )
    this.#timers.push(setInterval(() => this.#tick(), TICK_MS))
    this.#timers.push(setInterval(() => void this.deps.keeper.save(), TICK_MS))
  }

  /** A coarse clock for what is noted on every frame. */
  now(): number {
    return this.#now
  }

  get size(): number {
    return this.#connections.size
  }

  #tick(): void {
    this.#now = this.deps.clock()
    for (const connection of this.#connections) connection.tick(this.#now)
    this.deps.metrics.gauge('parley_gateway_connections', this.#connections.size)
  }

  #upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    const refusal = this.#refusal(request)
    if (refusal !== undefined) {
      socket.end(`HTTP/1.1 ${refusal}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`)
      return
    }
    this.#sockets.handleUpgrade(request, socket, head, (webSocket) => {
      this.#now = this.deps.clock()
      const bearer = /^Bearer (\S+)$/i.exec(request.headers.authorization ?? '')?.[1]
      this.#connections.add(new Connection(webSocket, socket, this, bearer))
    })
  }

  #refusal(request: IncomingMessage): string | undefined {
    const path = request.url?.split('?', 1)[0]
    if (path !== PATH) return '404 Not Found'
    if (this.#stopping || this.#connections.size >= this.options.maxConnections) return '503 Service Unavailable'
    const { origin, host } = request.headers
    if (origin !== undefined && !this.options.allowedOrigins.includes(origin) && hostOf(origin) !== host)
      return '403 Forbidden'
    const offered = request.headers['sec-websocket-protocol']?.split(',').map((name) => name.trim())
    return offered?.includes(SUBPROTOCOL) ? undefined : '400 Bad Request'
  }

  /** Lets an authenticated device in; `undefined` when it is gone already. */
  async admit(
    connection: Connection,
    { userId, deviceId }: Session,
    cursor: string | undefined,
  ): Promise<
    | {
        readonly session: DeviceSession
        readonly resumed: 'cursor' | 'snapshot'
        readonly snapshotFrom: { readonly from: Position | undefined; readonly to: Position } | undefined
      }
    | undefined
  > {
    this.#byDevice.get(deviceId)?.close('Replaced')
    this.#byDevice.set(deviceId, connection)
    connection.deviceId = deviceId
    const stored = await this.deps.cursors.load(deviceId)
    const from = stored === undefined ? undefined : decodeCursor(this.deps.incarnation, stored.cursor)
    const user = await this.push.admit(userId)
    const after = await this.#resumable(user, cursor)
    if (after !== undefined && (from === undefined || after > from)) await this.implyDelivered(user, from, after)
    if (connection.closed) return undefined
    const current = this.push.routing.user(userId) ?? (await this.push.admit(userId))
    if (connection.closed) return undefined
    const { window, windowBytes } = this.options
    const sentTo = after ?? this.push.ring.head
    const limits = { maxEvents: window, maxBytes: windowBytes }
    const session = new DeviceSession(current, deviceId, connection.writer, limits, sentTo, after)
    connection.session = session
    current.sessions.add(session)
    if (current.sessions.size === 1) this.#announce(this.presence.connected(userId))
    if (after === undefined) return { session, resumed: 'snapshot', snapshotFrom: { from, to: sentTo } }
    this.deps.keeper.acknowledged(userId, deviceId, this.push.cursor(after))
    return { session, resumed: 'cursor', snapshotFrom: undefined }
  }

  /** The position to resume from; `undefined` when the device has to load a snapshot. */
  async #resumable(user: RoutedUser<DeviceSession>, cursor: string | undefined): Promise<Position | undefined> {
    const after = cursor === undefined ? undefined : decodeCursor(this.deps.incarnation, cursor)
    if (after === undefined || after > this.push.ring.head) return undefined
    if (this.push.ring.covers(after)) return after
    const sources = await findSources(this.#catchUpDeps(), user.conversations, after)
    return countBehind(sources) > this.options.maxBehind ? undefined : after
  }

  /** To be called right after the welcome was sent. */
  begin(session: DeviceSession, resumed: 'cursor' | 'snapshot'): void {
    if (resumed === 'cursor') return this.catchUp(session)
    session.sentTo = this.push.ring.head
    session.offeredTo = session.sentTo
    session.live = true
    session.writer.send(frameOf({ type: 'caughtUp', cursor: this.push.cursor(session.sentTo) }))
  }

  catchUp(session: DeviceSession): void {
    this.#catchUp(session, () => this.#byDevice.get(session.deviceId)?.close('Unavailable'))
  }

  acknowledge(session: DeviceSession, position: Position): void {
    session.acknowledge(position, (conversationId, seq) =>
      this.deps.receiptCollector.delivered(session.userId, conversationId, seq),
    )
    this.deps.keeper.acknowledged(session.userId, session.deviceId, this.push.cursor(position))
  }

  /** Acknowledging a cursor without having been sent what it covers on this connection: by earlier ones, or by a snapshot. */
  async implyDelivered(user: RoutedUser<DeviceSession>, from: Position | undefined, to: Position): Promise<void> {
    const { inbox, timeline, receiptCollector } = this.deps
    for (const [conversationId, head] of await inbox.heads([...user.conversations.keys()])) {
      if (from !== undefined && head.position <= from) continue
      const visibility = user.conversations.get(conversationId) ?? []
      const seq = await timeline.seqAt(conversationId, visibility, to)
      if (seq > 0) receiptCollector.delivered(user.userId, conversationId, seq)
    }
  }

  /** Whether a device of the user is connected here. */
  isOnline(userId: UserId): boolean {
    return (this.push.routing.user(userId)?.sessions.size ?? 0) > 0
  }

  async read(
    session: Pick<DeviceSession, 'userId' | 'deviceId'>,
    conversationId: ConversationId,
    upTo: number,
  ): Promise<void> {
    const { dispatch, receiptCollector, newId } = this.deps
    const { userId, deviceId } = session
    const { lastSeq, members } = await dispatch.conversation(conversationId)
    if (members[userId] === undefined)
      throw new DomainError('NotFound', 'There is no such conversation, or you are not in it.')
    if (upTo > lastSeq)
      throw new DomainError('ReadBeyondLast', `The newest message has seq ${lastSeq}; nothing beyond it can be read.`)
    if ((await dispatch.account(userId)).privacy.readReceipts)
      return receiptCollector.read(userId, conversationId, upTo)
    await dispatch.execute(
      { type: 'ReadPrivately', userId, conversationId, upTo },
      { actor: { userId, deviceId }, commandId: newId() as CommandId },
    )
  }

  disconnected(connection: Connection): void {
    this.#connections.delete(connection)
    const { deviceId, session } = connection
    if (deviceId !== undefined && this.#byDevice.get(deviceId) === connection) this.#byDevice.delete(deviceId)
    if (session === undefined) return
    this.presence.unwatch(session)
    const { user } = session
    user.sessions.delete(session)
    if (user.sessions.size > 0) return
    this.push.routing.remove(user)
    this.#announce(this.presence.disconnected(user.userId))
  }

  revoked(deviceId: DeviceId): void {
    this.#byDevice.get(deviceId)?.close('DeviceRevoked')
  }

  #announce(work: Promise<void>): void {
    work.catch((error: unknown) => this.deps.logger.warn({ error }, 'presence could not be told'))
  }

  #catchUpDeps() {
    return { inbox: this.deps.inbox, timeline: this.deps.timeline, deletions: this.push }
  }

  /** Tells every client to go elsewhere, lets commands under way finish, saves cursors, and closes. */
  async stop(): Promise<void> {
    this.#stopping = true
    for (const timer of this.#timers) clearInterval(timer)
    const { reconnectWithinMs, drainMs } = this.options
    for (const connection of this.#connections)
      connection.send({ type: 'goaway', reason: 'the server is stopping', withinMs: reconnectWithinMs })
    const deadline = this.deps.clock() + drainMs
    while (this.#inFlight() > 0 && this.deps.clock() < deadline) await new Promise((done) => setTimeout(done, 20))
    await this.deps.keeper.save()
    for (const connection of [...this.#connections]) connection.closeWith(1012, 'the server is stopping')
    this.presence.stop()
    await this.push.stop()
    await new Promise<void>((done) => this.#sockets.close(() => done()))
  }

  #inFlight(): number {
    let sum = 0
    for (const connection of this.#connections) sum += connection.inFlight
    return sum
  }
}

const hostOf = (origin: string): string | undefined => {
  try {
    return new URL(origin).host
  } catch {
    return undefined
  }
}
