import { mkdirSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { z } from 'zod'
import { createDocument, type ZodOpenApiOperationObject, type ZodOpenApiPathsObject } from 'zod-openapi'
import { ERROR_CODES, type ErrorCode, isRetryable } from '../../domain/errors.ts'
import { CLIENT_FRAMES } from './clientFrames.ts'
import { CLOSE_CODES, ERROR_MEANINGS, HTTP_STATUS, SUBPROTOCOL } from './errorTables.ts'
import { errorsOf, type Operation } from './operation.ts'
import { OPERATIONS } from './operations.ts'
import { commandId } from './primitives.ts'
import { SERVER_FRAMES } from './serverFrames.ts'

const VERSION = '1.0.0'
const LICENSE = { name: 'Apache-2.0', identifier: 'Apache-2.0' }

const problem = z
  .object({
    type: z.string(),
    title: z.string().describe('What the code means.'),
    status: z.int(),
    detail: z.string().describe('What to do.'),
    code: z.enum(ERROR_CODES),
    retryable: z.boolean().describe('The same again may be accepted later.'),
  })
  .meta({ id: 'Problem', description: 'A refusal (RFC 9457). Nothing was changed.' })

const json = (schema: z.ZodType) => ({ 'application/json': { schema } })

/** The HTTP API as OpenAPI 3.1. */
export const openApiDocument = (): object => {
  const paths: Record<string, Record<string, ZodOpenApiOperationObject>> = {}
  for (const [name, operation] of Object.entries(OPERATIONS) as [string, Operation][]) {
    paths[operation.path] ??= {}
    Object.assign(paths[operation.path] as object, {
      [operation.method.toLowerCase()]: describeOperation(name, operation),
    })
  }
  return createDocument(
    {
      openapi: '3.1.0',
      info: {
        title: 'Parley HTTP API',
        version: VERSION,
        license: LICENSE,
        description:
          'Accounts, devices, conversations, messages and receipts. What is pushed comes over the WebSocket.',
      },
      servers: [{ url: '/' }],
      paths: paths as ZodOpenApiPathsObject,
      components: { securitySchemes: { device: { type: 'http', scheme: 'bearer', bearerFormat: 'JWT' } } },
    },
    { override },
  )
}

const describeOperation = (name: string, operation: Operation): ZodOpenApiOperationObject => {
  const { tag, summary, description, params, query, body, auth, idempotencyKey } = operation
  return {
    operationId: name,
    tags: [tag],
    summary,
    ...(description !== undefined && { description }),
    security: auth === 'device' ? [{ device: [] }] : [],
    requestParams: {
      ...(params && { path: params }),
      ...(query && { query }),
      ...(idempotencyKey && {
        header: z.object({ 'Idempotency-Key': commandId.describe('The same for every attempt.') }),
      }),
    },
    ...(body && { requestBody: { required: true, content: json(body) } }),
    responses: { ...successes(operation), ...refusals(errorsOf(operation)) },
  }
}

const successes = ({ status, existingStatus, response }: Operation) => {
  const answer = { description: 'Done.', ...(response && { content: json(response) }) }
  return {
    [`${status}`]: answer,
    ...(existingStatus && { [`${existingStatus}`]: { ...answer, description: 'It was there.' } }),
  }
}

const refusals = (errors: readonly ErrorCode[]) => {
  const statuses = [...new Set(errors.map((code) => HTTP_STATUS[code]))].sort()
  const content = { 'application/problem+json': { schema: problem } }
  return Object.fromEntries(
    statuses.map((status) => {
      const codes = errors.filter((code) => HTTP_STATUS[code] === status)
      return [`${status}`, { description: codes.map((code) => `\`${code}\``).join(', '), content }]
    }),
  )
}

type Overridden = { readonly zodSchema: z.core.$ZodType; readonly jsonSchema: Record<string, unknown> }

/** What is branded on its way in is the same text on its way out; answers may gain fields. */
const override = ({ zodSchema, jsonSchema }: Overridden): void => {
  const { def } = (zodSchema as z.core.$ZodTypes)._zod
  if (def.type === 'pipe' && (def.out as z.core.$ZodTypes)._zod.def.type === 'transform')
    Object.assign(jsonSchema, schemaOf(def.in as z.ZodType), jsonSchema)
  if (jsonSchema.additionalProperties === false) delete jsonSchema.additionalProperties
  if (jsonSchema.maximum === Number.MAX_SAFE_INTEGER) delete jsonSchema.maximum
  if (jsonSchema.format === 'date-time') delete jsonSchema.pattern
}

const schemaOf = (schema: z.ZodType): object => {
  const { $schema: _, ...shape } = z.toJSONSchema(schema, { io: 'input', override })
  return shape
}

/** The WebSocket as AsyncAPI 3.0, seen from the server: it receives the client's frames and sends its own. */
export const asyncApiDocument = (): object => ({
  asyncapi: '3.0.0',
  info: {
    title: 'Parley WebSocket',
    version: VERSION,
    license: { name: LICENSE.name },
    description: `Text frames of JSON under the subprotocol \`${SUBPROTOCOL}\`; one frame is one message.`,
  },
  defaultContentType: 'application/json',
  channels: {
    socket: {
      address: '/v1/socket',
      messages: {
        ...refs(CLIENT_FRAMES, 'client', '#/components/messages'),
        ...refs(SERVER_FRAMES, 'server', '#/components/messages'),
      },
      bindings: { ws: { method: 'GET', bindingVersion: '0.1.0' } },
    },
  },
  operations: {
    receiveFrames: operationOf('receive', CLIENT_FRAMES, 'client'),
    sendFrames: operationOf('send', SERVER_FRAMES, 'server'),
  },
  components: { messages: { ...messagesOf(CLIENT_FRAMES, 'client'), ...messagesOf(SERVER_FRAMES, 'server') } },
})

type Frames = Readonly<Record<string, z.ZodType>>
type Side = 'client' | 'server'

/** Both sides have frames of the same type. */
const keyOf = (side: Side, type: string): string => `${side}.${type}`

const refs = (frames: Frames, side: Side, at: string) =>
  Object.fromEntries(Object.keys(frames).map((type) => [keyOf(side, type), { $ref: `${at}/${keyOf(side, type)}` }]))

const operationOf = (action: 'send' | 'receive', frames: Frames, side: Side) => ({
  action,
  channel: { $ref: '#/channels/socket' },
  messages: Object.values(refs(frames, side, '#/channels/socket/messages')),
})

const messagesOf = (frames: Frames, side: Side) =>
  Object.fromEntries(
    Object.entries(frames).map(([type, schema]) => [keyOf(side, type), { name: type, payload: schemaOf(schema) }]),
  )

/** Every refusal and close code, for people. */
export const errorsPage = (): string => `# Errors

Codes are stable; the sentence that comes with one says what to do, and may change.
Over HTTP a refusal is a problem (RFC 9457) with the status below, over the WebSocket an \`error\` frame.
What is retryable may be accepted when the same is sent again later, after \`Retry-After\` where there is one.

| code | HTTP status | retryable | meaning |
|---|---|---|---|
${ERROR_CODES.map((code) => `| \`${code}\` | ${HTTP_STATUS[code]} | ${isRetryable(code) ? 'yes' : 'no'} | ${ERROR_MEANINGS[code]}. |`).join('\n')}

