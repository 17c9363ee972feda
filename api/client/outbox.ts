import type { ServerFrameOf } from '../protocol/serverFrames.ts'
import { ClientError } from './clientError.ts'
import { type CommandInput, type OutboxRecord, putOutbox, removeOutbox } from './store.ts'
import type { Timers } from './timers.ts'
import type { Turn } from './turn.ts'

/** What the server stored. */
export interface Stored {
  readonly conversationId: string
  readonly revision: number
  /** Messages only. */
  readonly seq?: number
  /** For `atLeast` in queries; absent when it was stored at an earlier attempt. */
  readonly position?: string
}

export interface OutboxDeps {
  readonly timers: Timers
  /** Goes nowhere while there is no connection. */
  readonly send: (frame: CommandInput) => void
  readonly commit: (record: OutboxRecord) => Promise<void>
  /** Something waits for the server in vain. */
  readonly changed: (turn: Turn, record: OutboxRecord) => void
}

export interface Outbox {
  load(records: readonly OutboxRecord[]): void
  /** Stores the command, then sends it until it is answered. Rejects with a `ClientError` when it is refused for good. */
  submit(record: OutboxRecord): Promise<Stored>
  /** Messages of a conversation whose events have not come, oldest first. */
  waiting(conversationId: string): readonly OutboxRecord[]
  get(id: string): OutboxRecord | undefined
  /** A failed message is sent again, or forgotten. */
  retry(turn: Turn, id: string): void
  discard(turn: Turn, id: string): void
  connected(): void
  disconnected(): void
  answered(turn: Turn, frame: ServerFrameOf<'ok'> | ServerFrameOf<'error'>): void
  /** The event of a message is here; answers whether it was one of those that waited. */
  confirmed(turn: Turn, messageId: string, revision: number, seq: number): boolean
  /** The log is another one: what was stored in the old one may not be in it. */
  sendAllAgain(turn: Turn): void
  stop(): void
}

/** Commands that may wait for their answers at once. */
const MAX_IN_FLIGHT = 32
const RETRY_MS = 1_000
/** A frame that was refused without being read is not answered. */
const ANSWER_MS = 15_000

interface Waiter {
  readonly resolve: (stored: Stored) => void
  readonly reject: (error: ClientError) => void
}

/**
 * Commands on their way. One of a conversation at a time: were a later one under way while an earlier one is told to
 * come back, they would change places.
 */
