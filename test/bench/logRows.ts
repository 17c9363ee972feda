import { fileURLToPath } from 'node:url'
import { measure, pairTalks } from './messageRows.ts'
import { runPinned } from './pinnedProcess.ts'
import { type Numbers, note } from './report.ts'
import { launchParley, type RowOptions, type System, signIn, startParley, withSystem } from './systems.ts'
import { RECEIPTS_EVERY, type Resident, type Town, type TownPlan } from './town.ts'

const REBUILD = fileURLToPath(new URL('rebuildAll.ts', import.meta.url))
const PAIRS = 200
/** Pairs that talk while the cost of a message is measured. */
const TALKING = 100

/** About this many events, nearly all of them messages. */
export const logPlan = (events: number): TownPlan => {
  const messages = Math.round((events / PAIRS) * (RECEIPTS_EVERY / (RECEIPTS_EVERY + 1)))
  return { residents: 2 * PAIRS, pairs: PAIRS, groups: [], messages: Array<number>(PAIRS).fill(messages) }
}

export interface LogOptions extends RowOptions {
  /** Is used as it is, and grows: copies of it would keep the disk busy while others are measured. */
  readonly large: Town
}

/** W6: all read models folded anew from the large log, beside reading and parsing it without folding. */
export const rebuilding = async ({ large }: LogOptions): Promise<Numbers> => {
  const numbers: Numbers = {}
  const measured = JSON.parse(await runPinned([REBUILD, large.folder])) as { reading: Numbers; rebuilding: Numbers }
  note(numbers, 'W6, reading alone', measured.reading)
  note(numbers, 'W6, parley', measured.rebuilding)
  return numbers
}

/** W7: from starting the process on the large log to the first device's welcome. */
export const coldStart = async ({ large }: LogOptions): Promise<Numbers> => {
  const startedAt = performance.now()
  const server = await launchParley(large.folder)
  const socket = await signIn(server.url, large.residents[0] as Resident, (opened) => opened, large.cursors.end)
  const seconds = (performance.now() - startedAt) / 1_000
  socket.close()
  await server.stop()
  return { 'W7, parley: s': seconds }
}

/** What a message costs the server when little, and when much, was said before. */
export const logSize = async (options: LogOptions): Promise<Numbers> => {
  const numbers: Numbers = {}
  const load = (town: Town, system: System): Promise<Numbers> =>
    measure(system, { talks: pairTalks(town, TALKING), window: 16, seconds: options.seconds })
  note(numbers, 'small log, parley', await withSystem('parley', options, (system) => load(options.town, system)))
  const system = await startParley(options.large)
  note(numbers, 'large log, parley', await load(options.large, system))
  await system.process.stop()
  return numbers
}
