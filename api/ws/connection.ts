import type { Duplex } from 'node:stream'
import type { WebSocket } from 'ws'
import { DomainError } from '../../domain/errors.ts'
import type { DeviceId } from '../../domain/ids.ts'
import type { Logger, Metrics } from '../../domain/ports.ts'
import type { Authenticator } from '../auth/login.ts'
import type { Session } from '../auth/session.ts'
import type { ClientFrame } from '../protocol/clientFrames.ts'
import { CLOSE_CODES } from '../protocol/errorTables.ts'
import type { ServerFrame, ServerFrameOf } from '../protocol/serverFrames.ts'
import type { Resumed } from './admission.ts'
import { type Auth, Credentials } from './credentials.ts'
import { decodeFrame, idOf } from './decodeFrame.ts'
import { type Caller, failed, type HandleFrame } from './deviceFrames.ts'
import type { DeviceSession } from './deviceSession.ts'
import { errorFrame, frameOf } from './frames.ts'
import { SocketWriter } from './socketWriter.ts'
import { TokenBucket } from './tokenBucket.ts'

type Hello = Extract<ClientFrame, { type: 'hello' }>
export type CloseReason = keyof typeof CLOSE_CODES

/** Heartbeats that may be missing before the device is given up. */
const PATIENCE = 2.5

export interface ConnectionOptions {
  /** Answers a device may leave unread, in bytes, before its frames are not read. */
  readonly maxBacklogBytes: number
  readonly framesPerSecond: number
  readonly frameBurst: number
  readonly heartbeatMs: number
  readonly helloTimeoutMs: number
}

/** What a connection needs of the node that it is on. */
export interface ConnectionHost {
  readonly options: ConnectionOptions
  readonly limits: ServerFrameOf<'welcome'>['limits']
  readonly authenticator: Authenticator
  readonly logger: Logger
  readonly metrics: Metrics
  readonly handle: HandleFrame
  /** A coarse clock for what is noted on every frame. */
  now(): number
  /** Lets an authenticated device in; `undefined` when it is gone already. */
  admit(
    connection: Connection,
    device: Session,
    cursor: string | undefined,
  ): Promise<{ readonly session: DeviceSession; readonly resumed: Resumed } | undefined>
  /** Sends the welcome, which names the cursor that the device goes on from, and what follows. */
  begin(session: DeviceSession, resumed: Resumed, welcome: (cursor: string) => void): void
  disconnected(connection: Connection): void
}

/** One socket: from the challenge to the close. */
export class Connection implements Caller {
  readonly #socket: WebSocket
  readonly #host: ConnectionHost
  readonly #credentials: Credentials
  readonly #bucket: TokenBucket
  readonly writer: SocketWriter
  #state: 'new' | 'greeting' | 'open' | 'closed' = 'new'
  #heardAt: number
  #toldAt: number
  /** Frames refused for their number since one was accepted. */
  #excess = 0
  /** Set once it is known who connects. */
  deviceId: DeviceId | undefined
  /** Set once the device is let in; the welcome follows at once. */
  session: DeviceSession | undefined
  inFlight = 0
  typing: TokenBucket | undefined

