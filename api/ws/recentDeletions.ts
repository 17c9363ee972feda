import type { PositionedEvent } from '../../domain/eventsourcing/message.ts'
import { type ConversationId, idOf, type Position } from '../../domain/ids.ts'

/** Deletions that whoever still reads older events from memory has to heed. */
export class RecentDeletions {
  readonly #deletions = new Map<string, { readonly position: Position; readonly at: string }>()
  /** Of deletions up to here only the timeline knows. */
  forgottenTo: Position

  constructor(from: Position) {
    this.forgottenTo = from
  }

  /** `isNeeded`: whether a deletion at that position may still concern somebody. */
  remember(event: PositionedEvent, isNeeded: (position: Position) => boolean): void {
    const { targetRevision } = event.data as { targetRevision: number }
    const { position, metadata } = event
    this.#deletions.set(keyOf(idOf(event.stream), targetRevision), { position, at: metadata.at })
    for (const [key, oldest] of this.#deletions) {
      if (isNeeded(oldest.position)) break
      this.#deletions.delete(key)
      this.forgottenTo = oldest.position
    }
  }

  /** ISO 8601 when the message was deleted, as far as this node remembers. */
  deletedAt(conversationId: ConversationId, revision: number): string | undefined {
    if (this.#deletions.size === 0) return undefined
    return this.#deletions.get(keyOf(conversationId, revision))?.at
  }
}

const keyOf = (conversationId: ConversationId, revision: number): string => `${conversationId}/${revision}`
