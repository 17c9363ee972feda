import { generateKeyPairSync, type KeyObject, randomUUID, sign } from 'node:crypto'
import { WebSocket } from 'ws'
import { loginText } from '../../api/protocol/loginText.ts'
import { createNewId, systemClock } from '../../infra/composition/runtime.ts'

export const newId = createNewId(systemClock)

// biome-ignore lint/suspicious/noExplicitAny: tests look into frames of every type
export type Frame = any

/** Someone to connect to. */
interface Reachable {
  readonly url: string
  codeFor(address: string): string
}

/** A device that speaks the raw protocol, and remembers what a real one would store. */
export class Device {
  readonly server: Reachable
  readonly userId: string
  readonly deviceId: string
  readonly #key: KeyObject
  #socket: WebSocket | undefined
  #waiting: { readonly matches: (frame: Frame) => boolean; readonly resolve: (frame: Frame) => void }[] = []
  /** Everything that came on this connection. */
  frames: Frame[] = []
  closedWith: number | undefined
  /** What a device keeps: the newest cursor, and per stream what stands at each revision. */
  cursor: string | undefined
  readonly streams = new Map<string, Map<number, Frame>>()
  readonly problems: string[] = []
  /** Stores and acknowledges every event at once, as long as this holds; else it goes by as if unread. */
  acknowledges = true

  private constructor(server: Reachable, userId: string, deviceId: string, key: KeyObject) {
    this.server = server
    this.userId = userId
    this.deviceId = deviceId
    this.#key = key
  }

  /** A new account with its first device. */
  static async register(server: Reachable, handle = `u${randomUUID().slice(0, 12).replace('-', '')}`): Promise<Device> {
    const address = `${handle}@example.org`
    const { registrationId } = await post(server, '/v1/registrations', { handle, displayName: handle, address })
    const code = await eventually(() => server.codeFor(address))
    const { publicKey, key } = newKey()
    const device = { name: 'test device', publicKey }
    const { userId, deviceId } = await post(server, '/v1/accounts', { registrationId, code, device })
    return new Device(server, userId, deviceId, key)
  }

  /** A further device of the same user. */
  async link(name = 'second device'): Promise<Device> {
    const { token } = await this.post('/v1/devices/link-tokens', {})
    const { publicKey, key } = newKey()
    const { userId, deviceId } = await post(this.server, '/v1/devices', { token, name, publicKey })
    return new Device(this.server, userId, deviceId, key)
  }

