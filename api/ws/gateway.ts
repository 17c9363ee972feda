import type { IncomingMessage, Server } from 'node:http'
import type { Duplex } from 'node:stream'
import { type WebSocket, WebSocketServer } from 'ws'
import type { DeviceId, UserId } from '../../domain/ids.ts'
import type { Clock, Logger, Metrics } from '../../domain/ports.ts'
import type { Authenticator } from '../auth/login.ts'
import type { Session } from '../auth/session.ts'
import { SUBPROTOCOL } from '../protocol/errorTables.ts'
import type { Admit, Resumed } from './admission.ts'
import { Connection, type ConnectionHost, type ConnectionOptions } from './connection.ts'
import type { CursorKeeper } from './cursorKeeper.ts'
import type { HandleFrame } from './deviceFrames.ts'
import type { DeviceSession } from './deviceSession.ts'
import { frameOf } from './frames.ts'
import type { LivePush } from './livePush.ts'
import type { Presence } from './presence.ts'
import type { Watermarks } from './watermarks.ts'

export interface GatewayOptions extends ConnectionOptions {
  readonly maxFrameBytes: number
  readonly maxConnections: number
  /** Origins of browsers that may connect, besides the server's own. */
  readonly allowedOrigins: readonly string[]
  /** Time over which clients spread their reconnecting after a goaway. */
  readonly reconnectWithinMs: number
  /** Time for commands under way when the server stops. */
  readonly drainMs: number
  /** Between two looks at deadlines, and between two saves of cursors. Default: a second. */
  readonly tickMs?: number
}

export type AnnouncedLimits = ConnectionHost['limits']

export interface GatewayDeps {
  readonly authenticator: Authenticator
  readonly push: LivePush
  readonly presence: Presence
  readonly watermarks: Watermarks
  readonly keeper: CursorKeeper
  readonly admit: Admit
  readonly catchUp: (session: DeviceSession) => Promise<void>
  readonly handle: HandleFrame
  readonly clock: Clock
  readonly logger: Logger
  readonly metrics: Metrics
}

const PATH = '/v1/socket'
const TICK_MS = 1_000
/** Time for closing handshakes when the server stops. */
const GRACE_MS = 1_000

/** All connections of this node. */
export class Gateway implements ConnectionHost {
  readonly #deps: GatewayDeps
  readonly options: GatewayOptions
  readonly limits: AnnouncedLimits
  readonly authenticator: Authenticator
  readonly logger: Logger
  readonly metrics: Metrics
  readonly handle: HandleFrame
  readonly read: Watermarks['read']
  readonly #sockets: WebSocketServer
  readonly #connections = new Set<Connection>()
  readonly #byDevice = new Map<DeviceId, Connection>()
  readonly #timers: NodeJS.Timeout[] = []
  #stopping = false
  #now: number

