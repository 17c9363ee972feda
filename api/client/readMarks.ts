import type { ConversationRecord } from './conversationRecord.ts'
import type { Timers } from './timers.ts'
import type { Conversations } from './turn.ts'

const DELAY_MS = 200

export interface ReadMarksDeps {
  readonly timers: Timers
  readonly conversations: Conversations
  /** Goes nowhere while there is no connection. */
  readonly send: (conversationId: string, upTo: number) => void
}

/** Says how far was read: several marks of a conversation at once, and again until the server has stored them. */
export const createReadMarks = ({ timers, conversations, send }: ReadMarksDeps) => {
  const moved = new Set<string>()
  let cancel: (() => void) | undefined

  const flush = () => {
    cancel = undefined
    for (const id of moved) {
      const record = conversations.get(id)
      if (record !== undefined && isUntold(record)) send(id, record.read)
    }
    moved.clear()
  }

  return {
    /** The mark of a conversation has been moved, and stored here. */
    moved(conversationId: string): void {
      moved.add(conversationId)
      cancel ??= timers.after(DELAY_MS, flush)
    },
    repeat(): void {
      for (const [id, record] of conversations) if (isUntold(record)) send(id, record.read)
    },
    stop(): void {
      cancel?.()
    },
  }
}

const isUntold = ({ active, read, readStored }: ConversationRecord): boolean => active && read > readStored

/** Moves the own mark forwards, never beyond the newest message. */
export const markRead = (before: ConversationRecord, seq = before.lastSeq): ConversationRecord => ({
  ...before,
  read: Math.max(before.read, Math.min(seq, before.lastSeq)),
})
