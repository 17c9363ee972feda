import type { ServerFrame } from '../protocol/serverFrames.ts'
import type { Acks } from './acks.ts'
import type { ClientEvent } from './clientEvent.ts'
import type { Feed } from './feed.ts'
import type { Outbox } from './outbox.ts'
import { putCursor, type Store } from './store.ts'
import { type Conversations, createTurn, type Turn } from './turn.ts'

/** Frames folded and committed together at most. */
const TURN = 512

export interface InboundDeps {
  readonly store: Store
  readonly self: string
  readonly conversations: Conversations
  /** As stored when the client was created. */
  readonly cursor: string | undefined
  readonly feed: Feed
  readonly outbox: Outbox
  readonly acks: Acks
  readonly emit: (event: ClientEvent) => void
  /** Everything up to now is stored. */
  readonly caughtUp: () => void
  /** Nothing of what waited could be stored: the server has to send it again. */
  readonly failed: (error: unknown) => void
}

export interface Inbound {
  /** Newest cursor that is stored. */
  readonly cursor: string | undefined
  receive(frame: ServerFrame): void
  /** Changes what is stored in a turn of its own, in order with what is received. */
  run<T>(work: (turn: Turn) => Promise<T>): Promise<T>
  /** Resolves when what was received so far is stored. */
  settle(): Promise<void>
}

/** One queue for everything that changes what is stored: frames that came together are committed together. */
export const createInbound = (deps: InboundDeps): Inbound => {
  const { store, self, conversations, feed, outbox, acks } = deps
  let cursor = deps.cursor
  let frames: ServerFrame[] = []
  let working: Promise<void> = Promise.resolve()
  let scheduled = false

  const inTurn = async <T>(work: (turn: Turn) => Promise<T>): Promise<T> => {
    const turn = createTurn(store, conversations, self)
    const result = await work(turn)
    for (const event of await turn.commit()) deps.emit(event)
    return result
  }

  const schedule = () => {
    if (scheduled) return
    scheduled = true
    working = working.then(drain)
  }

  const drain = async () => {
    scheduled = false
    const taken = frames.slice(0, TURN)
    frames = frames.slice(TURN)
    if (frames.length > 0) schedule()
    try {
      await inTurn((turn) => takeAll(turn, taken))
    } catch (error) {
      frames = []
      deps.failed(error)
    }
  }

  const takeAll = async (turn: Turn, taken: readonly ServerFrame[]): Promise<void> => {
    let reached: string | undefined
    let events = 0
    // Answers first: the event of a message ends what its answer began.
    for (const frame of taken) if (frame.type === 'ok' || frame.type === 'error') outbox.answered(turn, frame)
    for (const frame of taken) {
      await take(turn, frame)
      const next = cursorAfter(frame)
      if (next === undefined) continue
      reached = next
      events++
    }
    if (reached === undefined) return
    const stored = reached
    turn.put(putCursor(stored))
    turn.afterCommit(() => {
      cursor = stored
      acks.stored(stored, events)
    })
  }

  const take = async (turn: Turn, frame: ServerFrame): Promise<void> => {
    switch (frame.type) {
      case 'event':
        return feed.takeEvent(turn, frame)
      case 'void':
        return feed.takeVoid(turn, frame)
      case 'state':
        return feed.takeState(turn, frame)
      case 'caughtUp':
        return turn.afterCommit(deps.caughtUp)
      case 'welcome':
        if (frame.resumed === 'cursor') return
        await feed.takeSnapshot(turn, frame.cursor, logOf(cursor) === logOf(frame.cursor))
        return turn.afterCommit(deps.caughtUp)
    }
  }

  return {
    get cursor() {
      return cursor
    },
    receive(frame) {
      frames.push(frame)
      schedule()
    },
    run(work) {
      const done = working.then(() => inTurn(work))
      working = done.then(
        () => {},
        () => {},
      )
      return done
    },
    async settle() {
      while (frames.length > 0 || scheduled) await working
      await working
    },
  }
}

/** What may be acknowledged once the frame is stored. */
const cursorAfter = (frame: ServerFrame): string | undefined => {
  switch (frame.type) {
    case 'welcome':
      return frame.resumed === 'snapshot' ? frame.cursor : undefined
    case 'event':
    case 'void':
    case 'caughtUp':
      return frame.cursor
    default:
      return undefined
  }
}

/** The incarnation of the log that a cursor is of: a restored one has another, and revisions may mean other events. */
export const logOf = (cursor: string | undefined): string | undefined => cursor?.slice(0, cursor.indexOf('-'))
