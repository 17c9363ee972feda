import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createDispatch, type Dispatch, type DispatchDeps } from '../../commands/dispatch.ts'
import type { EventStore } from '../../domain/eventsourcing/eventStore.ts'
import type { RecordedEvent } from '../../domain/eventsourcing/message.ts'
import type { StreamName } from '../../domain/ids.ts'
import type { Logger, NewId } from '../../domain/ports.ts'
import { createNewId } from '../../infra/composition/runtime.ts'
import { createEmbeddedEventStore } from '../../infra/embedded/eventStore.ts'
import { createEmbeddedState, type EmbeddedState } from '../../infra/embedded/state.ts'

/** The write side on embedded storage in a folder of its own, at a time that tests set. */
export interface Backend extends EmbeddedState {
  readonly store: EventStore
  readonly dispatch: Dispatch
  /** What the dispatch was made from: another one is another node on the same log. */
  readonly deps: DispatchDeps
  readonly newId: NewId
  readonly clock: () => number
  advance(ms: number): void
  eventsOf(stream: StreamName): Promise<readonly Pick<RecordedEvent, 'type' | 'data'>[]>
  /** The same folder in another process, as far as it can tell. */
  restart(): Promise<Backend>
}

export const silent: Logger = { debug() {}, info() {}, warn() {}, error() {} }

export const openBackend = async (): Promise<Backend> => {
  const folder = mkdtempSync(join(tmpdir(), 'parley-'))
  let now = Date.parse('2026-03-01T12:00:00.000Z')
  const clock = () => now
  const newId = createNewId(clock)

  const open = async (): Promise<Backend> => {
    const state = createEmbeddedState({ file: join(folder, 'state.db'), clock })
    const store = createEmbeddedEventStore({
      file: join(folder, 'log.db'),
      onFatal: (error) => {
        throw error
      },
    })
    const deps: DispatchDeps = {
      store,
      snapshots: state.snapshots,
      incarnation: 'test',
      snapshotEvery: 1_000,
      clock,
      newId,
      logger: silent,
      pause: async () => undefined,
      maxStreams: 100,
      maxQueue: 100,
      limits: {
        maxGroupSize: 8,
        maxContentBytes: 1_000,
        editWindowMs: 900_000,
        deleteWindowMs: 3_600_000,
        maxDevices: 3,
      },
      lookup: { find: async () => 'unknown' },
    }
    const close = async () => {
      await store.close()
      await state.close()
    }
    return {
      ...state,
      store,
      dispatch: createDispatch(deps),
      deps,
      newId,
      clock,
      advance(ms) {
        now += ms
      },
      async eventsOf(stream) {
        const events = await store.readStream(stream, { maxCount: 1_000 })
        return events.map(({ type, data }) => ({ type, data }))
      },
      async restart() {
        await close()
        return open()
      },
      async close() {
        await close()
        rmSync(folder, { recursive: true, force: true })
      },
    }
  }
  return open()
}
