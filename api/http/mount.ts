import express, { type Request, type Response, type Router } from 'express'
import type { z } from 'zod'
import { DomainError } from '../../domain/errors.ts'
import type { CommandId } from '../../domain/ids.ts'
import type { Metrics } from '../../domain/ports.ts'
import type { Authenticator } from '../auth/login.ts'
import type { Session } from '../auth/session.ts'
import type { Operation } from '../protocol/operation.ts'
import { commandId } from '../protocol/primitives.ts'
import type { RequestLimiter } from './requestLimiter.ts'

export interface MountDeps {
  readonly authenticator: Pick<Authenticator, 'byToken'>
  readonly byAccount: RequestLimiter
  readonly metrics: Metrics
  readonly maxBodyBytes: number
}

type Handle = (input: never, caller: never) => Promise<unknown>

/** Serves one operation: who asks, what is asked, the handler, its answer. Refusals are thrown. */
export const mount = (router: Router, name: string, operation: Operation, handle: Handle, deps: MountDeps): void => {
  const readBody = bodyReader(deps.maxBodyBytes)

  const serve = async (request: Request, response: Response): Promise<void> => {
    response.locals.operation = name
    const source = request.ip ?? ''
    const session = operation.auth === 'device' ? await authenticate(request, response, deps) : undefined
    const id = operation.idempotencyKey ? idempotencyKey(request) : undefined
    const body = operation.body && (await readBody(request, response))
    const input = {
      ...(operation.params && { params: validate(operation.params, 'path', request.params) }),
      ...(operation.query && { query: validate(operation.query, 'query', request.query) }),
      ...(operation.body && { body: validate(operation.body, 'body', body) }),
    }
    const caller = { source, ...(session && { session }), ...(id !== undefined && { commandId: id }) }
    const answer = await handle(input as never, caller as never)
    if (answer === undefined) {
      response.status(operation.status).end()
      return
    }
    const { existingStatus } = operation
    const existing = existingStatus !== undefined && (answer as { created?: boolean }).created === false
    response.status(existing ? existingStatus : operation.status).json(answer)
  }

  const method = operation.method.toLowerCase() as 'get' | 'post' | 'put' | 'patch' | 'delete'
  router[method](operation.path.replaceAll(/\{(\w+)\}/g, ':$1'), serve)
}

const authenticate = async (
  request: Request,
  response: Response,
  { authenticator, byAccount }: MountDeps,
): Promise<Session> => {
  const token = /^Bearer +(\S+)$/i.exec(request.headers.authorization ?? '')?.[1]
  if (token === undefined)
    throw new DomainError('NotAuthenticated', 'Send an access token as `Authorization: Bearer <token>`.')
  const session = await authenticator.byToken(token)
  response.locals.userId = session.userId
  refuseAfter(response, await byAccount.take(session.userId))
  return session
}

/** Refuses when there is a time to wait, in milliseconds. */
export const refuseAfter = (response: Response, waitMs: number): void => {
  if (waitMs === 0) return
  const seconds = Math.ceil(waitMs / 1_000)
  response.setHeader('Retry-After', seconds)
  throw new DomainError('RateLimited', `Too many requests; go on in ${seconds} s.`)
}

const idempotencyKey = (request: Request): CommandId => {
  const parsed = commandId.safeParse(request.headers['idempotency-key'])
  if (parsed.success) return parsed.data as CommandId
  throw new DomainError('InvalidRequest', 'Idempotency-Key: must be a lower-case UUIDv7, the same for every attempt.')
}

/** JSON only; no body at all reads as an empty object. */
const bodyReader = (limit: number): ((request: Request, response: Response) => Promise<unknown>) => {
  const parse = express.json({ limit, strict: false, type: () => true })
  return async (request, response) => {
    const matched = request.is('application/json')
    if (matched === null || request.headers['content-length'] === '0') return {}
    if (matched === false)
      throw new DomainError('UnsupportedMediaType', 'Send the body with `Content-Type: application/json`.')
    await new Promise<void>((resolve, reject) => {
      parse(request, response, (error: unknown) => (error === undefined ? resolve() : reject(error)))
    })
    return request.body ?? {}
  }
}

const validate = (schema: z.ZodType, part: string, value: unknown): unknown => {
  const parsed = schema.safeParse(value)
  if (parsed.success) return parsed.data
  const [issue] = parsed.error.issues
  throw new DomainError(
    'InvalidRequest',
    `${[part, ...(issue?.path ?? [])].join('.')}: ${issue?.message ?? 'is not valid'}.`,
  )
}