  constructor(deps: GatewayDeps, options: GatewayOptions, limits: AnnouncedLimits) {
    this.#deps = deps
    this.options = options
    this.limits = limits
    this.authenticator = deps.authenticator
    this.logger = deps.logger
    this.metrics = deps.metrics
    this.handle = deps.handle
    this.read = deps.watermarks.read
    this.#now = deps.clock()
    this.#sockets = new WebSocketServer({
      noServer: true,
      maxPayload: options.maxFrameBytes,
      perMessageDeflate: false,
      handleProtocols: (offered) => (offered.has(SUBPROTOCOL) ? SUBPROTOCOL : false),
    })
  }

  start(server: Server): void {
    const { push, keeper } = this.#deps
    const { tickMs = TICK_MS } = this.options
    push.start()
    server.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) =>
      this.#upgrade(request, socket, head),
    )
    this.#timers.push(setInterval(() => this.#tick(), tickMs))
    this.#timers.push(setInterval(() => void keeper.save(), tickMs))
  }

  now(): number {
    return this.#now
  }

  get size(): number {
    return this.#connections.size
  }

  #tick(): void {
    this.#now = this.#deps.clock()
    for (const connection of this.#connections) connection.tick(this.#now)
    this.metrics.gauge('parley_gateway_connections', this.#connections.size)
  }

  #upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    // Nobody else listens any more: a peer that resets the connection now must not end the process.
    socket.on('error', () => socket.destroy())
    const refusal = this.#refusal(request)
    if (refusal !== undefined) {
      socket.end(`HTTP/1.1 ${refusal}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`)
      return
    }
    this.#sockets.handleUpgrade(request, socket, head, (webSocket: WebSocket) => {
      this.#now = this.#deps.clock()
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

  async admit(connection: Connection, device: Session, cursor: string | undefined): ReturnType<Admit> {
    const { userId, deviceId } = device
    // From here on a revocation finds it, however long letting it in takes.
    this.#byDevice.get(deviceId)?.close('Replaced')
    this.#byDevice.set(deviceId, connection)
    connection.deviceId = deviceId
    const admitted = await this.#deps.admit(connection, device, cursor)
    if (admitted?.session.user.sessions.size === 1) this.#deps.presence.changed(userId)
    return admitted
  }

  begin(session: DeviceSession, resumed: Resumed, welcome: (cursor: string) => void): void {
    const { push } = this.#deps
    if (resumed === 'cursor') {
      welcome(push.cursor(session.sentTo))
      return this.catchUp(session)
    }
    session.skipTo(push.ring.head)
    welcome(push.cursor(session.sentTo))
    session.live = true
    session.writer.send(frameOf({ type: 'caughtUp', cursor: push.cursor(session.sentTo) }))
  }

  catchUp(session: DeviceSession): void {
    const { deviceId } = session
    this.#deps.catchUp(session).catch((error: unknown) => {
      if (session.closed) return
      this.logger.error({ error, deviceId }, 'a device could not be caught up')
      this.#byDevice.get(deviceId)?.close('Unavailable')
    })
  }

  /** Whether a device of the user is connected here. */
  isOnline(userId: UserId): boolean {
    return (this.#deps.push.routing.user(userId)?.sessions.size ?? 0) > 0
  }

  disconnected(connection: Connection): void {
    const { presence, keeper, push } = this.#deps
    this.#connections.delete(connection)
    const { deviceId, session } = connection
    if (deviceId !== undefined && this.#byDevice.get(deviceId) === connection) this.#byDevice.delete(deviceId)
    if (session === undefined) return
    keeper.note(session)
    presence.unwatch(session)
    const { user } = session
    user.sessions.delete(session)
    if (user.sessions.size > 0) return
    push.release(user.userId)
    presence.changed(user.userId)
  }

  revoked(deviceId: DeviceId): void {
    this.#byDevice.get(deviceId)?.close('DeviceRevoked')
  }

  /** Devices may have missed something: they come again, from the cursors that they hold. */
  interrupted(): void {
    for (const connection of [...this.#connections]) connection.close('Unavailable')
  }

  /** Tells every client to go elsewhere, lets commands under way finish, closes, and saves cursors. */
  async stop(): Promise<void> {
    const { clock, keeper, presence, push } = this.#deps
    const { reconnectWithinMs, drainMs } = this.options
    this.#stopping = true
    for (const timer of this.#timers) clearInterval(timer)
    for (const connection of this.#connections)
      connection.send({ type: 'goaway', reason: 'the server is stopping', withinMs: reconnectWithinMs })
    const deadline = clock() + drainMs
    while (this.#inFlight() > 0 && clock() < deadline) await new Promise((done) => setTimeout(done, 20))
    for (const connection of [...this.#connections]) connection.closeWith(1012, 'the server is stopping')
    await keeper.save()
    presence.stop()
    await push.stop()
    await this.#closeSockets()
  }

  async #closeSockets(): Promise<void> {
    const closed = new Promise<void>((done) => this.#sockets.close(() => done()))
    const grace = setTimeout(() => {
      for (const socket of this.#sockets.clients) socket.terminate()
    }, GRACE_MS)
    await closed
    clearTimeout(grace)
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
