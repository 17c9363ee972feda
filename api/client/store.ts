import type { ClientFrameInput, CommandType } from '../protocol/clientFrames.ts'
import type { ConversationRecord } from './conversationRecord.ts'
import type { ClientStorage, StorageWrite, StoredValue } from './storage/clientStorage.ts'
import { type TimelineRecord, timelineKey } from './timelineRecord.ts'

/** What the server answers with `ok`, and remembers: sent again it has no second effect. */
export type CommandInput = Extract<ClientFrameInput, { type: CommandType }>

/** A command on its way: sent again, the very same, until the server has answered it. */
export interface OutboxRecord {
  /** UUIDv7, made once: the messageId of a message, else the frame's id. Later commands have greater ids. */
  readonly id: string
  readonly frame: CommandInput
  /** ISO 8601. */
  readonly at: string
  /** `sent`: stored by the server, and its event is still to come. */
  readonly state: 'sending' | 'sent' | 'failed'
  /** Of what was stored; present once `sent`. */
  readonly revision?: number
  readonly seq?: number
  /** Why the server refused it for good; present once `failed`. */
  readonly error?: { readonly code: string; readonly message: string }
}

/** Everything a device keeps besides its identity, and under which keys. */
const CURSOR = 'cursor'
const OUTBOX = 'outbox/'
const CONVERSATIONS = 'conversation/'
const TIMELINE = 'timeline/'

export const putCursor = (value: string): StorageWrite => ({ key: CURSOR, value })
export const putOutbox = (value: OutboxRecord): StorageWrite => ({ key: OUTBOX + value.id, value })
export const removeOutbox = (id: string): StorageWrite => ({ key: OUTBOX + id })
export const putConversation = (value: ConversationRecord): StorageWrite => ({
  key: CONVERSATIONS + value.conversationId,
  value,
})
export const putTimeline = (value: TimelineRecord): StorageWrite => ({
  key: TIMELINE + timelineKey(value.conversationId, value.revision),
  value,
})
/** Everything held of conversations. */
export const removeConversations = (): StorageWrite[] => [under(CONVERSATIONS), under(TIMELINE)]

/** Keys that begin with a prefix ending in `/`; `0` is the character after it. */
const under = (prefix: string) => ({ from: prefix, to: `${prefix.slice(0, -1)}0` })

/** Reads what a device keeps. The storage is its own alone, so that what it holds is of the types that were put. */
export const createStore = (storage: ClientStorage) => {
  const one = async <T extends StoredValue>(key: string): Promise<T | undefined> =>
    (await storage.get([key]))[0] as T | undefined
  const all = async <T>(prefix: string): Promise<T[]> =>
    (await storage.list(under(prefix))).map(({ value }) => value as T)

  return {
    cursor: () => one<string>(CURSOR),
    outbox: () => all<OutboxRecord>(OUTBOX),
    conversations: () => all<ConversationRecord>(CONVERSATIONS),
    timelineRecord: (conversationId: string, revision: number) =>
      one<TimelineRecord>(TIMELINE + timelineKey(conversationId, revision)),
    /** The newest at or above `from` and below `below`, ascending. */
    async timeline(conversationId: string, from: number, below: number, limit: number): Promise<TimelineRecord[]> {
      const entries = await storage.list({
        from: TIMELINE + timelineKey(conversationId, from),
        to: TIMELINE + timelineKey(conversationId, below),
        reverse: true,
        limit,
      })
      return entries.map(({ value }) => value as TimelineRecord).reverse()
    },
    commit: (writes: readonly StorageWrite[]): Promise<void> => storage.commit(writes),
    close: () => storage.close(),
  }
}

export type Store = ReturnType<typeof createStore>
