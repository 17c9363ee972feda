import { DomainError } from '../domain/errors.ts'
import type { Decider } from '../domain/eventsourcing/decider.ts'
import type { EventStore } from '../domain/eventsourcing/eventStore.ts'
import type { RecordedEvent } from '../domain/eventsourcing/message.ts'
import type { StreamName } from '../domain/ids.ts'
import { CommandWindow, type WindowSnapshot } from './commandWindow.ts'
import type { SnapshotStore } from './ports.ts'

const PAGE = 1_000

/** What the handler holds of one stream: its state and recent commands as of a revision. */
export interface CachedStream<State> {
  readonly stream: StreamName
  state: State
  /** -1 before the first event. */
  revision: number
  window: CommandWindow
  /** False: read on from `revision` before the next decision. */
  current: boolean
  /** Revision of the newest snapshot. */
  snapshotAt: number
}

export interface StreamStatesDeps {
  readonly store: EventStore
  readonly snapshots: SnapshotStore
  readonly incarnation: string
  /** Events after which a stream is snapshotted again. */
  readonly snapshotEvery: number
}

interface SavedState<State> {
  readonly state: State
  readonly window: WindowSnapshot
}

/** Loads, reads on, and snapshots the states of one kind of aggregate. */
export const createStreamStates = <State, Event>(
  deps: StreamStatesDeps,
  decider: Pick<Decider<never, State, Event>, 'initial' | 'evolve' | 'upcast' | 'schema'>,
  stateVersion: number,
) => {
  const fresh = (stream: StreamName): CachedStream<State> => ({
    stream,
    state: decider.initial(),
    revision: -1,
    window: new CommandWindow(),
    current: false,
    snapshotAt: -1,
  })

  const fold = (cached: CachedStream<State>, event: RecordedEvent): void => {
    if (event.metadata.schema > decider.schema)
      throw new DomainError('Unavailable', `Stream ${cached.stream} was written by a newer version; upgrade this node.`)
    const known = decider.upcast(event)
    if (known !== undefined) cached.state = decider.evolve(cached.state, known, event.revision, event.metadata)
    cached.window.add(event.metadata.commandId, event.revision)
    cached.revision = event.revision
  }

  const restore = async (cached: CachedStream<State>): Promise<void> => {
    const snapshot = await deps.snapshots.load(cached.stream)
    if (snapshot?.incarnation !== deps.incarnation || snapshot.version !== stateVersion) return
    const saved = JSON.parse(snapshot.state) as SavedState<State>
    cached.state = saved.state
    cached.window = CommandWindow.restore(saved.window)
    cached.revision = snapshot.revision
    cached.snapshotAt = snapshot.revision
  }

  return {
    fresh,

    /** Brings the state to the head of its stream. */
    async readOn(cached: CachedStream<State>): Promise<void> {
      if (cached.revision < 0) await restore(cached)
      for (;;) {
        const events = await deps.store.readStream(cached.stream, { from: cached.revision + 1, maxCount: PAGE })
        for (const event of events) fold(cached, event)
        if (events.length < PAGE) break
      }
      cached.current = true
    },

    /** Forgets decisions that did not reach the log. */
    reset(cached: CachedStream<State>): void {
      Object.assign(cached, fresh(cached.stream))
    },

    /** To be called when everything in the state is durable. A lost snapshot costs reading, nothing else. */
    snapshotIfDue(cached: CachedStream<State>, onError: (error: unknown) => void): void {
      if (cached.revision - cached.snapshotAt < deps.snapshotEvery) return
      cached.snapshotAt = cached.revision
      const saved: SavedState<State> = { state: cached.state, window: cached.window.snapshot() }
      deps.snapshots
        .save({
          stream: cached.stream,
          revision: cached.revision,
          incarnation: deps.incarnation,
          version: stateVersion,
          state: JSON.stringify(saved),
        })
        .catch(onError)
    },
  }
}
