import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import type { PositionedEvent } from '../../domain/eventsourcing/message.ts'
import type { Logger, Metrics } from '../../domain/ports.ts'
import { createEmbeddedEventStore } from '../../infra/embedded/eventStore.ts'
import { createEmbeddedReadModelStore } from '../../infra/embedded/readModelStore.ts'
import { createDirectory } from '../../projections/directory.ts'
import { createInbox } from '../../projections/inbox.ts'
import type { Projection } from '../../projections/projection.ts'
import { createProjector, type Projector, type ProjectorDeps } from '../../projections/projector.ts'
import { createReceipts } from '../../projections/receipts.ts'
import { PROJECTIONS } from '../../projections/registry.ts'
import { createRoster } from '../../projections/roster.ts'
import { createTimeline } from '../../projections/timeline.ts'

export interface ProjectorSettings extends Partial<Pick<ProjectorDeps, 'log' | 'models'>> {
  readonly projections?: readonly Projection[]
  readonly incarnation?: string
  readonly clock?: () => number
}

/** A log and read models on embedded storage in a folder of its own. */
export const openReadSide = () => {
  const folder = mkdtempSync(join(tmpdir(), 'parley-'))
  const log = createEmbeddedEventStore({
    file: join(folder, 'log.sqlite'),
    onFatal: (error) => {
      throw error
    },
  })
  const models = createEmbeddedReadModelStore({ folder: join(folder, 'models') })
  const logged: { readonly fields: object; readonly message: string }[] = []
  const note = (fields: object, message: string) => void logged.push({ fields, message })
  const logger: Logger = { debug() {}, info() {}, warn: note, error: note }
  const metrics: Metrics = { count() {}, gauge() {}, observe() {} }
  const started: Projector[] = []
  let appended = 0

  const names = (projections: readonly Projection[]) => projections.map(({ name }) => name)
  const stopProjectors = async (): Promise<void> => {
    for (const projector of started.splice(0)) await projector.stop()
  }

  return {
    folder,
    log,
    models,
    /** Warnings and errors of the projectors. */
    logged,
    timeline: createTimeline({ log, models }),
    inbox: createInbox({ models }),
    roster: createRoster({ models }),
    receipts: createReceipts({ models }),
    directory: createDirectory({ models }),
    /** Appends those events of a history that the log does not have yet. */
    async append(events: readonly PositionedEvent[]): Promise<void> {
      const added = events.slice(appended)
      appended = events.length
      await Promise.all(
        added.map(({ stream, revision, id, type, data, metadata }) =>
          log.appendToStream(stream, [{ id, type, data, metadata }], {
            expectedRevision: revision === 0 ? 'noStream' : revision - 1,
          }),
        ),
      )
    },
    async startProjector(settings: ProjectorSettings = {}) {
      const defaults = { log, models, projections: PROJECTIONS, incarnation: 'first' }
      const projector = createProjector({ ...defaults, ...settings, logger, metrics })
      started.push(projector)
      await projector.start()
      return projector
    },
    /** Waits until the projector has folded the whole log. */
    async caughtUp(projector: Projector, projections: readonly Projection[] = PROJECTIONS): Promise<void> {
      const head = await log.head()
      if (head !== undefined) expect(await projector.waitFor(names(projections), head, 10_000)).to.equal(true)
    },
    stopProjectors,
    async close(): Promise<void> {
      await stopProjectors()
      await log.close()
      await models.close()
      rmSync(folder, { recursive: true })
    },
  }
}

export type ReadSide = ReturnType<typeof openReadSide>

/** Everything folded, for specs of queries. */
export const foldedReadSide = async (events: readonly PositionedEvent[]): Promise<ReadSide> => {
  const side = openReadSide()
  await side.append(events)
  await side.caughtUp(await side.startProjector())
  return side
}
