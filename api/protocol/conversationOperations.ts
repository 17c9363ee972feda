import { z } from 'zod'
import { accepted, atLeast, type Operation, page, pageEnds } from './operation.ts'
import { content, conversationId, instant, messageId, revision, seq, title, userId } from './primitives.ts'

const mode = z.enum(['plain', 'encrypted'])
const role = z.enum(['admin', 'member'])
export const params = z.object({ conversationId })
const memberParams = params.extend({ userId })
export const changed = accepted.extend({ conversationId }).meta({ title: 'ConversationChanged' })

const lastMessage = z
  .object({
    messageId,
    revision,
    seq,
    from: userId,
    at: instant,
    content: z
      .union([content, z.object({ kind: z.literal('encrypted') })])
      .optional()
      .describe('Absent once deleted; of an encrypted message the kind only.'),
    deleted: z.literal(true).optional(),
  })
  .meta({ title: 'LastMessage' })

const conversation = z
  .object({
    conversationId,
    kind: z.enum(['direct', 'group']),
    mode,
    title: z.string().optional(),
    peers: z.array(userId).optional().describe('Both users of a direct conversation.'),
    role,
    active: z.boolean().describe('False: you left, or were removed; it stays as it was then.'),
    visible: z
      .array(z.object({ from: revision, to: revision.optional() }))
      .describe('Runs of revisions that you may see, both ends included; without `to`: and all that follow.'),
    /** Newest revision, and seq of the newest message. */
    revision,
    lastSeq: seq,
    read: seq.describe('Seq up to which you have read.'),
    unread: z.int().min(0),
    activity: instant,
    last: lastMessage.optional(),
  })
  .meta({ title: 'Conversation' })

const member = z.object({ userId, role, since: instant, sinceRevision: revision }).meta({ title: 'Member' })

export const CONVERSATION_OPERATIONS = {
  listInbox: {
    tag: 'conversations',
    method: 'GET',
    path: '/v1/inbox',
    summary: 'List your conversations, the most recently active first',
    auth: 'device',
    idempotencyKey: false,
    query: page,
    response: z.object({ conversations: z.array(conversation), ...pageEnds }),
    status: 200,
    errors: [],
  },
  startConversation: {
    tag: 'conversations',
    method: 'POST',
    path: '/v1/conversations',
    summary: 'Start a direct conversation or a group',
    description: 'Two users have one direct conversation: starting it again answers 200 with the one there is.',
    auth: 'device',
    idempotencyKey: true,
    body: z.discriminatedUnion('kind', [
      z.object({ kind: z.literal('direct'), userId, mode: mode.default('plain') }),
      z.object({
        kind: z.literal('group'),
        title,
        members: z.array(userId).max(200).default([]),
        mode: mode.default('plain'),
      }),
    ]),
    response: changed.extend({ created: z.boolean() }),
    status: 201,
    existingStatus: 200,
    errors: ['NotFound', 'GroupFull', 'EncryptionUnavailable'],
  },
  getConversation: {
    tag: 'conversations',
    method: 'GET',
    path: '/v1/conversations/{conversationId}',
    summary: 'Get a conversation as you see it',
    auth: 'device',
    idempotencyKey: false,
    params,
    query: z.object({ atLeast }),
    response: conversation,
    status: 200,
    errors: ['NotFound'],
  },
  changeDetails: {
    tag: 'conversations',
    method: 'PATCH',
    path: '/v1/conversations/{conversationId}',
    summary: 'Rename a group',
    auth: 'device',
    idempotencyKey: true,
    params,
    body: z.object({ title }),
    response: changed,
    status: 200,
    errors: ['NotFound', 'NotForDirect', 'NotAdmin'],
  },
  leaveConversation: {
    tag: 'conversations',
    method: 'POST',
    path: '/v1/conversations/{conversationId}/leave',
    summary: 'Leave a group',
    auth: 'device',
    idempotencyKey: true,
    params,
    body: z
      .object({ successor: userId.optional() })
      .describe('The successor becomes an admin: needed where the last one leaves others behind.'),
    response: changed,
    status: 200,
    errors: ['NotFound', 'NotForDirect', 'LastAdmin', 'NotAdmin', 'NotAMember'],
  },
  listMembers: {
    tag: 'conversations',
    method: 'GET',
    path: '/v1/conversations/{conversationId}/members',
    summary: 'List the members of a conversation you are in',
    auth: 'device',
    idempotencyKey: false,
    params,
    query: page,
    response: z.object({ members: z.array(member), ...pageEnds }),
    status: 200,
    errors: ['NotFound'],
  },
  addMembers: {
    tag: 'conversations',
    method: 'POST',
    path: '/v1/conversations/{conversationId}/members',
    summary: 'Add members to a group',
    auth: 'device',
    idempotencyKey: true,
    params,
    body: z.object({ userIds: z.array(userId).min(1).max(200) }),
    response: changed,
    status: 200,
    errors: ['NotFound', 'NotForDirect', 'NotAdmin', 'AlreadyMember', 'GroupFull'],
  },
  changeRole: {
    tag: 'conversations',
    method: 'PATCH',
    path: '/v1/conversations/{conversationId}/members/{userId}',
    summary: 'Make a member an admin, or an admin a member',
    auth: 'device',
    idempotencyKey: true,
    params: memberParams,
    body: z.object({ role }),
    response: changed,
    status: 200,
    errors: ['NotFound', 'NotForDirect', 'NotAdmin', 'NotAMember', 'LastAdmin'],
  },
  removeMember: {
    tag: 'conversations',
    method: 'DELETE',
    path: '/v1/conversations/{conversationId}/members/{userId}',
    summary: 'Remove a member from a group',
    auth: 'device',
    idempotencyKey: true,
    params: memberParams,
    response: changed,
    status: 200,
    errors: ['NotFound', 'NotForDirect', 'NotAdmin', 'NotAMember', 'LastAdmin'],
  },
} as const satisfies Record<string, Operation>
