import type { ConversationId, Position, UserId } from '../../domain/ids.ts'

/** What was sent to a device and is not acknowledged yet. Grows with use: an idle device costs nothing. */
export class AckWindow {
  #positions: Position[] = []
  /** Per position: the conversation and seq where it was somebody else's message, else nothing. */
  #conversations: (ConversationId | undefined)[] = []
  #seqs: number[] = []
  #bytes: number[] = []
  #start = 0
  #pendingBytes = 0

  get size(): number {
    return this.#positions.length - this.#start
  }

  get bytes(): number {
    return this.#pendingBytes
  }

  add(position: Position, bytes: number, conversationId: ConversationId | undefined, seq: number): void {
    this.#positions.push(position)
    this.#conversations.push(conversationId)
    this.#seqs.push(seq)
    this.#bytes.push(bytes)
    this.#pendingBytes += bytes
  }

  /** Cumulative; reports the messages that this acknowledges as delivered to the user. */
  acknowledge(
    upTo: Position,
    userId: UserId,
    delivered: (userId: UserId, conversationId: ConversationId, seq: number) => void,
  ): void {
    let index = this.#start
    for (; index < this.#positions.length && (this.#positions[index] as Position) <= upTo; index++) {
      const conversationId = this.#conversations[index]
      if (conversationId !== undefined) delivered(userId, conversationId, this.#seqs[index] as number)
      this.#pendingBytes -= this.#bytes[index] as number
    }
    this.#start = index
    this.#compact()
  }

  #compact(): void {
    if (this.#start === this.#positions.length) {
      this.#positions = []
      this.#conversations = []
      this.#seqs = []
      this.#bytes = []
      this.#start = 0
    } else if (this.#start > 1_024) {
      this.#positions = this.#positions.slice(this.#start)
      this.#conversations = this.#conversations.slice(this.#start)
      this.#seqs = this.#seqs.slice(this.#start)
      this.#bytes = this.#bytes.slice(this.#start)
      this.#start = 0
    }
  }
}
