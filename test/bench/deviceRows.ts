import { setTimeout as sleep } from 'node:timers/promises'
import { Peer } from './exchange.ts'
import type { Numbers } from './report.ts'
import { type RowOptions, type System, signIn, withSystem } from './systems.ts'
import type { Resident, Town } from './town.ts'
import { WireSocket } from './wireSocket.ts'

/** The measured ones come after others, so that nothing is done for the first time. */
const WARM_UP = 400
const IDLE = 2_000
const AT_ONCE = 32

export const DRAIN = { pairs: 6, messages: 10_000 } as const
const DRAINS_TO_WARM_UP = 2

/**
 * W3: memory that a connected device takes which says nothing. Everybody was connected before, so that what is
 * kept of accounts, and pages of the databases, are there; what that took is told apart.
 */
export const idle = (options: RowOptions): Promise<Numbers> =>
  withSystem('parley', options, async (system) => {
    const { first, measured } = split(options.town)
    let peers: Peer[] = []
    const connectAll = (residents: readonly Resident[]) =>
      someAtOnce(residents, async (resident) => peers.push(await system.connect(resident, [])))
    const disconnectAll = (): void => {
      for (const { socket } of peers) socket.close()
      peers = []
    }
    const kibEach = (bytes: number): number => bytes / 1_024 / measured.length

    await connectAll(first)
    const empty = await system.process.heldMemory()
    await connectAll(measured)
    const full = await system.process.heldMemory()
    disconnectAll()
    const before = await system.process.heldMemory()
    await connectAll(measured)
    const after = await system.process.heldMemory()
    disconnectAll()
    const held = Math.max(after.rss - before.rss, after.heapUsed + after.external - before.heapUsed - before.external)
    return {
      'W3, parley: KiB/connection': kibEach(held),
      'W3, parley: KiB/connection the first time': kibEach(full.rss - empty.rss),
    }
  })

/** W4: devices that were offline fetch what they missed, one after another. */
export const drain = (options: RowOptions): Promise<Numbers> =>
  withSystem('parley', options, async (system) => {
    const { residents, pairs, cursors } = options.town
    const first = pairs.length - DRAIN.pairs
    let elapsed = 0
    let measured = 0
    for (let i = 0; i < DRAIN.pairs; i++) {
      const recipient = residents[2 * (first + i) + 1] as Resident
      const startedAt = performance.now()
      await fetchMissed(system, recipient, cursors.settled)
      if (i < DRAINS_TO_WARM_UP) continue
      elapsed += performance.now() - startedAt
      measured += DRAIN.messages
    }
    return { 'W4, parley: messages/s': (measured * 1_000) / elapsed }
  })

const fetchMissed = async (system: System, resident: Resident, cursor: string): Promise<void> => {
  const all = await signIn(
    system.process.url,
    resident,
    (socket) => {
      const peer = new Peer(socket, false)
      return new Promise<void>((resolve) => {
        peer.onEvent = (number) => {
          if (number + 1 < DRAIN.messages) return
          resolve()
          peer.socket.close()
        }
      })
    },
    cursor,
  )
  return all
}

/**
 * W5: connections a second; to Parley up to the welcome, to the relay bare. Everybody was here before and resumes
 * from where they were, as after an outage of the network.
 */
export const logins = async (options: RowOptions): Promise<Numbers> => {
  const { measured } = split(options.town)
  const rate = (name: 'relay' | 'parley', connect: (url: string, resident: Resident) => Promise<WireSocket>) =>
    withSystem(name, options, async ({ process: { url } }) => {
      const once = async (resident: Resident): Promise<void> => (await connect(url, resident)).close()
      await someAtOnce(measured, once)
      // What devices acknowledged is stored once a second.
      await sleep(1_500)
      const startedAt = performance.now()
      await someAtOnce(measured, once)
      return (measured.length * 1_000) / (performance.now() - startedAt)
    })
  const { end } = options.town.cursors
  return {
    'W5, relay: connects/s': await rate('relay', (url) => WireSocket.open(url)),
    'W5, parley: logins/s': await rate('parley', (url, resident) => signIn(url, resident, (socket) => socket, end)),
  }
}

const split = ({ residents }: Town) => ({
  first: residents.slice(IDLE, IDLE + WARM_UP),
  measured: residents.slice(0, IDLE),
})

const someAtOnce = async (residents: readonly Resident[], work: (resident: Resident) => Promise<unknown>) => {
  const left = [...residents]
  const worker = async (): Promise<void> => {
    for (let resident = left.pop(); resident !== undefined; resident = left.pop()) await work(resident)
  }
  await Promise.all(Array.from({ length: AT_ONCE }, worker))
}
