import { z } from 'zod'
import {
  base64url,
  commandId,
  content,
  conversationId,
  cursor,
  deviceId,
  messageId,
  messageReference,
  revision,
  seq,
  title,
  userId,
} from './primitives.ts'

/** Chosen by the client, echoed in the answer. Where the frame is a command without a messageId it identifies the command. */
const frameId = z.string().min(1).max(64)

const auth = z
  .discriminatedUnion('kind', [
    z.object({ kind: z.literal('token'), token: z.string().min(1).max(4096) }),
    z.object({
      kind: z.literal('device'),
      userId,
      deviceId,
      origin: z.string().min(1).max(256).describe('The origin the client connected to, as in `https://chat.example`.'),
      signature: base64url.length(86).describe('Ed25519 over `parley login v1 | origin | deviceId | nonce`.'),
    }),
  ])
  .meta({ title: 'Auth' })

const hello = z
  .object({
    type: z.literal('hello'),
    auth: auth.optional(),
    cursor: cursor
      .optional()
      .describe('The last cursor the device has stored; left out by a device that holds nothing yet.'),
  })
  .meta({
    title: 'hello',
    description:
      'First frame of a connection. `auth` may be left out where the upgrade carried an Authorization header.',
  })
const renew = z.object({ type: z.literal('renew'), id: frameId, auth }).meta({ title: 'renew' })

const sendMessage = z
  .object({
    type: z.literal('SendMessage'),
    id: frameId,
    conversationId,
    messageId,
    content,
    replyTo: messageReference.optional(),
  })
  .meta({ title: 'SendMessage' })
const editMessage = z
  .object({ type: z.literal('EditMessage'), id: commandId, conversationId, messageId, revision, content })
  .meta({ title: 'EditMessage' })
const deleteMessage = z
  .object({ type: z.literal('DeleteMessage'), id: commandId, conversationId, messageId, revision })
  .meta({ title: 'DeleteMessage' })
const startConversation = z
  .discriminatedUnion('kind', [
    z.object({
      type: z.literal('StartConversation'),
      id: commandId,
      kind: z.literal('direct'),
      userId,
      mode: z.enum(['plain', 'encrypted']).default('plain'),
    }),
    z.object({
      type: z.literal('StartConversation'),
      id: commandId,
      kind: z.literal('group'),
      title,
      members: z.array(userId).max(200).default([]),
      mode: z.enum(['plain', 'encrypted']).default('plain'),
    }),
  ])
  .meta({ title: 'StartConversation' })
const addMembers = z
  .object({ type: z.literal('AddMembers'), id: commandId, conversationId, userIds: z.array(userId).min(1).max(200) })
  .meta({ title: 'AddMembers' })
const removeMember = z
  .object({ type: z.literal('RemoveMember'), id: commandId, conversationId, userId })
  .meta({ title: 'RemoveMember' })
const leaveConversation = z
  .object({ type: z.literal('LeaveConversation'), id: commandId, conversationId, successor: userId.optional() })
  .meta({ title: 'LeaveConversation' })
const changeRole = z
  .object({
    type: z.literal('ChangeRole'),
    id: commandId,
    conversationId,
    userId,
    role: z.enum(['admin', 'member']),
  })
  .meta({ title: 'ChangeRole' })
const changeDetails = z
  .object({ type: z.literal('ChangeDetails'), id: commandId, conversationId, title })
  .meta({ title: 'ChangeDetails' })

const ack = z
  .object({ type: z.literal('ack'), id: frameId.optional(), cursor })
  .meta({ title: 'ack', description: 'Cumulative: everything up to the cursor is stored on the device.' })
const read = z
  .object({ type: z.literal('read'), id: frameId.optional(), conversationId, upTo: seq })
  .meta({ title: 'read' })
const typing = z
  .object({ type: z.literal('typing'), id: frameId.optional(), conversationId, active: z.boolean() })
  .meta({ title: 'typing' })
const presence = z
  .object({ type: z.literal('presence'), id: frameId.optional(), watch: z.array(userId).max(256) })
  .meta({
    title: 'presence',
    description: 'Whose presence to be told of, from now on and at once; replaces the previous list.',
  })
const heartbeat = z.object({ type: z.literal('heartbeat') }).meta({ title: 'heartbeat' })

/** Every frame a client may send, by its type. */
export const CLIENT_FRAMES = {
  hello,
  renew,
  SendMessage: sendMessage,
  EditMessage: editMessage,
  DeleteMessage: deleteMessage,
  StartConversation: startConversation,
  AddMembers: addMembers,
  RemoveMember: removeMember,
  LeaveConversation: leaveConversation,
  ChangeRole: changeRole,
  ChangeDetails: changeDetails,
  ack,
  read,
  typing,
  presence,
  heartbeat,
} as const

export type ClientFrame = z.output<(typeof CLIENT_FRAMES)[keyof typeof CLIENT_FRAMES]>
/** What a client writes; ids are plain text here. */
export type ClientFrameInput = z.input<(typeof CLIENT_FRAMES)[keyof typeof CLIENT_FRAMES]>
/** Types of the frames that are answered by `ok`, and remembered: sent again they have no second effect. */
export type CommandType =
  | 'SendMessage'
  | 'EditMessage'
  | 'DeleteMessage'
  | 'StartConversation'
  | 'AddMembers'
  | 'RemoveMember'
  | 'LeaveConversation'
  | 'ChangeRole'
  | 'ChangeDetails'
export type CommandFrame = Extract<ClientFrame, { type: CommandType }>
