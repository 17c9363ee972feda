import { mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type ClientOptions, WebSocket } from 'ws'
import { createAuthenticator } from '../../../api/auth/login.ts'
import { createTokens } from '../../../api/auth/tokens.ts'
import { type CreateGatewayDeps, type CreateGatewayOptions, createGateway } from '../../../api/ws/createGateway.ts'
import type { Command } from '../../../commands/dispatch.ts'
import type { CommandId, ConversationId, MessageId, Position } from '../../../domain/ids.ts'
import type { Logger, Metrics } from '../../../domain/ports.ts'
import { createEmbeddedReadModelStore } from '../../../infra/embedded/readModelStore.ts'
import { createEmbeddedSignalBus } from '../../../infra/embedded/signalBus.ts'
import { createDirectory } from '../../../projections/directory.ts'
import { createInbox } from '../../../projections/inbox.ts'
import { createProjector } from '../../../projections/projector.ts'
import { createReceipts } from '../../../projections/receipts.ts'
import { PROJECTIONS } from '../../../projections/registry.ts'
import { createRoster } from '../../../projections/roster.ts'
import { createTimeline } from '../../../projections/timeline.ts'
import { openBackend } from '../../support/backend.ts'
import { eventually, type Frame } from '../../support/device.ts'
import { type Person, registerPerson } from '../../support/people.ts'

export const ORIGIN = 'https://chat.example'
const metrics: Metrics = { count() {}, gauge() {}, observe() {} }
const TICK_MS = 10

const OPTIONS: CreateGatewayOptions = {
  window: 1_000,
  windowBytes: 1_048_576,
  maxFrameBytes: 16_384,
  maxBacklogBytes: 1_048_576,
  maxInFlight: 1_000,
  framesPerSecond: 100_000,
  frameBurst: 100_000,
  heartbeatMs: 25_000,
  helloTimeoutMs: 10_000,
  maxConnections: 1_000,
  maxBehind: 50_000,
  allowedOrigins: ['https://elsewhere.example'],
  reconnectWithinMs: 5_000,
  drainMs: 2_000,
  ringEvents: 1_000,
  ringBytes: 1_048_576,
  tickMs: TICK_MS,
}
const LIMITS = {
  window: 1_000,
  maxFrameBytes: 16_384,
  maxContentBytes: 1_000,
  maxGroupSize: 8,
  editWindowMs: 0,
  deleteWindowMs: 0,
  heartbeatMs: 25_000,
}

