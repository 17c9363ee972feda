import { expect } from 'chai'
import { after } from 'mocha'
import { errorsOf, type Operation } from '../../../../api/protocol/operation.ts'
import {
  OPERATIONS,
  type OperationName,
  type OperationRequest,
  type OperationResponse,
} from '../../../../api/protocol/operations.ts'
import type { ErrorCode } from '../../../../domain/errors.ts'
import { Device, newId } from '../../../support/device.ts'
import { ServerProcess } from '../../../support/serverProcess.ts'

let server: Promise<ServerProcess> | undefined

/** One server for all tests of operations. */
export const sharedServer = (): Promise<ServerProcess> => {
  server ??= ServerProcess.start({ PARLEY_MAX_GROUP_SIZE: '4', PARLEY_MAX_DEVICES: '3' })
  return server
}

after(async () => (await server)?.dispose())

class Refused extends Error {
  readonly code: ErrorCode
  constructor(code: ErrorCode, detail: string) {
    super(`${code}: ${detail}`)
    this.code = code
  }
}

interface Parts {
  readonly params?: Readonly<Record<string, string>>
  readonly query?: Readonly<Record<string, string | number | undefined>>
  readonly body?: unknown
}

/** Requests an operation as the table has it, and checks that the answer is one that the table has. */
export const call = async <Name extends OperationName>(
  device: Device | undefined,
  name: Name,
  request: OperationRequest<Name>,
  key: string = newId(),
): Promise<{ readonly status: number; readonly body: OperationResponse<Name> }> => {
  const operation: Operation = OPERATIONS[name]
  const { params = {}, query = {}, body } = request as Parts
  const path = operation.path.replaceAll(/\{(\w+)\}/g, (_, field: string) => encodeURIComponent(params[field] ?? ''))
  const search = new URLSearchParams(
    Object.entries(query).flatMap(([field, value]) => (value === undefined ? [] : [[field, String(value)]])),
  )
  const target = search.size === 0 ? path : `${path}?${search}`
  const answer =
    device === undefined
      ? await anonymously(operation.method, target, body)
      : await device.request(operation.method, target, body, { 'idempotency-key': key })
  if (answer.status >= 400) {
    const { code, detail } = answer.body as { code: ErrorCode; detail: string }
    expect(errorsOf(operation), name).to.include(code)
    throw new Refused(code, detail)
  }
  expect([operation.status, operation.existingStatus], name).to.include(answer.status)
  if (operation.response === undefined) expect(answer.body, name).to.equal(undefined)
  else operation.response.parse(answer.body)
  return answer as { status: number; body: OperationResponse<Name> }
}

/** The code that it is refused with. */
export const codeOf = (requested: Promise<unknown>): Promise<ErrorCode | 'accepted'> =>
  requested.then(
    () => 'accepted',
    (error: unknown) => {
      if (error instanceof Refused) return error.code
      throw error
    },
  )

const anonymously = async (method: string, path: string, body: unknown) => {
  const response = await fetch(`${(await sharedServer()).url}${path}`, {
    method,
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  })
  return { status: response.status, body: (await response.json()) as unknown }
}

/** An account of somebody new. */
export const anybody = async (): Promise<Device> => {
  return Device.register(await sharedServer())
}

/** A group of these people, the first of whom started it. */
export const groupOf = async (
  admin: Device,
  ...others: readonly Device[]
): Promise<{ conversationId: string; position: string }> => {
  const body = { kind: 'group', title: 'Hiking', members: others.map(({ userId }) => userId) } as const
  const { conversationId, position = '' } = (await call(admin, 'startConversation', { body })).body
  return { conversationId, position }
}

/** Sends a text; answers with what identifies it. */
export const send = async (device: Device, conversationId: string, text: string, messageId = newId()) => {
  const body = { messageId, content: { kind: 'text', text } } as const
  const {
    revision,
    seq,
    position = '',
  } = (await call(device, 'sendMessage', { params: { conversationId }, body })).body
  return { messageId, revision, seq, position }
}
