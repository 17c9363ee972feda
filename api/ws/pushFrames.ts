import type { PositionedEvent } from '../../domain/eventsourcing/message.ts'
import { type ConversationId, idOf, type Position, type StreamName, type UserId } from '../../domain/ids.ts'
import { eventFrame, frameOf } from './frames.ts'

/** What routing needs of a conversation event's data. */
interface AboutMessage {
  readonly messageId?: string
  readonly seq?: number
  readonly targetRevision?: number
}

export const voidFrame = (cursor: string, stream: StreamName, from: number, to: number): Buffer =>
  frameOf({ type: 'void', cursor, stream, from, to })

/** An event of a conversation on its way to devices: its frame is built when the first recipient needs it. */
export class Pushed {
  readonly event: PositionedEvent
  readonly conversationId: ConversationId
  readonly targetRevision: number | undefined
  /** Of a message that was sent; 0 for anything else. */
  readonly seq: number
  readonly author: UserId
  readonly #cursor: string
  #frame: Buffer | undefined
  #void: Buffer | undefined

  constructor(event: PositionedEvent, cursor: string) {
    const { seq, targetRevision } = event.data as AboutMessage
    this.event = event
    this.conversationId = idOf(event.stream)
    this.targetRevision = targetRevision
    this.seq = event.type === 'MessageSent' ? (seq ?? 0) : 0
    this.author = event.metadata.actor.userId
    this.#cursor = cursor
  }

  get position(): Position {
    return this.event.position
  }

  get frame(): Buffer {
    if (this.#frame !== undefined) return this.#frame
    const { stream, revision, type, metadata, dataText } = this.event
    this.#frame = eventFrame(this.#cursor, stream, revision, type, metadata.at, metadata.actor, dataText)
    return this.#frame
  }

  /** In place of an event that this user may not see. */
  get voidFrame(): Buffer {
    const { stream, revision } = this.event
    this.#void ??= voidFrame(this.#cursor, stream, revision, revision)
    return this.#void
  }

  /** In place of a message, or an edit of one, that was deleted for everyone since. */
  deletedFrame(deletedAt: string): Buffer {
    const { stream, revision, type, metadata, data } = this.event
    const { messageId, seq } = data as AboutMessage
    const dataText = JSON.stringify({ messageId, seq, deletedAt })
    return eventFrame(this.#cursor, stream, revision, type, metadata.at, metadata.actor, dataText)
  }
}
