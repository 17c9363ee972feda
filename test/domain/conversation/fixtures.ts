import type { ConversationLimits, TargetMessage } from '../../../domain/conversation/commands.ts'
import { conversationDecider } from '../../../domain/conversation/decide.ts'
import type { ConversationEvent, MessageSent, Role } from '../../../domain/conversation/events.ts'
import type { ConversationId, MessageId, UserId } from '../../../domain/ids.ts'
import { by, type Past } from '../../support/decider.ts'

export const alice = 'aaaaaaaa-0000-8000-8000-000000000001' as UserId
export const bob = 'bbbbbbbb-0000-8000-8000-000000000002' as UserId
export const carol = 'cccccccc-0000-8000-8000-000000000003' as UserId
export const conversationId = 'dddddddd-0000-8000-8000-000000000004' as ConversationId
export const messageId = '01920000-0000-7000-8000-000000000005' as MessageId
export const otherMessageId = '01920000-0000-7000-8000-000000000006' as MessageId

export const limits: ConversationLimits = {
  maxGroupSize: 3,
  maxContentBytes: 1_000,
  editWindowMs: 15 * 60_000,
  deleteWindowMs: 48 * 3_600_000,
}

export const conversation = conversationDecider(limits)

export const NOW = Date.parse('2026-01-01T12:00:00.000Z')
export const asAlice = { now: NOW, actor: { userId: alice } }
export const asBob = { now: NOW, actor: { userId: bob } }
export const asCarol = { now: NOW, actor: { userId: carol } }
export const everybody = { existing: new Set([alice, bob, carol]) }

const joined = (userId: UserId, role: Role): ConversationEvent => ({
  type: 'MemberAdded',
  data: { userId, role, lastSeq: 0, founding: true },
})

export type History = readonly (ConversationEvent | Past<ConversationEvent>)[]

/** Alice is the admin, Bob a member. */
export const group: readonly ConversationEvent[] = [
  {
    type: 'ConversationStarted',
    data: { conversationId, kind: 'group', mode: 'plain', details: { title: 'Trip' } },
  },
  joined(alice, 'admin'),
  joined(bob, 'member'),
]

export const direct: readonly ConversationEvent[] = [
  { type: 'ConversationStarted', data: { conversationId, kind: 'direct', mode: 'plain' } },
  joined(alice, 'member'),
  joined(bob, 'member'),
]

export const text = (words: string) => ({ kind: 'text', text: words }) as const

export const sent = (author: UserId, seq: number, id: MessageId = messageId) =>
  by<ConversationEvent>(author, { type: 'MessageSent', data: { messageId: id, seq, content: text('hi') } })

/** The message at revision 3, as the handler finds it. */
export const target = (author: UserId, sentAt: number = NOW): { readonly target: TargetMessage } => ({
  target: { messageId, revision: 3, seq: 1, author, sentAt },
})

export const messageSent = (data: MessageSent['data']): MessageSent => ({ type: 'MessageSent', data })