  constructor(socket: WebSocket, raw: Duplex, host: ConnectionHost, bearer: string | undefined) {
    this.#socket = socket
    this.#host = host
    this.#credentials = new Credentials(host.authenticator, bearer)
    this.writer = new SocketWriter(raw)
    const now = host.now()
    this.#heardAt = now
    this.#toldAt = now
    this.#bucket = new TokenBucket(host.options.framesPerSecond, host.options.frameBurst, now)
    socket.on('message', (data: Buffer, isBinary: boolean) => this.#receive(data, isBinary))
    socket.on('close', () => this.#closed())
    // A protocol error closes the socket by itself; without a listener it would end the process.
    socket.on('error', () => this.#closed())
    raw.on('drain', () => {
      this.session?.wake()
      if (socket.isPaused) socket.resume()
    })
    this.send({ type: 'challenge', nonce: this.#credentials.nonce })
  }

  get closed(): boolean {
    return this.#state === 'closed'
  }

  send(frame: ServerFrame): void {
    this.writer.send(frameOf(frame))
  }

  refuse(id: string | undefined, error: DomainError): void {
    this.#host.metrics.count('parley_refusals_total', 1, { code: error.code })
    this.writer.send(errorFrame(id, error))
  }

  close(reason: CloseReason): void {
    this.closeWith(CLOSE_CODES[reason].code, reason)
  }

  closeWith(code: number, reason: string): void {
    if (this.closed) return
    this.writer.close()
    this.#socket.close(code, reason)
    this.#closed()
  }

  #closed(): void {
    if (this.closed) return
    this.#state = 'closed'
    this.writer.close()
    this.session?.close()
    this.#host.disconnected(this)
  }

  /** Once a second: deadlines, heartbeats, the end of the session. */
  tick(now: number): void {
    const { helloTimeoutMs, heartbeatMs } = this.#host.options
    const patience = this.#state === 'open' ? heartbeatMs * PATIENCE : helloTimeoutMs
    if (now - this.#heardAt > patience) return this.close('Timeout')
    if (this.#credentials.isOver(now)) return this.close('NotAuthenticated')
    if (now - this.#toldAt >= heartbeatMs) {
      this.#toldAt = now
      this.send({ type: 'heartbeat' })
    }
    const notice = this.#credentials.notice(now)
    if (notice !== undefined) this.send(notice)
  }

  #receive(data: Buffer, isBinary: boolean): void {
    if (this.closed) return
    const now = this.#host.now()
    // Whoever only chats on without a hello does not gain time.
    if (this.#state === 'open') this.#heardAt = now
    if (isBinary) return this.close('MalformedFrame')
    let id: string | undefined
    try {
      const decoded = decodeFrame(data.toString())
      id = idOf(decoded)
      if (!this.#bucket.take(now)) this.#tooMany(id)
      else {
        this.#excess = 0
        if ('error' in decoded) this.refuse(id, decoded.error)
        else this.#handle(decoded.frame)
      }
    } catch (error) {
      if (error instanceof SyntaxError) return this.close('MalformedFrame')
      this.#host.logger.error({ error }, 'a frame failed')
      this.refuse(id, failed())
    }
    // Whoever does not read its answers is not read either.
    if (this.writer.backlog > this.#host.options.maxBacklogBytes) this.#socket.pause()
  }

  #tooMany(id: string | undefined): void {
    if (++this.#excess > this.#host.options.frameBurst) return this.close('RateLimited')
    this.refuse(id, new DomainError('RateLimited', 'Too many frames in a short time; wait a second and go on.'))
  }

  #handle(frame: ClientFrame): void {
    if (frame.type === 'heartbeat') return
    if (frame.type === 'hello') {
      if (this.#state !== 'new')
        return this.refuse(undefined, new DomainError('InvalidRequest', 'Say hello once, as the first frame.'))
      this.#state = 'greeting'
      this.#hello(frame).catch((error: unknown) => this.#rejected(error))
      return
    }
    if (this.session === undefined)
      return this.refuse(frame.id, new DomainError('NotAuthenticated', 'Wait for the welcome before anything else.'))
    if (frame.type !== 'renew') return this.#host.handle(this, this.session, frame)
    this.#renew(this.session, frame.auth, frame.id).catch((error: unknown) => {
      if (!(error instanceof DomainError)) this.#host.logger.error({ error }, 'a renewal failed')
      this.refuse(frame.id, error instanceof DomainError ? error : failed())
    })
  }

  async #hello({ auth, cursor }: Hello): Promise<void> {
    const device = await this.#credentials.check(auth)
    if (this.closed) return
    const admitted = await this.#host.admit(this, device, cursor)
    if (admitted === undefined || this.closed) return
    const { userId, deviceId, expiresAt } = device
    const { session, resumed } = admitted
    this.#credentials.extend(expiresAt)
    this.#heardAt = this.#host.now()
    this.#state = 'open'
    const ends = new Date(expiresAt).toISOString()
    this.#host.begin(session, resumed, (from) => {
      const { limits } = this.#host
      this.send({ type: 'welcome', userId, deviceId, limits, resumed, cursor: from, expiresAt: ends })
    })
  }

  /** The device could not be let in. */
  #rejected(error: unknown): void {
    if (!(error instanceof DomainError)) this.#host.logger.error({ error }, 'a hello failed')
    const refusal = error instanceof DomainError ? error : failed()
    this.refuse(undefined, refusal)
    this.close(rejectionOf(refusal))
  }

  async #renew(session: DeviceSession, auth: Auth, id: string): Promise<void> {
    const { deviceId, expiresAt } = await this.#credentials.check(auth)
    if (deviceId !== session.deviceId)
      throw new DomainError('Forbidden', 'A connection is renewed by the device that opened it.')
    this.#credentials.extend(expiresAt)
    this.send({ type: 'ok', id })
  }
}

/** Whether the device may try the same again, has to authenticate, or is to give up. */
const rejectionOf = ({ code }: DomainError): CloseReason => {
  switch (code) {
    case 'DeviceRevoked':
      return 'DeviceRevoked'
    case 'Internal':
      return 'Internal'
    case 'Unavailable':
    case 'Busy':
      return 'Unavailable'
    default:
      return 'NotAuthenticated'
  }
}