  sign(nonce: string): { userId: string; deviceId: string; origin: string; signature: string } {
    const { userId, deviceId } = this
    const origin = this.server.url
    const text = loginText({ origin, deviceId: deviceId as never, nonce })
    return { userId, deviceId, origin, signature: sign(null, Buffer.from(text), this.#key).toString('base64url') }
  }

  async token(): Promise<string> {
    const { deviceId } = this
    const { nonce } = await post(this.server, '/v1/sessions/challenges', { deviceId })
    const { accessToken } = await post(this.server, '/v1/sessions', { nonce, ...this.sign(nonce) })
    return accessToken
  }

  #token: Promise<string> | undefined

  /** An authenticated request; answers with status and body. */
  async request(method: string, path: string, body?: unknown, headers: Record<string, string> = {}) {
    this.#token ??= this.token()
    const response = await fetch(`${this.server.url}${path}`, {
      method,
      headers: {
        authorization: `Bearer ${await this.#token}`,
        'idempotency-key': newId(),
        ...(body !== undefined && { 'content-type': 'application/json' }),
        ...headers,
      },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    })
    const text = await response.text()
    return {
      status: response.status,
      headers: response.headers,
      body: text === '' ? undefined : (JSON.parse(text) as Frame),
    }
  }

  async post(path: string, body: unknown): Promise<Frame> {
    const answer = await this.request('POST', path, body)
    if (answer.status >= 300) throw new Error(`POST ${path}: ${JSON.stringify(answer.body)}`)
    return answer.body
  }

  async get(path: string): Promise<Frame> {
    const answer = await this.request('GET', path)
    if (answer.status >= 300) throw new Error(`GET ${path}: ${JSON.stringify(answer.body)}`)
    return answer.body
  }

  /** Connects and waits for the welcome; resumes from the cursor it holds unless told another one. */
  async connect(cursor: string | undefined = this.cursor): Promise<Frame> {
    this.disconnect()
    this.frames = []
    this.closedWith = undefined
    const socket = new WebSocket(`${this.server.url.replace('http', 'ws')}/v1/socket`, 'parley.v1.json')
    this.#socket = socket
    socket.on('message', (data: Buffer) => this.#take(JSON.parse(data.toString()), socket))
    const closed = new Promise<never>((_, reject) => {
      socket.on('error', reject)
      socket.on('close', (code) => {
        if (this.#socket === socket) this.closedWith = code
        reject(new Error(`closed with ${code}`))
      })
    })
    closed.catch(() => {})
    const { nonce } = await Promise.race([this.next((frame) => frame.type === 'challenge'), closed])
    this.send({ type: 'hello', auth: { kind: 'device', ...this.sign(nonce) }, ...(cursor !== undefined && { cursor }) })
    const welcome = await Promise.race([this.next((frame) => frame.type === 'welcome'), closed])
    if (welcome.resumed === 'snapshot') this.cursor = welcome.cursor
    return welcome
  }

  /** Cuts the connection without a word. */
  disconnect(): void {
    this.#socket?.terminate()
    this.#socket = undefined
  }

  send(frame: object): void {
    this.#socket?.send(JSON.stringify(frame))
  }

  get socket(): WebSocket {
    if (this.#socket === undefined) throw new Error('not connected')
    return this.#socket
  }

  /** The answer to a command: `ok` or `error`. */
  async command(frame: { readonly type: string; readonly id?: string } & Record<string, unknown>): Promise<Frame> {
    const id = frame.id ?? newId()
    const answer = this.next((each) => (each.type === 'ok' || each.type === 'error') && each.id === id)
    this.send({ ...frame, id })
    return answer
  }

  say(conversationId: string, text: string, messageId: string = newId()): Promise<Frame> {
    return this.command({ type: 'SendMessage', conversationId, messageId, content: { kind: 'text', text } })
  }

  async startDirect(peer: Device): Promise<string> {
    return (await this.command({ type: 'StartConversation', kind: 'direct', userId: peer.userId })).conversationId
  }

  async startGroup(title: string, members: readonly Device[]): Promise<string> {
    const userIds = members.map(({ userId }) => userId)
    return (await this.command({ type: 'StartConversation', kind: 'group', title, members: userIds })).conversationId
  }

  /** The first frame, of those that came and those to come, that matches. */
  next(matches: (frame: Frame) => boolean, timeoutMs = 10_000): Promise<Frame> {
    const found = this.frames.find(matches)
    if (found !== undefined) return Promise.resolve(found)
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        const types = this.frames.slice(-20).map((frame) => frame.type + (frame.eventType ? `:${frame.eventType}` : ''))
        reject(new Error(`no such frame within ${timeoutMs} ms; the last ones: ${types.join(' ')}`))
      }, timeoutMs)
      this.#waiting.push({
        matches,
        resolve: (frame) => {
          clearTimeout(timer)
          resolve(frame)
        },
      })
    })
  }

  caughtUp(): Promise<Frame> {
    return this.next((frame) => frame.type === 'caughtUp')
  }

  /** Texts of a conversation in order of revision; deleted messages as `null`. */
  texts(conversationId: string): (string | null)[] {
    const stream = this.streams.get(`conversation-${conversationId}`) ?? new Map<number, Frame>()
    return [...stream.entries()]
      .sort(([a], [b]) => a - b)
      .filter(([, frame]) => frame.eventType === 'MessageSent')
      .map(([, frame]) => frame.data.content?.text ?? null)
  }

  /** Waits until a message with this text is there. */
  hears(text: string): Promise<Frame> {
    return this.next((frame) => frame.eventType === 'MessageSent' && frame.data.content?.text === text)
  }

  #take(frame: Frame, socket: WebSocket): void {
    if (socket !== this.#socket) return
    this.frames.push(frame)
    if (this.acknowledges && (frame.type === 'event' || frame.type === 'void')) this.#store(frame)
    if (this.acknowledges && frame.type === 'caughtUp' && (this.cursor === undefined || frame.cursor > this.cursor))
      this.cursor = frame.cursor
    const waiting = this.#waiting
    this.#waiting = []
    for (const each of waiting) {
      if (each.matches(frame)) each.resolve(frame)
      else this.#waiting.push(each)
    }
  }

  /** Checks what every client may rely on: revisions without a gap, each once, cursors in order. */
  #store(frame: Frame): void {
    let stream = this.streams.get(frame.stream)
    if (stream === undefined) {
      stream = new Map()
      this.streams.set(frame.stream, stream)
    }
    const from = frame.type === 'void' ? frame.from : frame.revision
    const to = frame.type === 'void' ? frame.to : frame.revision
    const head = Math.max(-1, ...(stream.size > 0 ? [lastKey(stream)] : []))
    if (from > head + 1) this.problems.push(`gap in ${frame.stream}: ${head} then ${from}`)
    if (frame.type === 'event' && stream.has(frame.revision) && frame.cursor > (this.cursor ?? ''))
      this.problems.push(`${frame.stream}@${frame.revision} came twice`)
    for (let revision = from; revision <= to; revision++) if (!stream.has(revision)) stream.set(revision, frame)
    if (this.cursor !== undefined && frame.cursor < this.cursor)
      this.problems.push(`cursor went back to ${frame.cursor}`)
    this.cursor = frame.cursor
    this.send({ type: 'ack', cursor: frame.cursor })
  }
}

const lastKey = (stream: ReadonlyMap<number, Frame>): number => {
  let last = -1
  for (const key of stream.keys()) if (key > last) last = key
  return last
}

const newKey = (): { publicKey: string; key: KeyObject } => {
  const { publicKey, privateKey } = generateKeyPairSync('ed25519')
  return { publicKey: publicKey.export({ format: 'jwk' }).x as string, key: privateKey }
}

const post = async ({ url }: Reachable, path: string, body: object): Promise<Frame> => {
  const response = await fetch(`${url}${path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  })
  const answer = (await response.json()) as Frame
  if (!response.ok) throw new Error(`POST ${path}: ${JSON.stringify(answer)}`)
  return answer
}

/** Tries again until it does not throw. */
export const eventually = async <T>(attempt: () => T | Promise<T>, timeoutMs = 10_000): Promise<T> => {
  const deadline = Date.now() + timeoutMs
  for (;;) {
    try {
      return await attempt()
    } catch (error) {
      if (Date.now() > deadline) throw error
      await new Promise((resolve) => setTimeout(resolve, 20))
    }
  }
}
