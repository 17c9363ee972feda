// Reads a whole log, then rebuilds every read model from it, and writes how fast that was: what was built is
// imported, as a server would run it. Argument: the data folder.
import type * as Embedded from '../../infra/composition/embedded.ts'
import type * as Runtime from '../../infra/composition/runtime.ts'
import type * as ProjectorModule from '../../projections/projector.ts'
import type * as Rebuild from '../../projections/rebuild.ts'
import type * as Registry from '../../projections/registry.ts'

const built = (module: string): Promise<unknown> => import(new URL(`../../dist/${module}.js`, import.meta.url).href)
const { openEmbedded } = (await built('infra/composition/embedded')) as typeof Embedded
const { createLogger, createNewId, systemClock } = (await built('infra/composition/runtime')) as typeof Runtime
const { createProjector } = (await built('projections/projector')) as typeof ProjectorModule
const { rebuild } = (await built('projections/rebuild')) as typeof Rebuild
const { PROJECTIONS } = (await built('projections/registry')) as typeof Registry

const PAGE = 1_000
const HOUR_MS = 3_600_000
/** Memory is compared with what it was at this part of the way. */
const WARM = 0.1

const [folder = ''] = process.argv.slice(2)
const clock = systemClock
const logger = createLogger({ logLevel: 'warn' })
const onFatal = (error: Error): never => {
  throw error
}
const metrics = { count: () => {}, gauge: () => {}, observe: () => {} }
const engines = await openEmbedded(folder, { clock, newId: createNewId(clock), logger, onFatal })
const { log } = engines
const projector = createProjector({ ...engines, clock, logger, metrics, projections: PROJECTIONS })
await projector.start()
const head = await log.head()
const names = PROJECTIONS.map(({ name }) => name)
if (head === undefined || !(await projector.waitFor(names, head, HOUR_MS))) throw new Error('the log cannot be folded')

const readAll = async (): Promise<number> => {
  let events = 0
  for (let from: 'start' | typeof head = 'start'; ; ) {
    const page = await log.readAll({ from, maxCount: PAGE })
    const last = page.at(-1)
    if (last === undefined) return events
    for (const { data, metadata } of page) if (data === undefined || metadata === undefined) throw new Error('no event')
    events += page.length
    from = last.position
  }
}

const perSecond = (events: number, startedAt: number): number => (events * 1_000) / (performance.now() - startedAt)

const readingSince = performance.now()
const events = await readAll()
const reading = { 'events/s': perSecond(events, readingSince) }

let before = 0
let most = 0
const rebuildingSince = performance.now()
await rebuild(
  { ...engines, projector, clock },
  {
    projections: PROJECTIONS,
    onProgress: ({ share }) => {
      const resident = process.memoryUsage.rss()
      if (share < WARM) before = resident
      most = Math.max(most, resident)
    },
  },
)
const rebuilding = { 'events/s': perSecond(events, rebuildingSince), 'MiB more': (most - before) / 2 ** 20 }
await projector.stop()
await engines.close()
process.stdout.write(JSON.stringify({ reading, rebuilding }))
