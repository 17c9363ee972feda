import { randomBytes } from 'node:crypto'
import type { Duplex } from 'node:stream'
import type { WebSocket } from 'ws'
import type { Accepted, CommandMeta } from '../../commands/dispatch.ts'
import type { MessageSent } from '../../domain/conversation/events.ts'
import { DomainError } from '../../domain/errors.ts'
import type { CommandId, DeviceId, Position } from '../../domain/ids.ts'
import type { ClientFrame, CommandFrame } from '../protocol/clientFrames.ts'
import { decodeCursor } from '../protocol/cursor.ts'
import { CLOSE_CODES } from '../protocol/errorTables.ts'
import type { ServerFrame } from '../protocol/serverFrames.ts'
import { toCommand } from '../toCommand.ts'
import { type Decoded, decodeFrame } from './decodeFrame.ts'
import type { DeviceSession } from './deviceSession.ts'
import { errorFrame, frameOf, messageOkFrame } from './frames.ts'
import type { Gateway } from './gateway.ts'
import { SocketWriter } from './socketWriter.ts'
import { TokenBucket } from './tokenBucket.ts'

type Hello = Extract<ClientFrame, { type: 'hello' }>
type Auth = NonNullable<Hello['auth']>
export type CloseReason = keyof typeof CLOSE_CODES

/** Time before the end of a session at which the device is told. */
const EXPIRY_NOTICE_MS = 60_000

/** One socket: from the challenge to the close. */
export class Connection {
  readonly #socket: WebSocket
  readonly #gateway: Gateway
  readonly #bearer: string | undefined
  readonly #bucket: TokenBucket
  readonly writer: SocketWriter
  #state: 'new' | 'greeting' | 'open' | 'closed' = 'new'
  #nonce = newNonce()
  #heardAt: number
  #toldAt: number
  #expiresAt = Number.POSITIVE_INFINITY
  #expiryTold = false
  #meta: CommandMeta['actor'] | undefined
  /** Set once it is known who connects. */
  deviceId: DeviceId | undefined
  /** Set once the device is let in; the welcome follows at once. */
  session: DeviceSession | undefined
  /** Commands that wait for their answer. */
  inFlight = 0
  /** Set until the device says that it has loaded its snapshot: where its acknowledgements stood before. */
  #snapshotFrom: { readonly from: Position | undefined; readonly to: Position } | undefined

