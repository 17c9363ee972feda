import type { Server } from 'node:http'
import { expect } from 'chai'
import { createApp, type HttpOptions } from '../../../api/http/app.ts'
import type { OperationHandlers } from '../../../api/http/operationHandlers.ts'
import type { PagesDeps } from '../../../api/http/pages.ts'
import { createRequestLimiter } from '../../../api/http/requestLimiter.ts'
import { generatedFiles } from '../../../api/protocol/documents.ts'
import { DomainError } from '../../../domain/errors.ts'
import type { DeviceId, UserId } from '../../../domain/ids.ts'
import { createPrometheusMetrics } from '../../../infra/prometheus/metrics.ts'

export const USER = '01890000-0000-8000-8000-000000000001' as UserId
export const DEVICE = '01890000-0000-8000-8000-000000000002' as DeviceId
export const KEY = '01890000-0000-7000-8000-000000000003'
export const CONVERSATION = '01890000-0000-8000-8000-000000000004'

const { metrics, text } = createPrometheusMetrics()
const files = generatedFiles()

export interface Started {
  readonly url: string
  readonly port: number
  readonly lines: object[]
}

let server: Server | undefined

export const stop = (): void => {
  server?.closeAllConnections()
  server?.close()
}

export const start = async (
  handlers: Partial<OperationHandlers>,
  options: Partial<HttpOptions & PagesDeps & { perMinute: number; perMinuteAndAddress: number }> = {},
): Promise<Started> => {
  const lines: object[] = []
  const log = (fields: object, message: string): void => {
    lines.push({ ...fields, message })
  }
  const app = createApp(
    handlers as OperationHandlers,
    {
      authenticator: {
        async byToken(token) {
          if (token !== 'alice') throw new DomainError('TokenExpired', 'The token has expired; sign in again.')
          return { userId: USER, deviceId: DEVICE, expiresAt: 0 }
        },
      },
      byAccount: createRequestLimiter(options.perMinute ?? 1_000),
      byAddress: createRequestLimiter(options.perMinuteAndAddress ?? 1_000),
      logger: { debug: log, info: log, warn: log, error: log },
      metrics,
      metricsText: text,
      ready: options.ready ?? (() => []),
      documents: { openapi: files['openapi.json'] ?? '', asyncapi: files['asyncapi.json'] ?? '' },
    },
    { maxBodyBytes: 1_024, trustedProxies: 0, allowedOrigins: ['https://chat.example'], ...options },
  )
  server = app.listen(0, '127.0.0.1')
  await new Promise((listening) => server?.once('listening', listening))
  const address = server.address()
  const port = typeof address === 'object' && address !== null ? address.port : 0
  return { url: `http://127.0.0.1:${port}`, port, lines }
}

export const ask = async (url: string, init: RequestInit = {}) => {
  const response = await fetch(url, init)
  const body = await response.text()
  return { status: response.status, headers: response.headers, body: body === '' ? undefined : JSON.parse(body) }
}

export const asAlice = (method: string, body?: unknown, headers: Record<string, string> = {}): RequestInit => ({
  method,
  headers: {
    authorization: 'Bearer alice',
    'idempotency-key': KEY,
    ...(body !== undefined && { 'content-type': 'application/json' }),
    ...headers,
  },
  ...(body !== undefined && { body: typeof body === 'string' ? body : JSON.stringify(body) }),
})

/** Refused with the code: as RFC 9457 has it, and with a sentence. */
export const expectProblem = (
  answer: { readonly status: number; readonly headers: Headers; readonly body: Record<string, unknown> },
  status: number,
  code: string,
): void => {
  expect(answer.body).to.include({ code, status, type: `/problems/${code}` })
  expect(answer.status).to.equal(status)
  expect(answer.headers.get('content-type')).to.match(/^application\/problem\+json/)
  expect(answer.body.detail).to.match(/^.{10,}\.$/)
  expect(answer.body.title).to.be.a('string')
}

export const rename: Partial<OperationHandlers> = {
  changeDetails: async ({ params }) => ({ conversationId: params.conversationId, revision: 7 }),
}
export const RENAME = `/v1/conversations/${CONVERSATION}`