export const createOutbox = ({ timers, send, commit, changed }: OutboxDeps): Outbox => {
  const records = new Map<string, OutboxRecord>()
  const waiters = new Map<string, Waiter>()
  /** Not to be sent before they are stored here. */
  const unstored = new Set<string>()
  const inFlight = new Map<string, () => void>()
  let online = false
  let cancelPause: (() => void) | undefined

  const pump = () => {
    if (!online || cancelPause !== undefined) return
    const busy = new Set<string>()
    for (const record of records.values()) {
      if (record.state !== 'sending') continue
      if (inFlight.size >= MAX_IN_FLIGHT) return
      const lane = laneOf(record)
      if (!busy.has(lane) && !unstored.has(record.id) && !inFlight.has(record.id)) transmit(record)
      busy.add(lane)
    }
  }

  const transmit = (record: OutboxRecord) => {
    inFlight.set(
      record.id,
      timers.after(ANSWER_MS, () => land(record.id)),
    )
    send(record.frame)
  }

  /** Is no longer under way. */
  const recall = (id: string) => {
    inFlight.get(id)?.()
    inFlight.delete(id)
  }

  const land = (id: string) => {
    recall(id)
    pump()
  }

  const pause = () => {
    for (const id of [...inFlight.keys()]) recall(id)
    cancelPause ??= timers.after(RETRY_MS * (1 + timers.random()), () => {
      cancelPause = undefined
      pump()
    })
  }

  const disconnected = () => {
    online = false
    cancelPause?.()
    cancelPause = undefined
    for (const id of [...inFlight.keys()]) recall(id)
  }

  // Memory follows what is stored: should the turn fail, the command is sent and answered again.
  const set = (turn: Turn, record: OutboxRecord) => {
    turn.put(putOutbox(record))
    turn.afterCommit(() => records.set(record.id, record))
  }

  const remove = (turn: Turn, id: string) => {
    turn.put(removeOutbox(id))
    turn.afterCommit(() => records.delete(id))
  }

  const settle = (turn: Turn, id: string, tell: (waiter: Waiter) => void) =>
    turn.afterCommit(() => {
      const waiter = waiters.get(id)
      waiters.delete(id)
      if (waiter !== undefined) tell(waiter)
      land(id)
    })

  const accepted = (turn: Turn, record: OutboxRecord, { conversationId, revision = 0, seq, position }: Ok) => {
    const { id, frame } = record
    if (frame.type === 'SendMessage') {
      const sent = { ...record, state: 'sent' as const, revision, ...(seq !== undefined && { seq }) }
      set(turn, sent)
      changed(turn, sent)
    } else remove(turn, id)
    const stored = {
      conversationId: conversationId ?? laneOf(record),
      revision,
      ...(seq !== undefined && { seq }),
      ...(position !== undefined && { position }),
    }
    settle(turn, id, ({ resolve }) => resolve(stored))
  }

  const refused = (turn: Turn, record: OutboxRecord, error: ClientError) => {
    const { id, frame } = record
    const { code, message } = error
    const failed = { ...record, state: 'failed' as const, error: { code, message } }
    if (frame.type === 'SendMessage') set(turn, failed)
    else remove(turn, id)
    changed(turn, failed)
    settle(turn, id, ({ reject }) => reject(error))
  }

  return {
    load(stored) {
      for (const record of stored) records.set(record.id, record)
    },

    submit(record) {
      const { id } = record
      const answer = new Promise<Stored>((resolve, reject) => waiters.set(id, { resolve, reject }))
      // Nobody has to wait for the answer; it comes as an event as well.
      answer.catch(() => {})
      records.set(id, record)
      unstored.add(id)
      commit(record).then(
        () => {
          unstored.delete(id)
          pump()
        },
        (error: unknown) => {
          unstored.delete(id)
          records.delete(id)
          waiters.get(id)?.reject(new ClientError('StorageFailed', `It could not be stored: ${error}`))
          waiters.delete(id)
          pump()
        },
      )
      return answer
    },

    waiting: (conversationId) =>
      [...records.values()].filter(
        ({ frame }) => frame.type === 'SendMessage' && frame.conversationId === conversationId,
      ),
    get: (id) => records.get(id),

    retry(turn, id) {
      const record = records.get(id)
      if (record?.state !== 'failed') return
      const { error: _, ...rest } = record
      const again = { ...rest, state: 'sending' as const }
      set(turn, again)
      changed(turn, again)
      turn.afterCommit(pump)
    },
    discard(turn, id) {
      if (records.get(id)?.state === 'failed') remove(turn, id)
    },

    connected() {
      online = true
      pump()
    },
    disconnected,

    answered(turn, frame) {
      if (frame.type === 'error' && frame.id === undefined) {
        // It is not known which of the frames was not read.
        if (frame.code === 'RateLimited') pause()
        return
      }
      const record = records.get(frame.id ?? '')
      if (record === undefined || record.state !== 'sending') return
      if (frame.type === 'ok') return accepted(turn, record, frame)
      if (frame.retryable) return pause()
      // The connection was cut off; the next one signs in anew.
      if (frame.code === 'NotAuthenticated' || frame.code === 'TokenExpired') return recall(record.id)
      refused(turn, record, new ClientError(frame.code, frame.message))
    },

    confirmed(turn, messageId, revision, seq) {
      const record = records.get(messageId)
      if (record === undefined) return false
      remove(turn, messageId)
      settle(turn, messageId, ({ resolve }) => resolve({ conversationId: laneOf(record), revision, seq }))
      return true
    },

    sendAllAgain(turn) {
      for (const record of [...records.values()]) {
        if (record.state !== 'sent') continue
        const { revision: _, seq: __, ...rest } = record
        set(turn, { ...rest, state: 'sending' })
      }
    },

    stop() {
      disconnected()
      for (const { reject } of waiters.values())
        reject(new ClientError('Stopped', 'The client was closed; what waits is sent the next time.'))
      waiters.clear()
    },
  }
}

type Ok = ServerFrameOf<'ok'>

/** What has to keep its order: the commands of one conversation. */
const laneOf = ({ id, frame }: OutboxRecord): string => (frame.type === 'StartConversation' ? id : frame.conversationId)
