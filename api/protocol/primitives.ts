import { z } from 'zod'
import type { Content, TextContent } from '../../domain/content/content.ts'
import type { ConversationId, DeviceId, MessageId, UserId } from '../../domain/ids.ts'

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[1-8][0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/
const UUID_V7 = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/

const id = <Id extends string>(name: string) =>
  z
    .string()
    .regex(UUID, 'must be a lower-case UUID')
    .transform((text) => text as Id)
    .meta({ title: name, format: 'uuid' })

export const userId = id<UserId>('UserId')
export const deviceId = id<DeviceId>('DeviceId')
export const conversationId = id<ConversationId>('ConversationId')
/** Made by the client: a UUIDv7 at most 5 minutes ahead of the server's clock. */
export const messageId = z
  .string()
  .regex(UUID_V7, 'must be a lower-case UUIDv7')
  .transform((text) => text as MessageId)
  .meta({ title: 'MessageId', format: 'uuid' })
/** Identity of a command, made by the client: a UUIDv7 at most 5 minutes ahead of the server's clock. */
export const commandId = z
  .string()
  .regex(UUID_V7, 'must be a lower-case UUIDv7')
  .meta({ title: 'CommandId', format: 'uuid' })

export const revision = z.int().min(0).meta({ title: 'Revision' })
export const seq = z.int().min(0).meta({ title: 'Seq' })
/** Opaque place in the log, ordered within one incarnation of it. */
export const cursor = z
  .string()
  .regex(/^[0-9a-f]{8}-[0-9a-f]{16,32}$/, 'must be a cursor that this server gave out')
  .meta({ title: 'Cursor' })
export const instant = z.iso.datetime().meta({ title: 'Instant' })
export const base64url = z.string().regex(/^[A-Za-z0-9_-]*$/, 'must be base64url without padding')

const textContent = z.object({ kind: z.literal('text'), text: z.string().min(1) }) satisfies z.ZodType<TextContent>
const encryptedContent = z.object({
  kind: z.literal('encrypted'),
  groupId: base64url,
  epoch: z.int().min(0),
  header: z.object({
    messageId: z.string(),
    counts: z.boolean(),
    media: z.array(z.string()).max(64),
    expiresAt: instant.optional(),
    notify: z.array(z.string()).max(1024).optional(),
  }),
  bytes: base64url,
})
export const content = z
  .discriminatedUnion('kind', [textContent, encryptedContent])
  .meta({ title: 'Content' }) satisfies z.ZodType<Content>
/** Title of a group. */
export const title = z.string().trim().min(1).max(100).meta({ title: 'Title' })
export const messageReference = z.object({ messageId, revision }).meta({ title: 'MessageReference' })
