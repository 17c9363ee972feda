import type { Dispatch } from '../../commands/dispatch.ts'
import { type CommandId, type ConversationId, SYSTEM_USER, type UserId } from '../../domain/ids.ts'
import type { Logger, NewId } from '../../domain/ports.ts'

interface Advance {
  delivered: number
  read: number
}

export interface ReceiptCollectorDeps {
  readonly dispatch: Pick<Dispatch, 'submit'>
  readonly newId: NewId
  readonly logger: Logger
}

/** Gathers what devices acknowledged and read, so that a conversation has about one receipts event a second. */
export class ReceiptCollector {
  readonly #deps: ReceiptCollectorDeps
  #pending = new Map<ConversationId, Map<UserId, Advance>>()

  constructor(deps: ReceiptCollectorDeps) {
    this.#deps = deps
  }

  delivered(userId: UserId, conversationId: ConversationId, seq: number): void {
    const advance = this.#advance(userId, conversationId)
    if (seq > advance.delivered) advance.delivered = seq
  }

  read(userId: UserId, conversationId: ConversationId, upTo: number): void {
    const advance = this.#advance(userId, conversationId)
    if (upTo > advance.read) advance.read = upTo
  }

  #advance(userId: UserId, conversationId: ConversationId): Advance {
    let users = this.#pending.get(conversationId)
    if (users === undefined) {
      users = new Map()
      this.#pending.set(conversationId, users)
    }
    let advance = users.get(userId)
    if (advance === undefined) {
      advance = { delivered: 0, read: 0 }
      users.set(userId, advance)
    }
    return advance
  }

  /** Resolves when everything gathered before the call is durable. What fails is gathered again. */
  async flush(): Promise<boolean> {
    const pending = this.#pending
    if (pending.size === 0) return true
    this.#pending = new Map()
    const outcomes = await Promise.all([...pending].map(([id, users]) => this.#append(id, users)))
    return outcomes.every(Boolean)
  }

  #append(conversationId: ConversationId, users: ReadonlyMap<UserId, Advance>): Promise<boolean> {
    const advances = [...users].map(([userId, { delivered, read }]) => ({ userId, delivered, read }))
    const meta = { actor: { userId: SYSTEM_USER }, commandId: this.#deps.newId() as CommandId }
    return new Promise((resolve) => {
      this.#deps.dispatch.submit({ type: 'AdvanceReceipts', conversationId, advances }, meta, (outcome) => {
        if (!(outcome instanceof Error)) return resolve(true)
        this.#deps.logger.warn({ code: outcome.code, conversationId }, 'receipts wait for the next attempt')
        for (const { userId, delivered, read } of advances) {
          this.delivered(userId, conversationId, delivered)
          this.read(userId, conversationId, read)
        }
        resolve(false)
      })
    })
  }
}
