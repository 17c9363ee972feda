import { z } from 'zod'
import { changed, params } from './conversationOperations.ts'
import { accepted, type Operation, page, pageEnds } from './operation.ts'
import { content, messageId, messageReference, revision, seq, userId } from './primitives.ts'
import { event, voidFrame } from './serverFrames.ts'

const messageParams = params.extend({ messageId })
const watermarks = z.object({ userId, delivered: seq, read: seq }).meta({ title: 'Watermarks' })

export const MESSAGE_OPERATIONS = {
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
    description:
      'Watermarks: everything up to and including that seq; `allDelivered` and `allRead` are the lowest of the ' +
      'members other than you. Who is not listed has received nothing yet.',
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
