import { type AccountCommand, type AccountLimits, accountDecider } from '../domain/account/decide.ts'
import type { AccountEvent } from '../domain/account/events.ts'
import type { AccountState } from '../domain/account/state.ts'
import type { ConversationFacts, ConversationLimits } from '../domain/conversation/commands.ts'
import { type ConversationCommand, conversationDecider } from '../domain/conversation/decide.ts'
import type { ConversationEvent } from '../domain/conversation/events.ts'
import type { ConversationState } from '../domain/conversation/state.ts'
import type { DomainError } from '../domain/errors.ts'
import type { RecordedEvent } from '../domain/eventsourcing/message.ts'
import { type HandleCommand, handleDecider } from '../domain/handle/decide.ts'
import type { HandleEvent } from '../domain/handle/events.ts'
import type { HandleState } from '../domain/handle/state.ts'
import {
  accountStream,
  type ConversationId,
  categoryOf,
  conversationStream,
  type HandleHash,
  handleStream,
  idOf,
  receiptsStream,
  type UserId,
  userStateStream,
} from '../domain/ids.ts'
import { type ReceiptsCommand, type ReceiptsFacts, receiptsDecider } from '../domain/receipts/decide.ts'
import type { ReceiptsEvent } from '../domain/receipts/events.ts'
import type { ReceiptsState } from '../domain/receipts/state.ts'
import { type UserStateCommand, userStateDecider } from '../domain/userState/decide.ts'
import type { UserStateEvent } from '../domain/userState/events.ts'
import type { UserStateState } from '../domain/userState/state.ts'
import { type Aggregate, type CommandHandlerDeps, createCommandHandler } from './commandHandler.ts'
import { createConversationFacts, weighConversationEvent } from './conversationFacts.ts'
import type { Accepted, Answer, CommandMeta } from './decideBatch.ts'
import { findByReading } from './findOld.ts'
import type { CommandLookup } from './ports.ts'

export type { Accepted, CommandMeta } from './decideBatch.ts'

export type Command = AccountCommand | HandleCommand | ConversationCommand | ReceiptsCommand | UserStateCommand

export interface Dispatch {
  /** Answers exactly once, after the append of its batch. */
  submit(command: Command, meta: CommandMeta, answer: (outcome: Accepted | DomainError) => void): void
  /** The same as a promise; rejects with the refusal. */
  execute(command: Command, meta: CommandMeta): Promise<Accepted>
  /** States as of now, from cache or stream. Read only, and only at once: they go on evolving. */
  account(userId: UserId): Promise<AccountState>
  handle(hash: HandleHash): Promise<HandleState>
  conversation(id: ConversationId): Promise<ConversationState>
  /** Tells of an event in the log, so that no cached state stays behind. */
  observe(event: RecordedEvent): void
}

export type Limits = ConversationLimits & AccountLimits

export interface DispatchDeps extends CommandHandlerDeps {
  readonly limits: Limits
  readonly lookup: CommandLookup
}

/** Command type -> its aggregate's handler and stream. */
export const createDispatch = (deps: DispatchDeps): Dispatch => {
  const byReading: Aggregate<never, never, never, never>['findOld'] = (stream, id, oldest) =>
    findByReading(deps.store, stream, id, oldest)

  const accounts = createCommandHandler<AccountCommand, AccountState, AccountEvent, undefined>(deps, {
    decider: accountDecider(deps.limits),
    streamOf: (command) => accountStream(command.userId),
    factsFor: () => undefined,
    weigh: () => 0,
    findOld: byReading,
    stateVersion: 1,
  })
  const handles = createCommandHandler<HandleCommand, HandleState, HandleEvent, undefined>(deps, {
    decider: handleDecider,
    streamOf: (command) => handleStream(command.handleHash),
    factsFor: () => undefined,
    weigh: () => 0,
    findOld: byReading,
    stateVersion: 1,
  })
  const conversations = createCommandHandler<
    ConversationCommand,
    ConversationState,
    ConversationEvent,
    ConversationFacts
  >(deps, {
    decider: conversationDecider(deps.limits),
    streamOf: (command) => conversationStream(command.conversationId),
    factsFor: createConversationFacts(deps.store, (userId) => accounts.state(accountStream(userId))),
    weigh: weighConversationEvent,
    findOld: (stream, id, oldest) => deps.lookup.find(idOf(stream), id, oldest),
    stateVersion: 2,
  })
  const receipts = createCommandHandler<ReceiptsCommand, ReceiptsState, ReceiptsEvent, ReceiptsFacts>(deps, {
    decider: receiptsDecider,
    streamOf: (command) => receiptsStream(command.conversationId),
    factsFor: (command) => conversations.state(conversationStream(command.conversationId)),
    weigh: (event) => 128 * event.data.advances.length,
    findOld: byReading,
    stateVersion: 2,
  })
  const userStates = createCommandHandler<UserStateCommand, UserStateState, UserStateEvent, undefined>(deps, {
    decider: userStateDecider,
    streamOf: (command) => userStateStream(command.userId),
    factsFor: () => undefined,
    weigh: () => 0,
    findOld: byReading,
    stateVersion: 1,
  })

  const submit = (command: Command, meta: CommandMeta, answer: Answer): void => {
    switch (command.type) {
      case 'RegisterAccount':
      case 'LinkDevice':
      case 'RenameDevice':
      case 'RevokeDevice':
      case 'ChangeProfile':
      case 'ChangePrivacy':
        return accounts.submit(command, meta, answer)
      case 'ReserveHandle':
      case 'ClaimHandle':
      case 'ReleaseHandle':
        return handles.submit(command, meta, answer)
      case 'AdvanceReceipts':
        return receipts.submit(command, meta, answer)
      case 'ReadPrivately':
        return userStates.submit(command, meta, answer)
      default:
        return conversations.submit(command, meta, answer)
    }
  }

  return {
    submit,
    execute: (command, meta) =>
      new Promise((resolve, reject) => {
        submit(command, meta, (outcome) => (outcome instanceof Error ? reject(outcome) : resolve(outcome)))
      }),
    account: (userId) => accounts.state(accountStream(userId)),
    handle: (hash) => handles.state(handleStream(hash)),
    conversation: (id) => conversations.state(conversationStream(id)),
    observe(event) {
      switch (categoryOf(event.stream)) {
        case 'account':
          return accounts.observe(event)
        case 'handle':
          return handles.observe(event)
        case 'conversation':
          return conversations.observe(event)
        case 'receipts':
          return receipts.observe(event)
        case 'userState':
          return userStates.observe(event)
        case 'log':
          return
      }
    },
  }
}
