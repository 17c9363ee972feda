import { z } from 'zod'
import { ERROR_CODES } from '../../domain/errors.ts'
import { conversationId, cursor, deviceId, instant, messageId, revision, seq, userId } from './primitives.ts'

const limits = z
  .object({
    window: z.int().describe('Events a device may leave unacknowledged before the server stops sending.'),
    maxFrameBytes: z.int(),
    maxContentBytes: z.int(),
    maxGroupSize: z.int(),
    editWindowMs: z.int(),
    deleteWindowMs: z.int(),
    heartbeatMs: z.int().describe('Each side sends something at least this often.'),
  })
  .meta({ title: 'Limits' })

const challenge = z.object({ type: z.literal('challenge'), nonce: z.string() }).meta({
  title: 'challenge',
  description: 'First frame of the server: what to sign when the hello authenticates by device key.',
})
const welcome = z
  .object({
    type: z.literal('welcome'),
    userId,
    deviceId,
    limits,
    resumed: z
      .enum(['cursor', 'snapshot'])
      .describe(
        "`cursor`: everything after the device's cursor follows. `snapshot`: load the inbox, live goes on from `cursor`.",
      ),
    cursor,
    expiresAt: instant.describe('When the session ends unless it is renewed.'),
  })
  .meta({ title: 'welcome' })
const ok = z
  .object({
    type: z.literal('ok'),
    id: z.string(),
    conversationId: conversationId.optional(),
    messageId: messageId.optional(),
    revision: revision.optional(),
    seq: seq.optional(),
    position: cursor.optional().describe('For `atLeast` in queries.'),
  })
  .meta({
    title: 'ok',
    description: 'The command is stored. A repeated command gets its original answer, without position.',
  })
const error = z
  .object({
    type: z.literal('error'),
    id: z.string().optional(),
    code: z.enum(ERROR_CODES),
    message: z.string(),
    retryable: z.boolean(),
  })
  .meta({ title: 'error' })
export const event = z
  .object({
    type: z.literal('event'),
    cursor,
    stream: z.string(),
    revision,
    eventType: z.string(),
    at: instant,
    actor: z.object({ userId, deviceId: deviceId.optional() }),
    data: z.record(z.string(), z.unknown()),
  })
  .meta({ title: 'event', description: 'An event of a conversation, in revision order per stream.' })
export const voidFrame = z
  .object({ type: z.literal('void'), cursor, stream: z.string(), from: revision, to: revision })
  .meta({ title: 'void', description: 'Revisions that this user may not see.' })
const state = z
  .object({
    type: z.literal('state'),
    kind: z.enum(['receipts', 'userState', 'profile', 'devices']),
    key: z.string(),
    position: z.string(),
    data: z.record(z.string(), z.unknown()),
  })
  .meta({
    title: 'state',
    description:
      'A result without a place in the order. `position` orders states of the same kind and key. Of `receipts`, ' +
      '`allDelivered` and `allRead` are the lowest watermarks of the members other than you.',
  })
const caughtUp = z.object({ type: z.literal('caughtUp'), cursor }).meta({ title: 'caughtUp' })
const presenceFrame = z
  .object({ type: z.literal('presence'), userId, online: z.boolean(), lastSeen: instant.optional() })
  .meta({ title: 'presence' })
const typingFrame = z
  .object({
    type: z.literal('typing'),
    conversationId,
    userId,
    active: z.boolean(),
    expiresInMs: z.int(),
  })
  .meta({ title: 'typing', description: 'Expires by itself after `expiresInMs` unless it is sent again.' })
const heartbeat = z.object({ type: z.literal('heartbeat') }).meta({ title: 'heartbeat' })
const expiring = z.object({ type: z.literal('expiring'), at: instant, nonce: z.string() }).meta({
  title: 'expiring',
  description: 'The session ends at `at`; answer with `renew`, by token or by signing this nonce.',
})
const goaway = z
  .object({ type: z.literal('goaway'), reason: z.string(), withinMs: z.int() })
  .meta({ title: 'goaway', description: 'The server is about to close: reconnect after a random part of `withinMs`.' })

/** Every frame the server may send, by its type. Clients ignore types they do not know. */
export const SERVER_FRAMES = {
  challenge,
  welcome,
  ok,
  error,
  event,
  void: voidFrame,
  state,
  caughtUp,
  presence: presenceFrame,
  typing: typingFrame,
  heartbeat,
  expiring,
  goaway,
} as const

/** What a client reads; ids are plain text here. */
export type ServerFrame = z.input<(typeof SERVER_FRAMES)[keyof typeof SERVER_FRAMES]>
export type ServerFrameOf<Type extends ServerFrame['type']> = Extract<ServerFrame, { type: Type }>
