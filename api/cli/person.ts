import {
  type Client,
  type ClientEvent,
  type ClientStorage,
  completeRegistration,
  createClient,
  linkDevice,
  type Message,
  openMemoryStorage,
  startRegistration,
} from '../client/index.ts'
import type { DemoServer } from './demoServer.ts'
import { textOf } from './print.ts'

const PATIENCE_MS = 15_000

/** Somebody in the demo with one device, who remembers what was seen. */
export class Person {
  readonly name: string
  readonly device: string
  readonly client: Client
  readonly #seen: ClientEvent[] = []
  readonly #waiting = new Set<() => void>()

  private constructor(name: string, device: string, client: Client) {
    this.name = name
    this.device = device
    this.client = client
    void this.#watch()
  }

  static async register(server: DemoServer, name: string, device: string): Promise<Person> {
    const options = { url: server.url, storage: await openMemoryStorage() }
    const handle = name.toLowerCase()
    const address = `${handle}@example.org`
    const { registrationId } = await startRegistration(options, { handle, displayName: name, address })
    const code = await server.codeFor(address)
    await completeRegistration(options, { registrationId, code, deviceName: device })
    return Person.#open(name, device, server.url, options.storage)
  }

  /** A further device of the same person, linked with a one-time token. */
  async link(device: string, url: string): Promise<Person> {
    const storage = await openMemoryStorage()
    const { token } = await this.client.directory.createLinkToken()
    await linkDevice({ url, storage }, { token, deviceName: device })
    return Person.#open(this.name, device, url, storage)
  }

  static async #open(name: string, device: string, url: string, storage: ClientStorage): Promise<Person> {
    const client = await createClient({ url, storage })
    const person = new Person(name, device, client)
    client.connect()
    await client.live()
    return person
  }

  async #watch(): Promise<void> {
    for await (const event of this.client.events()) {
      this.#seen.push(event)
      for (const look of this.#waiting) look()
    }
  }

  /** The first event, seen or to come, that matches. */
  async sees<Seen extends ClientEvent>(matches: (event: ClientEvent) => event is Seen): Promise<Seen>
  async sees(matches: (event: ClientEvent) => boolean): Promise<ClientEvent>
  async sees(matches: (event: ClientEvent) => boolean): Promise<ClientEvent> {
    const found = this.#seen.find(matches)
    if (found !== undefined) return found
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error(`${this.name} waited in vain`)), PATIENCE_MS)
      const look = (): void => {
        const event = this.#seen.findLast(matches)
        if (event === undefined) return
        clearTimeout(timer)
        this.#waiting.delete(look)
        resolve(event)
      }
      this.#waiting.add(look)
    })
  }

  /** The message with this text, as it arrives here. */
  async hears(text: string): Promise<Message> {
    const event = await this.sees(
      (each): each is Extract<ClientEvent, { type: 'message' }> =>
        each.type === 'message' && textOf(each.message) === text,
    )
    return event.message
  }

  /** Waits until an own message has been delivered to, or read by, everybody it was sent to. */
  async awaitStatus(message: Message, status: 'delivered' | 'read'): Promise<void> {
    await this.sees(() => {
      const now = this.client.refresh(message).status
      return now === status || now === 'read'
    })
  }
}
