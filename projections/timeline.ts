import type { Actor } from '../domain/eventsourcing/message.ts'
import type { CommandId, ConversationId, Position } from '../domain/ids.ts'
import type { Visibility } from './visibility.ts'

/** One revision, or a run of revisions, as one reader may see it. */
export type TimelineItem =
  | {
      readonly kind: 'event'
      readonly revision: number
      readonly position: Position
      readonly eventType: string
      readonly at: string
      readonly actor: Actor
      /** Of a MessageSent. */
      readonly seq?: number
      /** JSON text: as stored, or with the newest visible edit, or `{ messageId, seq, deletedAt }`. */
      readonly dataText: string
    }
  | { readonly kind: 'void'; readonly from: number; readonly to: number; readonly position: Position }

export interface TimelinePage {
  /** Ascending and dense in revisions, whatever the direction of reading. */
  readonly items: readonly TimelineItem[]
  /** Newest revision that the timeline has folded; -1 when it has none. */
  readonly headRevision: number
}

export interface Timeline {
  /** The revisions `from` to at most `from + limit - 1` that the timeline has folded, as the reader may see them. */
  readPage(conversationId: ConversationId, visibility: Visibility, from: number, limit: number): Promise<TimelinePage>
  /** First revision of the conversation whose position is greater than `position`; `undefined` when there is none. */
  revisionAfter(conversationId: ConversationId, position: Position): Promise<number | undefined>
  /** Revision of a message by its id; `undefined` when it is not (yet) there. */
  revisionOf(conversationId: ConversationId, messageId: string): Promise<number | undefined>
  /** See `CommandLookup` in commands/ports.ts. */
  findCommand(conversationId: ConversationId, commandId: CommandId, upTo: number): Promise<number | 'none' | 'unknown'>
  /** Seq of the newest message at or below `position` (0: none) among revisions visible to the reader. */
  seqAt(conversationId: ConversationId, visibility: Visibility, position: Position): Promise<number>
  /** A deletion was seen on the feed: whatever is cached of these revisions is forgotten at once. */
  forget(conversationId: ConversationId, revisions: readonly number[]): void
}
