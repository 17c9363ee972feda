import type { AccountCommand } from '../domain/account/decide.ts'
import type { AccountState } from '../domain/account/state.ts'
import type { ConversationCommand } from '../domain/conversation/decide.ts'
import type { ConversationState } from '../domain/conversation/state.ts'
import type { DomainError } from '../domain/errors.ts'
import type { Actor, DomainEvent } from '../domain/eventsourcing/message.ts'
import type { HandleCommand } from '../domain/handle/decide.ts'
import type { HandleState } from '../domain/handle/state.ts'
import type { CommandId, ConversationId, EventId, HandleHash, Position, UserId } from '../domain/ids.ts'
import type { ReceiptsCommand } from '../domain/receipts/decide.ts'
import type { UserStateCommand } from '../domain/userState/decide.ts'

export type Command = AccountCommand | HandleCommand | ConversationCommand | ReceiptsCommand | UserStateCommand

/** Who commands, and under which identity: the same commandId has one effect. */
export interface CommandMeta {
  readonly actor: Actor
  readonly commandId: CommandId
  /** Default: the commandId. */
  readonly correlationId?: string
  readonly causationId?: EventId
}

/** The command is durable. */
export interface Accepted {
  /** The first event it caused; absent when there was nothing to do. */
  readonly event: DomainEvent | undefined
  /** Of that event; the stream's newest when there is none. */
  readonly revision: number
  /** A position at or after its last event; absent when a repeated command got its original answer. */
  readonly position?: Position
}

export interface Dispatch {
  /** Answers exactly once, after the append of its batch. */
  submit(command: Command, meta: CommandMeta, answer: (outcome: Accepted | DomainError) => void): void
  /** The same as a promise; rejects with the refusal. */
  execute(command: Command, meta: CommandMeta): Promise<Accepted>
  /** States as of now, from cache or stream. Read only. */
  account(userId: UserId): Promise<AccountState>
  handle(hash: HandleHash): Promise<HandleState>
  conversation(id: ConversationId): Promise<ConversationState>
}
