// Measures a built Parley, beside relays that show what the machine would allow. See docs/benchmarks.md.
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { parseArgs } from 'node:util'
import { DRAIN, drain, idle, logins } from './deviceRows.ts'
import { coldStart, type LogOptions, logPlan, logSize, rebuilding } from './logRows.ts'
import { group, groupSize, oneToOne } from './messageRows.ts'
import { pinLoad } from './pinnedProcess.ts'
import { formatReport, makeReport, type Numbers } from './report.ts'
import { newFolder, type RowOptions, startParley } from './systems.ts'
import { buildTown, type Town, type TownPlan } from './town.ts'

const { values } = parseArgs({
  options: {
    only: { type: 'string' },
    rounds: { type: 'string', default: '3' },
    seconds: { type: 'string', default: '3' },
    profile: { type: 'string' },
    full: { type: 'boolean', default: false },
    json: { type: 'string', default: 'dist/bench.json' },
  },
})
const rounds = Number(values.rounds)
const only = values.only?.split(',')
const LARGE_LOG = values.full ? 10_000_000 : 1_000_000
const SMALL_LOG = LARGE_LOG / 10

/** Enough people for every row; the last pairs have a long conversation that one side has not seen. */
const PLAN: TownPlan = {
  residents: 2_400,
  pairs: 100 + DRAIN.pairs,
  groups: [100, 1_024],
  messages: [...Array<number>(100).fill(0), ...Array<number>(DRAIN.pairs).fill(DRAIN.messages)],
}

const say = (text: string): void => {
  process.stderr.write(`${text}\n`)
}

pinLoad()
const folder = newFolder()
process.once('exit', () => rmSync(folder, { recursive: true, force: true }))
process.once('SIGINT', () => process.exit(130))

/** Built when a row needs it first; its read models are there, so that no run begins with folding it. */
const townOf = (name: string, plan: TownPlan): (() => Promise<Town>) => {
  let building: Promise<Town> | undefined
  const build = async (): Promise<Town> => {
    say(`building the ${name}`)
    const town = await buildTown(join(folder, name.replaceAll(' ', '-')), plan)
    const system = await startParley(town)
    await system.settled()
    await system.process.stop()
    return town
  }
  return () => {
    building ??= build()
    return building
  }
}

const town = townOf('town', PLAN)
const small = townOf('small log', logPlan(SMALL_LOG))
const large = townOf('large log', logPlan(LARGE_LOG))

const timing = { seconds: Number(values.seconds), profile: values.profile }
const inTown = (row: (options: RowOptions) => Promise<Numbers>) => async () => row({ ...timing, town: await town() })
const onLogs = (row: (options: LogOptions) => Promise<Numbers>) => async () =>
  row({ ...timing, town: await small(), large: await large() })

const ROWS: Readonly<Record<string, () => Promise<Numbers>>> = {
  W1: inTown(oneToOne),
  W2: inTown(group),
  W3: inTown(idle),
  W4: inTown(drain),
  W5: inTown(logins),
  groups: inTown(groupSize),
  W6: onLogs(rebuilding),
  W7: onLogs(coldStart),
  logs: onLogs(logSize),
}

const measured: Numbers[] = []
for (let round = 1; round <= rounds; round++) {
  const numbers: Numbers = {}
  for (const [name, run] of Object.entries(ROWS)) {
    if (only !== undefined && !only.includes(name)) continue
    say(`round ${round} of ${rounds}: ${name}`)
    Object.assign(numbers, await run())
  }
  measured.push(numbers)
}

const report = makeReport(measured, ['npm run bench --', ...process.argv.slice(2)].join(' '))
mkdirSync(dirname(values.json), { recursive: true })
writeFileSync(values.json, `${JSON.stringify(report, undefined, 2)}\n`)
process.stdout.write(formatReport(report))
