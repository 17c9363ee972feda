import { join } from 'node:path'
import { exchange, type Peer, type Route } from './exchange.ts'
import { type Numbers, note } from './report.ts'
import { type RowOptions, SYSTEMS, type System, withSystem } from './systems.ts'
import { BODY, type Resident, type Town } from './town.ts'

const WARM_UP_SECONDS = 1.5

/** One conversation of the load: the first of its members writes. */
interface Talk {
  readonly conversationId: string
  readonly members: readonly Resident[]
}

interface Load {
  readonly talks: readonly Talk[]
  /** Messages that every sender has under way. */
  readonly window: number
  readonly seconds: number
  /** File for a processor profile of what is measured. */
  readonly profile?: string | undefined
}

/** Messages until every recipient and every read model has the last one. */
export const measure = async (system: System, { talks, window, seconds, profile }: Load): Promise<Numbers> => {
  const routes = await connectAll(system, talks)
  const load = { window, text: BODY }
  const warmUp = await exchange(routes, { ...load, seconds: WARM_UP_SECONDS })
  await system.settled(warmUp.position)

  if (profile !== undefined) await system.process.startProfile()
  const before = { at: performance.now(), cpu: system.process.cpuMs(), own: process.cpuUsage() }
  const { messages, latencies, position } = await exchange(routes, { ...load, seconds })
  await system.settled(position)
  const elapsed = performance.now() - before.at
  const own = process.cpuUsage(before.own)
  const cpu = system.process.cpuMs() - before.cpu
  if (profile !== undefined) await system.process.writeProfile(profile)
  for (const { sender, recipients } of routes) for (const peer of [sender, ...recipients]) peer.socket.close()
  return {
    'messages/s': (messages * 1_000) / elapsed,
    'p50 ms': quantile(latencies, 0.5),
    'p99 ms': quantile(latencies, 0.99),
    'cpu ms/1,000': (cpu * 1_000) / messages,
    'load cpu': (own.user + own.system) / 1_000 / elapsed,
  }
}

const connectAll = async (system: System, talks: readonly Talk[]): Promise<Route[]> => {
  const routes: Route[] = []
  for (const { conversationId, members } of talks) {
    const peers: Peer[] = []
    for (const member of members) peers.push(await system.connect(member, [conversationId]))
    const [sender, ...recipients] = peers as [Peer, ...Peer[]]
    routes.push({ conversationId, sender, recipients })
  }
  return routes
}

const quantile = (sorted: readonly number[], q: number): number =>
  sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * q))] ?? Number.NaN

export const pairTalks = ({ pairs, residents }: Town, count: number): Talk[] =>
  pairs.slice(0, count).map((conversationId, i) => ({ conversationId, members: residents.slice(2 * i, 2 * i + 2) }))

const groupTalk = ({ groups, residents }: Town, size: number, online: number): Talk => ({
  conversationId: groups.get(size) as string,
  members: residents.slice(0, online),
})

const timing = ({ seconds, profile }: RowOptions, subject: string): Pick<Load, 'seconds' | 'profile'> => ({
  seconds,
  profile:
    profile && subject.endsWith('parley') ? join(profile, `${subject.replaceAll(/\W+/g, '-')}.cpuprofile`) : undefined,
})

const PAIRS = 100

/** W1: one-to-one, at 100 and at 1,600 messages under way. */
export const oneToOne = async (options: RowOptions): Promise<Numbers> => {
  const numbers: Numbers = {}
  for (const window of [1, 16])
    for (const name of SYSTEMS) {
      const subject = `W1 at ${PAIRS * window}, ${name}`
      const load = { talks: pairTalks(options.town, PAIRS), window, ...timing(options, subject) }
      note(numbers, subject, await withSystem(name, options, (system) => measure(system, load)))
    }
  return numbers
}

const GROUP = 100

/** W2: one member of a group writes, all the others are there. */
export const group = async (options: RowOptions): Promise<Numbers> => {
  const numbers: Numbers = {}
  for (const name of SYSTEMS) {
    const subject = `W2, ${name}`
    const load = { talks: [groupTalk(options.town, GROUP, GROUP)], window: 16, ...timing(options, subject) }
    const measured = await withSystem(name, options, (system) => measure(system, load))
    note(numbers, subject, { ...measured, 'deliveries/s': (measured['messages/s'] ?? 0) * (GROUP - 1) })
  }
  return numbers
}

/** What a message costs the server in a small and in a large group, when only its sender is there. */
export const groupSize = async (options: RowOptions): Promise<Numbers> => {
  const numbers: Numbers = {}
  for (const size of [2, 1_024]) {
    const subject = `group of ${size}, parley`
    const [pair] = pairTalks(options.town, 1) as [Talk]
    const talk = size === 2 ? { ...pair, members: pair.members.slice(0, 1) } : groupTalk(options.town, size, 1)
    const load = { talks: [talk], window: 64, ...timing(options, subject) }
    note(numbers, subject, await withSystem('parley', options, (system) => measure(system, load)))
  }
  return numbers
}
