import fc from 'fast-check'
import { accountDecider } from '../../domain/account/decide.ts'
import type { TargetMessage } from '../../domain/conversation/commands.ts'
import { type ConversationCommand, conversationDecider } from '../../domain/conversation/decide.ts'
import type { MessageSent } from '../../domain/conversation/events.ts'
import { DomainError } from '../../domain/errors.ts'
import type { Decider } from '../../domain/eventsourcing/decider.ts'
import type { DomainEvent } from '../../domain/eventsourcing/message.ts'
import {
  accountStream,
  type ConversationId,
  conversationStream,
  type DeviceId,
  type HandleHash,
  type MessageId,
  receiptsStream,
  type StreamName,
  type UserId,
  userStateStream,
} from '../../domain/ids.ts'
import { receiptsDecider } from '../../domain/receipts/decide.ts'
import { userStateDecider } from '../../domain/userState/decide.ts'
import { ALICE, BOB, CAROL, GROUP, OTHER, text } from './conversation.ts'
import { History, START } from './history.ts'

const USERS = [ALICE, BOB, CAROL, '00000000-0000-8000-8000-00000000000d' as UserId]
const CONVERSATIONS = [GROUP, OTHER]
const ACTIONS = [
  ...['send', 'send', 'send', 'send', 'edit', 'edit', 'delete', 'add', 'add', 'remove', 'leave', 'promote'],
  ...['rename', 'receipts', 'receipts', 'readPrivately', 'link', 'revoke', 'profile'],
] as const

/** What somebody tries to do; whether it is allowed is for the deciders to say. */
export interface Move {
  readonly action: string
  readonly conversation: number
  readonly actor: number
  readonly other: number
  /** Picks a message, a device or a seq. */
  readonly pick: number
}

export const anyMoves = (maxLength: number): fc.Arbitrary<readonly Move[]> =>
  fc.array(
    fc.record({
      action: fc.constantFrom(...ACTIONS),
      conversation: fc.nat({ max: CONVERSATIONS.length - 1 }),
      actor: fc.nat({ max: USERS.length - 1 }),
      other: fc.nat({ max: USERS.length - 1 }),
      pick: fc.nat({ max: 30 }),
    }),
    { maxLength },
  )

const LIMITS = {
  maxGroupSize: 10,
  maxContentBytes: 1_000,
  editWindowMs: 3_600_000,
  deleteWindowMs: 3_600_000,
  maxDevices: 3,
}