  constructor(socket: WebSocket, raw: Duplex, gateway: Gateway, bearer: string | undefined) {
    this.#socket = socket
    this.#gateway = gateway
    this.#bearer = bearer
    this.writer = new SocketWriter(raw)
    const now = gateway.deps.clock()
    this.#heardAt = now
    this.#toldAt = now
    this.#bucket = new TokenBucket(gateway.options.framesPerSecond, gateway.options.frameBurst, now)
    socket.on('message', (data: Buffer, isBinary: boolean) => this.#receive(data, isBinary))
    socket.on('close', () => this.#closed())
    // A protocol error closes the socket by itself; without a listener it would end the process.
    socket.on('error', () => {})
    raw.on('drain', () => {
      this.session?.wake?.()
      if (socket.isPaused) socket.resume()
    })
    this.send({ type: 'challenge', nonce: this.#nonce })
  }

  send(frame: ServerFrame): void {
    this.writer.send(frameOf(frame))
  }

  close(reason: CloseReason): void {
    this.closeWith(CLOSE_CODES[reason].code, reason)
  }

  closeWith(code: number, reason: string): void {
    if (this.#state === 'closed') return
    this.writer.flush()
    this.#socket.close(code, reason)
    this.#closed()
  }

  terminate(): void {
    this.#socket.terminate()
  }

  #closed(): void {
    if (this.#state === 'closed') return
    this.#state = 'closed'
    this.session?.close()
    this.#gateway.disconnected(this)
  }

  /** Once a second: deadlines, heartbeats, the end of the session. */
  tick(now: number): void {
    const { helloTimeoutMs, heartbeatMs } = this.#gateway.options
    const patience = this.#state === 'open' ? heartbeatMs * 2.5 : helloTimeoutMs
    if (now - this.#heardAt > patience) {
      this.close('Timeout')
      return this.terminate()
    }
    if (now - this.#toldAt >= heartbeatMs) {
      this.#toldAt = now
      this.send({ type: 'heartbeat' })
    }
    if (now >= this.#expiresAt) return this.close('NotAuthenticated')
    if (now >= this.#expiresAt - EXPIRY_NOTICE_MS && !this.#expiryTold) {
      this.#expiryTold = true
      this.#nonce = newNonce()
      this.send({ type: 'expiring', at: new Date(this.#expiresAt).toISOString(), nonce: this.#nonce })
    }
  }

  #receive(data: Buffer, isBinary: boolean): void {
    if (this.#state === 'closed') return
    const now = this.#gateway.now()
    this.#heardAt = now
    if (isBinary) return this.close('MalformedFrame')
    try {
      const decoded = decodeFrame(data.toString())
      if (!this.#bucket.take(now)) this.#refuse(idOf(decoded), rateLimited())
      else if ('error' in decoded) this.#refuse(decoded.id, decoded.error)
      else this.#handle(decoded.frame)
    } catch (error) {
      if (error instanceof SyntaxError) return this.close('MalformedFrame')
      this.#gateway.deps.logger.error({ error }, 'a frame failed')
      this.#refuse(undefined, new DomainError('Internal', 'The server failed; try the same again later.'))
    }
    // Whoever does not read its answers is not read either.
    if (this.writer.backlog > this.#gateway.options.maxBacklogBytes) this.#socket.pause()
  }

  #refuse(id: string | undefined, error: DomainError): void {
    this.#gateway.deps.metrics.count('parley_refusals_total', 1, { code: error.code })
    this.writer.send(errorFrame(id, error))
  }

  #handle(frame: ClientFrame): void {
    if (frame.type === 'hello') {
      if (this.#state !== 'new')
        return this.#refuse(undefined, new DomainError('InvalidRequest', 'Say hello once, as the first frame.'))
      this.#state = 'greeting'
      this.#hello(frame).catch((error: unknown) => this.#failed(error))
      return
    }
    const { session } = this
    if (frame.type === 'heartbeat') return
    if (session === undefined) {
      const id = 'id' in frame ? frame.id : undefined
      return this.#refuse(id, new DomainError('NotAuthenticated', 'Wait for the welcome before anything else.'))
    }
    switch (frame.type) {
      case 'ack':
        return this.#ack(session, frame.cursor, frame.id)
      case 'read':
        return this.#attempt(frame.id, this.#gateway.read(session, frame.conversationId, frame.upTo))
      case 'typing':
        if (!this.#gateway.push.routing.isMember(session.userId, frame.conversationId))
          return this.#refuse(frame.id, new DomainError('NotFound', 'There is no such conversation, or you left it.'))
        return this.#gateway.presence.typing(session, frame.conversationId, frame.active)
      case 'presence':
        return this.#attempt(frame.id, this.#gateway.presence.watch(session, frame.watch))
      case 'renew':
        return this.#attempt(frame.id, this.#renew(session, frame.auth, frame.id))
      default:
        return this.#command(session, frame)
    }
  }

  #attempt(id: string | undefined, work: Promise<void>): void {
    work.catch((error: unknown) => {
      if (error instanceof DomainError) return this.#refuse(id, error)
      this.#gateway.deps.logger.error({ error }, 'a frame failed')
      this.#refuse(id, new DomainError('Internal', 'The server failed; try the same again later.'))
    })
  }

  /** The device could not be let in. */
  #failed(error: unknown): void {
    if (!(error instanceof DomainError)) {
      this.#gateway.deps.logger.error({ error }, 'a hello failed')
      return this.close('Internal')
    }
    this.#refuse(undefined, error)
    if (error.code === 'DeviceRevoked') this.close('DeviceRevoked')
    else this.close(error.code === 'Unavailable' ? 'Unavailable' : 'NotAuthenticated')
  }

  async #hello({ auth, cursor }: Hello): Promise<void> {
    const who = await this.#authenticate(auth)
    if (this.#state === 'closed') return
    const admitted = await this.#gateway.admit(this, who, cursor)
    if (admitted === undefined || this.closed) return
    const { session, resumed } = admitted
    this.#meta = { userId: who.userId, deviceId: who.deviceId }
    this.#expiresAt = who.expiresAt
    this.#snapshotFrom = admitted.snapshotFrom
    this.#state = 'open'
    this.send({
      type: 'welcome',
      userId: who.userId,
      deviceId: who.deviceId,
      limits: this.#gateway.limits,
      resumed,
      cursor: this.#gateway.push.cursor(session.sentTo),
      expiresAt: new Date(who.expiresAt).toISOString(),
    })
    this.#gateway.begin(session, resumed)
  }

  get closed(): boolean {
    return this.#state === 'closed'
  }

  #authenticate(auth: Auth | undefined) {
    const { authenticator } = this.#gateway.deps
    if (auth?.kind === 'device') return authenticator.byDeviceKey({ ...auth, nonce: this.#nonce })
    const token = auth?.token ?? this.#bearer
    if (token === undefined)
      throw new DomainError('NotAuthenticated', 'Say hello with a token, or with the nonce signed by the device key.')
    return authenticator.byToken(token)
  }

  async #renew(session: DeviceSession, auth: Auth, id: string): Promise<void> {
    const who = await this.#authenticate(auth)
    if (who.deviceId !== session.deviceId)
      throw new DomainError('Forbidden', 'A connection is renewed by the device that opened it.')
    this.#expiresAt = who.expiresAt
    this.#expiryTold = false
    this.send({ type: 'ok', id })
  }

  #ack(session: DeviceSession, cursor: string, id: string | undefined): void {
    const position = decodeCursor(this.#gateway.deps.incarnation, cursor)
    if (position === undefined)
      return this.#refuse(id, new DomainError('InvalidCursor', 'This cursor is not of this log.'))
    if (position > session.offeredTo)
      return this.#refuse(id, new DomainError('AckBeyondSent', 'Acknowledge only what was sent on this connection.'))
    if (this.#snapshotFrom !== undefined) {
      const { from, to } = this.#snapshotFrom
      this.#snapshotFrom = undefined
      this.#attempt(id, this.#gateway.implyDelivered(session.user, from, to))
    }
    this.#gateway.acknowledge(session, position)
  }

  #command(session: DeviceSession, frame: CommandFrame): void {
    if (this.inFlight >= this.#gateway.options.maxInFlight)
      return this.#refuse(frame.id, new DomainError('Busy', 'Too many commands wait for their answer; slow down.'))
    const commandId = (frame.type === 'SendMessage' ? frame.messageId : frame.id) as CommandId
    const command = toCommand(frame, session.userId, commandId)
    const meta: CommandMeta = { actor: this.#meta ?? session, commandId }
    this.inFlight++
    this.#gateway.deps.dispatch.submit(command, meta, (outcome) => {
      this.inFlight--
      if (outcome instanceof Error) return this.#refuse(frame.id, outcome)
      this.#answer(frame, command, outcome)
    })
  }

  #answer(frame: CommandFrame, command: object, { event, revision, position }: Accepted): void {
    const cursor = position === undefined ? undefined : this.#gateway.push.cursor(position)
    if (frame.type === 'SendMessage') {
      const { seq } = (event as MessageSent).data
      return this.writer.send(messageOkFrame(frame.id, frame.messageId, revision, seq, cursor))
    }
    const { conversationId } = command as { conversationId: string }
    this.send({ type: 'ok', id: frame.id, conversationId, revision, ...(cursor !== undefined && { position: cursor }) })
  }
}

const idOf = (decoded: Decoded): string | undefined => {
  if ('error' in decoded) return decoded.id
  return 'id' in decoded.frame ? decoded.frame.id : undefined
}

const newNonce = (): string => randomBytes(32).toString('base64url')

const rateLimited = () => new DomainError('RateLimited', 'Too many frames in a short time; wait a second and go on.')