/** Log, read models and people in this process, at a time that tests set; nodes are started on it. */
export const openWorld = async () => {
  const backend = await openBackend()
  const { store: log, dispatch, clock, newId, cursors } = backend
  const folder = mkdtempSync(join(tmpdir(), 'parley-'))
  const models = createEmbeddedReadModelStore({ folder })
  const incarnation = '0badcafe-0000-8000-8000-000000000000'
  const logged: string[] = []
  const note = (_: object, message: string) => void logged.push(message)
  const logger: Logger = { debug() {}, info() {}, warn: note, error: note }
  const projector = createProjector({ log, models, projections: PROJECTIONS, incarnation, logger, metrics, clock })
  const tokens = createTokens(
    { dispatch, expiring: backend.expiring, clock },
    { key: Buffer.alloc(32, 7), issuer: 'parley' },
  )
  const timeline = createTimeline({ log, models })
  const reads = {
    timeline,
    inbox: createInbox({ models }),
    roster: createRoster({ models }),
    receipts: createReceipts({ models }),
    directory: createDirectory({ models }),
  }
  const lines: Line[] = []
  const nodes: Node[] = []
  await registerPerson(backend, 'first')
  await projector.start()

  const startNode = async (
    options: Partial<CreateGatewayOptions> = {},
    replaced: Partial<CreateGatewayDeps> = {},
  ): Promise<Node> => {
    const deps: CreateGatewayDeps = {
      ...{ log, dispatch, projector, ...reads, cursors, incarnation, clock, newId, logger, metrics },
      authenticator: createAuthenticator({ dispatch, tokens, clock }, { origins: [ORIGIN] }),
      signals: createEmbeddedSignalBus(),
      ...replaced,
    }
    const head = (await log.head()) as Position
    const gateway = createGateway(deps, { ...OPTIONS, ...options }, LIMITS, head)
    const server = createServer()
    gateway.start(server)
    await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
    const { port } = server.address() as AddressInfo
    let stopped: Promise<void> | undefined
    const node: Node = {
      port,
      gateway,
      stop() {
        stopped ??= gateway.stop().then(() => void server.close())
        return stopped
      },
    }
    nodes.push(node)
    return node
  }

  const execute = (by: Person, command: Command, commandId: string = newId()) =>
    dispatch.execute(command, {
      actor: { userId: by.userId, deviceId: by.deviceId },
      commandId: commandId as CommandId,
    })

  return {
    ...backend,
    ...reads,
    log,
    projector,
    tokens,
    logged,
    startNode,
    execute,
    register: (handle: string) => registerPerson(backend, handle),

    async startGroup(by: Person, members: readonly Person[] = []): Promise<ConversationId> {
      const conversationId = newId() as ConversationId
      const userIds = members.map(({ userId }) => userId)
      await execute(by, { type: 'StartGroup', conversationId, title: 'Friends', members: userIds, mode: 'plain' })
      return conversationId
    },

    async say(by: Person, conversationId: ConversationId, text: string) {
      const messageId = newId() as MessageId
      const content = { kind: 'text' as const, text }
      const { revision } = await execute(by, { type: 'SendMessage', conversationId, messageId, content }, messageId)
      return { conversationId, messageId, revision }
    },

    /** A socket that is open, and said nothing yet. */
    open(node: Node, options: ClientOptions = {}, protocol = 'parley.v1.json'): Line {
      const line = new Line(new WebSocket(`ws://127.0.0.1:${node.port}/v1/socket`, protocol, options))
      lines.push(line)
      return line
    },

    /** A socket whose device was welcomed. */
    async connect(node: Node, person: Person, cursor?: string): Promise<Line> {
      const line = this.open(node)
      await line.hello(await this.tokenOf(person), cursor)
      await line.next((frame) => frame.type === 'welcome')
      return line
    },

    tokenOf: async ({ userId, deviceId }: Person): Promise<string> =>
      (await tokens.issue(userId, deviceId)).accessToken,

    /** Waits until the read models have the whole log. */
    async folded(): Promise<void> {
      const head = (await log.head()) as Position
      await projector.waitFor(
        PROJECTIONS.map(({ name }) => name),
        head,
        10_000,
      )
    },

    async close(): Promise<void> {
      for (const line of lines) line.socket.terminate()
      for (const node of nodes) await node.stop()
      await projector.stop()
      await models.close()
      await backend.close()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

export type World = Awaited<ReturnType<typeof openWorld>>

export interface Node {
  readonly port: number
  readonly gateway: ReturnType<typeof createGateway>
  stop(): Promise<void>
}

/** The other end of a socket, which does only what it is told to. */
export class Line {
  readonly socket: WebSocket
  readonly frames: Frame[] = []
  closedWith: number | undefined
  #waiting: (() => void)[] = []

  constructor(socket: WebSocket) {
    this.socket = socket
    socket.on('message', (data: Buffer) => {
      this.frames.push(JSON.parse(data.toString()))
      this.#wake()
    })
    socket.on('close', (code) => {
      this.closedWith = code
      this.#wake()
    })
    socket.on('error', () => {})
  }

  #wake(): void {
    for (const wake of this.#waiting.splice(0)) wake()
  }

  /** The first frame that matches, of those that came and those to come. */
  async next(matches: (frame: Frame) => boolean): Promise<Frame> {
    for (;;) {
      const found = this.frames.find(matches)
      if (found !== undefined) return found
      if (this.closedWith !== undefined) throw new Error(`closed with ${this.closedWith}`)
      await new Promise<void>((resolve) => this.#waiting.push(resolve))
    }
  }

  async closed(): Promise<number> {
    while (this.closedWith === undefined) await new Promise<void>((resolve) => this.#waiting.push(resolve))
    return this.closedWith
  }

  async hello(token: string, cursor?: string): Promise<void> {
    await this.next((frame) => frame.type === 'challenge')
    this.send({ type: 'hello', auth: { kind: 'token', token }, ...(cursor !== undefined && { cursor }) })
  }

  send(frame: object | string): void {
    this.socket.send(typeof frame === 'string' ? frame : JSON.stringify(frame))
  }

  /** Resolves when everything sent before was taken. */
  async taken(): Promise<void> {
    const pong = new Promise((resolve) => this.socket.once('pong', resolve))
    this.socket.ping()
    await Promise.race([pong, this.closed()])
  }

  /** Acknowledges the newest cursor. */
  acknowledge(): string {
    const { cursor } = this.frames.findLast((frame) => frame.cursor !== undefined)
    this.send({ type: 'ack', cursor })
    return cursor
  }

  /** Acknowledges everything that comes, from now on. */
  acknowledgeAll(): void {
    this.socket.on('message', (data: Buffer) => {
      const { type, cursor } = JSON.parse(data.toString())
      if (type === 'event' || type === 'void') this.send({ type: 'ack', cursor })
    })
    if (this.frames.some((frame) => frame.type === 'event' || frame.type === 'void')) this.acknowledge()
  }

  sees(conversationId: ConversationId, revision: number): Promise<Frame> {
    return this.next((frame) => frame.stream === `conversation-${conversationId}` && frame.revision === revision)
  }

  caughtUp(): Promise<Frame> {
    return this.next((frame) => frame.type === 'caughtUp')
  }

  hears(text: string): Promise<Frame> {
    return this.next((frame) => frame.data?.content?.text === text)
  }

  /** What came of a conversation: revisions, or ranges of them that are void. */
  sights(conversationId: ConversationId): (number | string)[] {
    return this.frames
      .filter(({ stream }) => stream === `conversation-${conversationId}`)
      .map(({ type, revision, from, to }) => (type === 'void' ? `${from}-${to}` : revision))
  }

  /** The revision up to which arithmetic holds, for a device that has `head`; throws where it would find a gap. */
  head(conversationId: ConversationId, head = -1): number {
    for (const frame of this.frames) {
      if (frame.stream !== `conversation-${conversationId}`) continue
      const [from, to] = frame.type === 'void' ? [frame.from, frame.to] : [frame.revision, frame.revision]
      if (from > head + 1) throw new Error(`a gap: ${head}, then ${from}`)
      head = Math.max(head, to)
    }
    return head
  }

  cut(): Promise<number> {
    this.socket.terminate()
    return this.closed()
  }
}

export { eventually }