## Close codes of the WebSocket

1000, 1001, 1006 and 1012 mean: connect again, after a random time. Besides those:

| code | reason | what to do |
|---|---|---|
${Object.entries(CLOSE_CODES)
  .map(([reason, { code, next }]) => `| ${code} | \`${reason}\` | ${AFTER_CLOSE[next]} |`)
  .join('\n')}
`

const AFTER_CLOSE = {
  retry: 'Connect again, waiting longer each time.',
  reauthenticate: 'Get a new token, or sign in with the device key; then connect again.',
  giveUp: 'Do not connect again by itself: the same would happen.',
}

/** Name -> text of every generated file in `docs/protocol`. */
export const generatedFiles = (): Readonly<Record<string, string>> => ({
  'openapi.json': `${JSON.stringify(openApiDocument(), undefined, 2)}\n`,
  'asyncapi.json': `${JSON.stringify(asyncApiDocument(), undefined, 2)}\n`,
  'errors.md': errorsPage(),
})

const main = (): void => {
  const folder = new URL('../../docs/protocol/', import.meta.url)
  mkdirSync(folder, { recursive: true })
  for (const [name, text] of Object.entries(generatedFiles())) writeFileSync(new URL(name, folder), text)
}

if (process.argv[1] === fileURLToPath(import.meta.url)) main()
