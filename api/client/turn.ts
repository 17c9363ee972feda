import type { ClientEvent } from './clientEvent.ts'
import { isKnown, viewConversation } from './conversation.ts'
import { type ConversationRecord, newConversation } from './conversationRecord.ts'
import type { StorageWrite } from './storage/clientStorage.ts'
import { putConversation, putTimeline, type Store } from './store.ts'
import { type TimelineRecord, timelineKey } from './timelineRecord.ts'

/** The conversations of this device, as stored. */
export type Conversations = Map<string, ConversationRecord>

/**
 * What is received together is folded over what is stored, committed in one piece, and only then taken over and told:
 * when anything fails nothing has happened.
 */
export interface Turn {
  conversation(conversationId: string): ConversationRecord
  setConversation(record: ConversationRecord): void
  timelineRecord(conversationId: string, revision: number): Promise<TimelineRecord | undefined>
  setTimelineRecord(record: TimelineRecord): void
  /** Forgets what was held, before anything is set. */
  clear(): void
  put(...writes: readonly StorageWrite[]): void
  emit(event: ClientEvent): void
  /** Runs after the commit. */
  afterCommit(run: () => void): void
  commit(): Promise<readonly ClientEvent[]>
}

export const createTurn = (store: Store, conversations: Conversations, self: string): Turn => {
  const changed = new Map<string, ConversationRecord>()
  const records = new Map<string, TimelineRecord>()
  const writes: StorageWrite[] = []
  const events: ClientEvent[] = []
  const afterwards: (() => void)[] = []
  let cleared = false

  return {
    conversation: (id) => changed.get(id) ?? (cleared ? undefined : conversations.get(id)) ?? newConversation(id),
    setConversation(record) {
      changed.set(record.conversationId, record)
    },
    async timelineRecord(conversationId, revision) {
      const staged = records.get(timelineKey(conversationId, revision))
      return staged ?? (cleared ? undefined : await store.timelineRecord(conversationId, revision))
    },
    setTimelineRecord(record) {
      records.set(timelineKey(record.conversationId, record.revision), record)
    },
    clear() {
      cleared = true
      changed.clear()
      records.clear()
    },
    put: (...more) => void writes.push(...more),
    emit: (event) => void events.push(event),
    afterCommit: (run) => void afterwards.push(run),

    async commit() {
      const all = [
        ...writes,
        ...Array.from(records.values(), putTimeline),
        ...Array.from(changed.values(), putConversation),
      ]
      if (all.length > 0) await store.commit(all)
      if (cleared) conversations.clear()
      for (const [id, record] of changed) {
        if (isKnown(record)) events.push({ type: 'conversation', conversation: viewConversation(record, self) })
        conversations.set(id, record)
      }
      for (const run of afterwards) run()
      return events
    },
  }
}

export const newOrStored = (conversations: Conversations, id: string): ConversationRecord =>
  conversations.get(id) ?? newConversation(id)