/** Valid histories: what comes of the moves when every one of them goes through its decider. */
export const historyOf = (moves: readonly Move[]): History => {
  const history = new History()
  const now = () => START + history.events.length * 1_000

  /** An aggregate's stream, decided and evolved as it grows. */
  const run = <Command, State, Event extends DomainEvent, Facts>(
    stream: StreamName,
    decider: Decider<Command, State, Event, Facts>,
  ) => {
    let state = decider.initial()
    return {
      state: () => state,
      attempt(command: Command, userId: UserId, facts: Facts): void {
        const decided = decider.decide(command, state, { now: now(), actor: { userId }, facts })
        if (decided instanceof DomainError) return
        for (const event of decided) {
          const { data, revision, metadata } = history.happened(stream, event, { by: userId })
          state = decider.evolve(state, { ...event, data: structuredClone(data) }, revision, metadata)
        }
      },
    }
  }

  const groups = CONVERSATIONS.map((id) => ({
    id,
    conversation: run(conversationStream(id), conversationDecider(LIMITS)),
    receipts: run(receiptsStream(id), receiptsDecider),
    messages: [] as TargetMessage[],
  }))
  const accounts = USERS.map((userId) => run(accountStream(userId), accountDecider(LIMITS)))
  const userStates = USERS.map((userId) => run(userStateStream(userId), userStateDecider))

  const converse = (at: number, userId: UserId, command: ConversationCommand, target?: TargetMessage): void => {
    const group = groups[at % groups.length] as (typeof groups)[number]
    const before = history.events.length
    group.conversation.attempt(command, userId, { existing: new Set(USERS), ...(target && { target }) })
    for (const { type, data, revision, metadata } of history.events.slice(before)) {
      if (type !== 'MessageSent') continue
      const { messageId, seq } = data as MessageSent['data']
      group.messages.push({ messageId, revision, seq, author: userId, sentAt: Date.parse(metadata.at) })
    }
  }

  USERS.forEach((userId, n) => {
    const device = { deviceId: deviceOf(n, 0), publicKey: 'key', name: 'Phone' }
    const command = { type: 'RegisterAccount', userId, handleHash: String(n) as HandleHash } as const
    accounts[n]?.attempt({ ...command, handle: `user${n}`, displayName: `User ${n}`, device }, userId, undefined)
  })
  CONVERSATIONS.forEach((conversationId, n) => {
    const members = USERS.slice(0, 2 + n)
    converse(n, ALICE, { type: 'StartGroup', conversationId, title: `Group ${n}`, members, mode: 'plain' })
  })

  for (const { action, conversation, actor, other, pick } of moves) {
    const group = groups[conversation] as (typeof groups)[number]
    const conversationId: ConversationId = group.id
    const userId = USERS[actor] as UserId
    const otherId = USERS[other] as UserId
    const target = group.messages[pick % Math.max(1, group.messages.length)]
    const say = (command: ConversationCommand, about?: TargetMessage) => converse(conversation, userId, command, about)
    const account = accounts[actor]
    switch (action) {
      case 'send':
        say({ type: 'SendMessage', conversationId, messageId: messageIdAt(history.events.length), content: text('hi') })
        break
      case 'edit':
        if (target) say({ type: 'EditMessage', conversationId, ...target, content: text(`edit ${pick}`) }, target)
        break
      case 'delete':
        if (target) say({ type: 'DeleteMessage', conversationId, ...target }, target)
        break
      case 'add':
        say({ type: 'AddMembers', conversationId, userIds: [otherId] })
        break
      case 'remove':
        say({ type: 'RemoveMember', conversationId, userId: otherId })
        break
      case 'leave':
        say({ type: 'LeaveConversation', conversationId, successor: otherId })
        break
      case 'promote':
        say({ type: 'ChangeRole', conversationId, userId: otherId, role: pick % 2 === 0 ? 'admin' : 'member' })
        break
      case 'rename':
        say({ type: 'ChangeDetails', conversationId, title: `Title ${pick}` })
        break
      case 'receipts': {
        const advances = [
          { userId, delivered: pick, read: other },
          { userId: otherId, delivered: pick },
        ]
        group.receipts.attempt(
          { type: 'AdvanceReceipts', conversationId, advances },
          userId,
          group.conversation.state(),
        )
        break
      }
      case 'readPrivately':
        userStates[actor]?.attempt({ type: 'ReadPrivately', userId, conversationId, upTo: pick }, userId, undefined)
        break
      case 'link': {
        const device = { deviceId: deviceOf(actor, pick), publicKey: 'key', name: `Device ${pick}` }
        account?.attempt({ type: 'LinkDevice', userId, ...device }, userId, undefined)
        break
      }
      case 'revoke':
        account?.attempt({ type: 'RevokeDevice', userId, deviceId: deviceOf(actor, pick) }, userId, undefined)
        break
      default:
        account?.attempt({ type: 'ChangeProfile', userId, displayName: `Name ${pick}` }, userId, undefined)
    }
  }
  return history
}

const deviceOf = (user: number, n: number): DeviceId =>
  `20000000-0000-8000-8000-${String(user * 1_000 + (n % 5)).padStart(12, '0')}` as DeviceId

const messageIdAt = (place: number): MessageId =>
  `01990000-0000-7000-8b00-${String(place).padStart(12, '0')}` as MessageId
