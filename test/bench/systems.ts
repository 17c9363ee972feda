import { cpSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { Peer } from './exchange.ts'
import { PinnedProcess } from './pinnedProcess.ts'
import { type Resident, signLogin, type Town } from './town.ts'
import { WireSocket } from './wireSocket.ts'

const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url))
const PARLEY = here('../../dist/api/cli/parley.js')
const RELAY = here('relay.ts')

/** What is measured, or what it is measured against: all take the same messages. */
export interface System {
  readonly process: PinnedProcess
  /** Signs a device in; it gets what is said in these conversations from now on. */
  connect(resident: Resident, conversationIds: readonly string[]): Promise<Peer>
  /** Resolves when everything up to a position shows in every read model; by default all there was at the start. */
  settled(position?: string): Promise<void>
}

const startRelay = async (file?: string): Promise<System> => {
  const server = await PinnedProcess.start([RELAY, ...(file === undefined ? [] : [file])], {
    node: ['--import', 'tsx'],
  })
  return {
    process: server,
    async connect(_, conversationIds) {
      const socket = await WireSocket.open(server.url)
      const welcome = next(socket, 'welcome', () => new Peer(socket, true))
      socket.sendText(JSON.stringify({ type: 'hello', conversationIds }))
      return welcome
    },
    settled: async () => {},
  }
}

/** No limit on how often somebody may ask: a bench is what such limits are for. */
const UNLIMITED = {
  PARLEY_FRAMES_PER_SECOND: '1000000',
  PARLEY_FRAME_BURST: '1000000',
  PARLEY_REQUESTS_PER_MINUTE: '10000000',
  PARLEY_REQUESTS_PER_MINUTE_AND_ADDRESS: '10000000',
  PARLEY_LOG_LEVEL: 'warn',
}

export const launchParley = (folder: string): Promise<PinnedProcess> =>
  PinnedProcess.start([PARLEY, 'serve'], {
    environment: { ...UNLIMITED, PARLEY_PORT: '0', PARLEY_DATA: folder },
  })

export const startParley = async (town: Town): Promise<System> => {
  const server = await launchParley(town.folder)
  let token: Promise<string> | undefined
  return {
    process: server,
    async connect(resident) {
      return signIn(server.url, resident, (socket, { cursor }) => {
        // It has nothing to load: its snapshot is complete.
        socket.sendText(JSON.stringify({ type: 'ack', cursor }))
        return new Peer(socket, false)
      })
    },
    async settled(position = town.cursors.end) {
      token ??= signInOverHttp(server.url, town.residents[0] as Resident)
      await readModelsReach(server.url, await token, town, position)
    },
  }
}

/** Connects and waits for the welcome; `admitted` is called before any frame that follows. */
export const signIn = async <T>(
  url: string,
  resident: Resident,
  admitted: (socket: WireSocket, welcome: Frame) => T,
  cursor?: string,
): Promise<T> => {
  let challenge: Promise<Frame> | undefined
  const socket = await WireSocket.open(url, (opening) => {
    challenge = next(opening, 'challenge', (frame) => frame)
  })
  const { nonce } = (await challenge) as Frame
  const welcome = next(socket, 'welcome', (frame) => admitted(socket, frame))
  const auth = { kind: 'device', ...signLogin(resident, url, nonce) }
  socket.sendText(JSON.stringify({ type: 'hello', auth, ...(cursor !== undefined && { cursor }) }))
  return welcome
}

interface Frame {
  readonly type: string
  readonly nonce: string
  readonly cursor: string
}

/** What `use` makes of the next frame, which must be of this type. */
const next = <T>(socket: WireSocket, type: string, use: (frame: Frame) => T): Promise<T> =>
  new Promise((resolve, reject) => {
    socket.onClose = (reason) => reject(new Error(reason))
    socket.onFrame = (bytes, start, end) => {
      socket.onFrame = () => {}
      const text = bytes.toString('utf8', start, end)
      const frame = JSON.parse(text) as Frame
      if (frame.type === type) resolve(use(frame))
      else reject(new Error(`${type} was expected: ${text}`))
    }
  })

const signInOverHttp = async (url: string, resident: Resident): Promise<string> => {
  const { nonce } = await request(url, '/v1/sessions/challenges', { body: { deviceId: resident.deviceId } })
  return (await request(url, '/v1/sessions', { body: { nonce, ...signLogin(resident, url, nonce) } })).accessToken
}

const readModelsReach = async (url: string, token: string, { residents, pairs }: Town, position: string) => {
  const conversation = `/v1/conversations/${pairs[0]}`
  // Between them they need every model.
  const queries = [
    `${conversation}/messages?limit=1&`,
    `${conversation}/receipts?`,
    `/v1/users?userIds=${residents[0]?.userId}&`,
  ]
  for (const query of queries) await request(url, `${query}atLeast=${position}`, { token })
}

const request = async (
  url: string,
  path: string,
  { body, token }: { readonly body?: object; readonly token?: string },
): Promise<{ readonly nonce: string; readonly accessToken: string }> => {
  for (;;) {
    const response = await fetch(`${url}${path}`, {
      headers: {
        ...(body !== undefined && { 'content-type': 'application/json' }),
        ...(token !== undefined && { authorization: `Bearer ${token}` }),
      },
      ...(body !== undefined && { method: 'POST', body: JSON.stringify(body) }),
    })
    const answer = (await response.json()) as { readonly nonce: string; readonly accessToken: string }
    if (response.ok) return answer
    if (response.status !== 503) throw new Error(`${path}: ${JSON.stringify(answer)}`)
    await sleep(5)
  }
}

export const SYSTEMS = ['relay', 'relay+sync', 'parley'] as const

export interface RowOptions {
  /** What every run starts from. */
  readonly town: Town
  /** Measured time of one run; warming up comes on top. */
  readonly seconds: number
  /** Folder for processor profiles of Parley. */
  readonly profile: string | undefined
}

/** Starts a system on data of its own, runs `work`, and throws everything away. */
export const withSystem = async <T>(
  name: (typeof SYSTEMS)[number],
  { town }: RowOptions,
  work: (system: System) => Promise<T>,
): Promise<T> => {
  const folder = newFolder()
  const start = (): Promise<System> => {
    if (name === 'relay') return startRelay()
    if (name === 'relay+sync') return startRelay(join(folder, 'messages'))
    cpSync(town.folder, join(folder, 'data'), { recursive: true })
    return startParley({ ...town, folder: join(folder, 'data') })
  }
  const system = await start()
  try {
    return await work(system)
  } finally {
    await system.process.stop()
    rmSync(folder, { recursive: true, force: true })
  }
}

export const newFolder = (): string => mkdtempSync(join(tmpdir(), 'parley-bench-'))
