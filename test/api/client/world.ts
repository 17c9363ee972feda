import { completeRegistration, linkDevice, startRegistration } from '../../../api/client/account.ts'
import type { Client } from '../../../api/client/client.ts'
import type { ClientEvent } from '../../../api/client/clientEvent.ts'
import { createClient } from '../../../api/client/createClient.ts'
import type { ClientStorage } from '../../../api/client/storage/clientStorage.ts'
import { createMemoryData, type MemoryData, openMemoryStorage } from '../../../api/client/storage/memory.ts'
import { systemTimers, type Timers } from '../../../api/client/timers.ts'
import { eventually } from '../../support/device.ts'
import { ServerProcess } from '../../support/serverProcess.ts'
import type { FaultyLine } from './faultyLine.ts'

/** Waits a tenth of the time, and tries again soon. */
const hasty: Timers = {
  ...systemTimers,
  random: () => Math.random() / 10,
  after: (ms, run) => systemTimers.after(ms / 10, run),
  pause: (ms) => systemTimers.pause(ms / 10),
}

/** A server, and lines to it. */
export interface World {
  readonly server: ServerProcess
  register(line: FaultyLine): Promise<Person>
  dispose(): Promise<void>
}

/** The server accepts these lines as ways to reach it. */
export const createWorld = async (
  lines: readonly FaultyLine[],
  settings: Readonly<Record<string, string>> = {},
): Promise<World> => {
  const PARLEY_PUBLIC_ORIGINS = lines.map(({ url }) => url).join(',')
  const server = await ServerProcess.start({ PARLEY_PUBLIC_ORIGINS, ...settings })
  for (const line of lines) line.target = server.url
  return {
    server,
    async register(line) {
      const handle = `u${crypto.randomUUID().slice(0, 12).replace('-', '')}`
      const address = `${handle}@example.org`
      const data = createMemoryData()
      const storage = await openMemoryStorage(data)
      const options = { url: line.url, storage }
      const { registrationId } = await startRegistration(options, { handle, displayName: handle, address })
      const code = await eventually(() => server.codeFor(address))
      await completeRegistration(options, { registrationId, code, deviceName: 'first' })
      await storage.close()
      return Person.open(line, data)
    },
    async dispose() {
      for (const line of lines) line.close()
      await server.dispose()
    },
  }
}

/** A client on a line, and everything it told. */
export class Person {
  readonly line: FaultyLine
  readonly data: MemoryData
  client: Client
  readonly events: ClientEvent[] = []
  #storage: Mortal

  private constructor(line: FaultyLine, data: MemoryData, storage: Mortal, client: Client) {
    this.line = line
    this.data = data
    this.#storage = storage
    this.client = client
    void this.#listen()
  }

  static async open(line: FaultyLine, data: MemoryData): Promise<Person> {
    const storage = await mortal(data)
    return new Person(line, data, storage, await createClient({ url: line.url, storage, timers: hasty }))
  }

  /** A further device of the same user. */
  async link(line: FaultyLine): Promise<Person> {
    const { token } = await this.client.directory.createLinkToken()
    const data = createMemoryData()
    const storage = await openMemoryStorage(data)
    await linkDevice({ url: line.url, storage }, { token, deviceName: 'second' })
    await storage.close()
    return Person.open(line, data)
  }

  async #listen(): Promise<void> {
    for await (const event of this.client.events()) this.events.push(event)
  }

  /** Connects, and waits until everything has arrived. */
  async live(): Promise<void> {
    this.client.connect()
    await this.client.live()
  }

  /** The process dies: what was not committed is lost. It starts again on what was. */
  async crash(): Promise<void> {
    this.#storage.die()
    this.client.close().catch(() => {})
    this.#storage = await mortal(this.data)
    this.client = await createClient({ url: this.line.url, storage: this.#storage, timers: hasty })
    void this.#listen()
  }

  /** Nothing is stored until this is opened again. */
  set stalled(stalled: boolean) {
    this.#storage.stall(stalled)
  }

  /** Waits for an event, of those that came and those to come. */
  async hears<Type extends ClientEvent['type']>(
    type: Type,
    matches: (event: Extract<ClientEvent, { type: Type }>) => boolean = () => true,
  ): Promise<Extract<ClientEvent, { type: Type }>> {
    return eventually(() => {
      const found = this.events.find(
        (event): event is Extract<ClientEvent, { type: Type }> =>
          event.type === type && matches(event as Extract<ClientEvent, { type: Type }>),
      )
      if (found === undefined) throw new Error(`no ${type} event: ${JSON.stringify(this.events.slice(-10))}`)
      return found
    })
  }

  hearsText(text: string): Promise<ClientEvent> {
    return this.hears('message', ({ message: { content } }) => content?.kind === 'text' && content.text === text)
  }

  /** Texts that were told as new. */
  get told(): string[] {
    return this.events.flatMap((event) =>
      event.type === 'message' && event.message.content?.kind === 'text' ? [event.message.content.text] : [],
    )
  }

  /** Texts of the whole conversation, oldest first. */
  async texts(conversationId: string): Promise<string[]> {
    const texts: string[] = []
    let before: number | undefined
    do {
      const page = await this.client.timeline(conversationId, { limit: 30, ...(before !== undefined && { before }) })
      texts.unshift(
        ...page.items.flatMap((item) =>
          item.kind === 'message' ? [item.content?.kind === 'text' ? item.content.text : '(deleted)'] : [],
        ),
      )
      before = page.before
    } while (before !== undefined)
    return texts
  }

  close(): Promise<void> {
    return this.client.close()
  }
}

interface Mortal extends ClientStorage {
  die(): void
  stall(stalled: boolean): void
}

/** A storage that can die with its process, or be slow. */
const mortal = async (data: MemoryData): Promise<Mortal> => {
  const storage = await openMemoryStorage(data)
  let dead = false
  let stalled = false
  let goOn = () => {}
  let gate = Promise.resolve()
  const alive = async <T>(work: () => Promise<T>): Promise<T> => {
    if (dead) throw new Error('this process is dead')
    return work()
  }
  return {
    get: (keys) => alive(() => storage.get(keys)),
    list: (range) => alive(() => storage.list(range)),
    commit: async (writes) => {
      await gate
      return alive(() => storage.commit(writes))
    },
    close: async () => {
      if (!dead) await storage.close()
    },
    die() {
      dead = true
      data.open = false
      goOn()
    },
    stall(now) {
      if (now === stalled) return
      stalled = now
      goOn()
      if (now)
        gate = new Promise<void>((resolve) => {
          goOn = resolve
        })
    },
  }
}
