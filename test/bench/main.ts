// Measures a built Parley, beside relays that show what the machine would allow. See docs/benchmarks.md.
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { parseArgs } from 'node:util'
import { DRAIN, drain, idle, logins } from './deviceRows.ts'
import { group, groupSize, oneToOne } from './messageRows.ts'
import { pinLoad } from './pinnedProcess.ts'
import { formatReport, makeReport, type Numbers } from './report.ts'
import { newFolder, type RowOptions, startParley } from './systems.ts'
import { buildTown, type Town, type TownPlan } from './town.ts'

const { values } = parseArgs({
  options: {
    only: { type: 'string' },
    rounds: { type: 'string', default: '3' },
    seconds: { type: 'string', default: '4' },
    profile: { type: 'string' },
    json: { type: 'string', default: 'dist/bench.json' },
  },
})
const rounds = Number(values.rounds)
const only = values.only?.split(',')

const ROWS: Readonly<Record<string, (options: RowOptions) => Promise<Numbers>>> = {
  W1: oneToOne,
  W2: group,
  W3: idle,
  W4: drain,
  W5: logins,
  groups: groupSize,
}

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

/** A town whose read models are there, so that no run begins with folding it. */
const settle = async (town: Town): Promise<Town> => {
  const system = await startParley(town)
  await system.settled(undefined)
  await system.process.stop()
  return town
}

pinLoad()
const folder = newFolder()
process.once('exit', () => rmSync(folder, { recursive: true, force: true }))
process.once('SIGINT', () => process.exit(130))

say('building a town')
const town = await settle(await buildTown(join(folder, 'town'), PLAN))
const options: RowOptions = { town, seconds: Number(values.seconds), profile: values.profile }
const measured: Numbers[] = []
for (let round = 1; round <= rounds; round++) {
  const numbers: Numbers = {}
  for (const [name, run] of Object.entries(ROWS)) {
    if (only !== undefined && !only.includes(name)) continue
    say(`round ${round} of ${rounds}: ${name}`)
    Object.assign(numbers, await run(options))
  }
  measured.push(numbers)
}

const report = makeReport(measured, ['npm run bench', ...process.argv.slice(2)].join(' '))
mkdirSync(dirname(values.json), { recursive: true })
writeFileSync(values.json, `${JSON.stringify(report, undefined, 2)}\n`)
process.stdout.write(formatReport(report))
