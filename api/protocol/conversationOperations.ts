import { z } from 'zod'
import { accepted, atLeast, type Operation, page, pageEnds } from './operation.ts'
import {
  content,
  conversationId,
  instant,
  messageId,
  messageReference,
  revision,
  seq,
  title,
  userId,
} from './primitives.ts'
import { event, voidFrame } from './serverFrames.ts'

const mode = z.enum(['plain', 'encrypted'])
const role = z.enum(['admin', 'member'])
const params = z.object({ conversationId })
const memberParams = params.extend({ userId })
const messageParams = params.extend({ messageId })
const changed = accepted.extend({ conversationId }).meta({ title: 'ConversationChanged' })

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
const watermarks = z.object({ userId, delivered: seq, read: seq }).meta({ title: 'Watermarks' })

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
  sendMessage: {
    tag: 'messages',
    method: 'POST',
    path: '/v1/conversations/{conversationId}/messages',
    summary: 'Send a message',
    description: 'The messageId identifies it: sent again it gets its original answer and has no second effect.',
    auth: 'device',
    idempotencyKey: false,
    params,
    body: z.object({ messageId, content, replyTo: messageReference.optional() }),
    response: accepted.extend({ messageId, seq }).meta({ title: 'MessageAccepted' }),
    status: 201,
    errors: [
      'NotFound',
      'InvalidId',
      'IdempotencyConflict',
      'ContentInvalid',
      'ContentTooLarge',
      'EncryptionUnavailable',
    ],
  },
  listMessages: {
    tag: 'messages',
    method: 'GET',
    path: '/v1/conversations/{conversationId}/messages',
    summary: 'Read the timeline of a conversation',
    description:
      'The same items as on the socket, dense in revisions and ascending. Begins at the newest, or at `from` in ' +
      'either direction, or at the `cursor` of an earlier answer, which stands for both.',
    auth: 'device',
    idempotencyKey: false,
    params,
    query: page.extend({
      from: z.coerce
        .number<number>()
        .int()
        .min(0)
        .optional()
        .describe('First revision forwards, last one backwards; both included.'),
      direction: z.enum(['forwards', 'backwards']).default('backwards'),
    }),
    response: z.object({
      items: z.array(z.discriminatedUnion('type', [event, voidFrame])),
      lastRevision: z.int().min(-1).describe('Newest revision that there is for you; -1: none.'),
      ...pageEnds,
    }),
    status: 200,
    errors: ['NotFound'],
  },
  editMessage: {
    tag: 'messages',
    method: 'PATCH',
    path: '/v1/conversations/{conversationId}/messages/{messageId}',
    summary: 'Edit a message of yours',
    auth: 'device',
    idempotencyKey: true,
    params: messageParams,
    body: z.object({ revision, content }).describe('The revision is that of the message.'),
    response: changed,
    status: 200,
    errors: [
      'NotFound',
      'NotAuthor',
      'MessageDeleted',
      'EditWindowClosed',
      'ContentInvalid',
      'ContentTooLarge',
      'EncryptionUnavailable',
    ],
  },
  deleteMessage: {
    tag: 'messages',
    method: 'DELETE',
    path: '/v1/conversations/{conversationId}/messages/{messageId}',
    summary: 'Delete a message for everyone',
    auth: 'device',
    idempotencyKey: true,
    params: messageParams,
    query: z.object({ revision: z.coerce.number<number>().int().min(0) }).describe('Of the message.'),
    response: changed,
    status: 200,
    errors: ['NotFound', 'NotAuthor', 'DeleteWindowClosed'],
  },
  listMessageReceipts: {
    tag: 'receipts',
    method: 'GET',
    path: '/v1/conversations/{conversationId}/messages/{messageId}/receipts',
    summary: 'See who has received and read a message',
    description: 'Members other than its sender who can see it.',
    auth: 'device',
    idempotencyKey: false,
    params: messageParams,
    query: page,
    response: z.object({
      receipts: z.array(z.object({ userId, status: z.enum(['sent', 'delivered', 'read']) })),
      ...pageEnds,
    }),
    status: 200,
    errors: ['NotFound'],
  },
  listReceipts: {
    tag: 'receipts',
    method: 'GET',
    path: '/v1/conversations/{conversationId}/receipts',
    summary: 'See how far the members of a conversation have received and read it',
    description: 'Watermarks: everything up to and including that seq. Who is not listed has received nothing yet.',
    auth: 'device',
    idempotencyKey: false,
    params,
    query: page,
    response: z.object({ allDelivered: seq, allRead: seq, watermarks: z.array(watermarks), ...pageEnds }),
    status: 200,
    errors: ['NotFound'],
  },
  markRead: {
    tag: 'receipts',
    method: 'POST',
    path: '/v1/conversations/{conversationId}/read',
    summary: 'Say how far you have read',
    description: 'A watermark that only moves forwards; durable within a second.',
    auth: 'device',
    idempotencyKey: false,
    params,
    body: z.object({ upTo: seq }).describe('Seq of the last message that was read.'),
    status: 202,
    errors: ['NotFound', 'ReadBeyondLast'],
  },
} as const satisfies Record<string, Operation>
