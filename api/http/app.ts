import express, { type ErrorRequestHandler, type Express, type RequestHandler } from 'express'
import helmet from 'helmet'
import { DomainError } from '../../domain/errors.ts'
import type { Logger, Metrics } from '../../domain/ports.ts'
import type { Authenticator } from '../auth/login.ts'
import { OPERATIONS } from '../protocol/operations.ts'
import { type AccountDeps, accountHandlers } from './accounts.ts'
import { type ConversationDeps, conversationHandlers } from './conversations.ts'
import { cors } from './cors.ts'
import { type MessageDeps, messageHandlers } from './messages.ts'
import { mount, refuseAfter } from './mount.ts'
import type { OperationHandlers } from './operationHandlers.ts'
import { type PagesDeps, pages } from './pages.ts'
import { sendProblem, toRefusal } from './problem.ts'
import { createReads, type ReadsDeps } from './reads.ts'
import { type ReceiptDeps, receiptHandlers } from './receipts.ts'
import { type RequestLimiter, sourceOf } from './requestLimiter.ts'
import { type UserDeps, userHandlers } from './users.ts'

export interface HttpOptions {
  readonly maxBodyBytes: number
  /** Reverse proxies in front whose X-Forwarded-For is believed; 0: none. */
  readonly trustedProxies: number
  /** Origins of web pages elsewhere that may use the API. */
  readonly allowedOrigins: readonly string[]
}

interface ServingDeps {
  readonly authenticator: Pick<Authenticator, 'byToken'>
  /** Requests of one account, and of one source address. */
  readonly byAccount: RequestLimiter
  readonly byAddress: RequestLimiter
  readonly logger: Logger
  readonly metrics: Metrics
}

export type HttpDeps = ServingDeps &
  PagesDeps &
  ReadsDeps &
  AccountDeps &
  UserDeps &
  ConversationDeps &
  MessageDeps &
  ReceiptDeps

/** The HTTP API and the pages about it. */
export const createHttpApp = (deps: HttpDeps, options: HttpOptions): Express => {
  const reads = createReads(deps)
  const handlers = {
    ...accountHandlers(deps, reads),
    ...userHandlers(deps, reads),
    ...conversationHandlers(deps, reads),
    ...messageHandlers(deps, reads),
    ...receiptHandlers(deps, reads),
  }
  return createApp(handlers, deps, options)
}

/** The same over any handlers. */
export const createApp = (
  handlers: OperationHandlers,
  deps: ServingDeps & PagesDeps,
  options: HttpOptions,
): Express => {
  const app = express()
  app.set('trust proxy', options.trustedProxies)
  app.set('query parser', 'simple')
  app.disable('etag')
  app.use(observe(deps))
  app.use(helmet({ contentSecurityPolicy: { useDefaults: false, directives: CONTENT_SECURITY } }))
  app.use(pages(deps))
  app.use('/v1', cors(options.allowedOrigins), limitAddress(deps.byAddress), neverCached)
  for (const name of Object.keys(OPERATIONS) as (keyof typeof OPERATIONS)[])
    mount(app, name, OPERATIONS[name], handlers[name], { ...deps, ...options })
  for (const [path, methods] of methodsByPath()) app.all(path, otherMethod(methods))
  app.use(() => {
    throw new DomainError('NotFound', 'There is nothing here; GET / shows what there is.')
  })
  app.use(refuse(deps.logger))
  return app
}

/** Everything from here, nothing inline, nobody frames us. */
const CONTENT_SECURITY = {
  defaultSrc: ["'self'"],
  imgSrc: ["'self'", 'data:', 'blob:'],
  objectSrc: ["'none'"],
  baseUri: ["'none'"],
  formAction: ["'self'"],
  frameAncestors: ["'none'"],
}

/** Logs and measures requests by their operation: paths and queries hold what is nobody's business. */
const observe =
  ({ logger, metrics }: ServingDeps): RequestHandler =>
  (request, response, next) => {
    const started = performance.now()
    response.on('close', () => {
      const { operation, code, userId } = response.locals
      if (operation === undefined && code === undefined) return
      const seconds = (performance.now() - started) / 1_000
      const status = response.writableFinished ? response.statusCode : 499
      const labels = { operation: String(operation ?? 'none') }
      metrics.count('parley_http_requests_total', 1, { ...labels, status: String(status) })
      metrics.observe('parley_http_request_seconds', seconds, labels)
      if (code !== undefined) metrics.count('parley_refusals_total', 1, { code: String(code) })
      const ms = Math.round(seconds * 10_000) / 10
      logger.info({ operation, method: request.method, status, code, userId, ms }, 'request')
    })
    next()
  }

const limitAddress =
  (limiter: RequestLimiter): RequestHandler =>
  async (request, response, next) => {
    refuseAfter(response, await limiter.take(sourceOf(request.ip ?? '')))
    next()
  }

const neverCached: RequestHandler = (_request, response, next) => {
  response.setHeader('Cache-Control', 'no-store')
  next()
}

const methodsByPath = (): ReadonlyMap<string, readonly string[]> => {
  const methods = new Map<string, string[]>()
  for (const { path, method } of Object.values(OPERATIONS)) {
    const route = path.replaceAll(/\{(\w+)\}/g, ':$1')
    const known = methods.get(route) ?? ['OPTIONS']
    methods.set(route, method === 'GET' ? [...known, 'GET', 'HEAD'] : [...known, method])
  }
  return methods
}

const otherMethod =
  (methods: readonly string[]): RequestHandler =>
  (request, response) => {
    response.setHeader('Allow', methods.join(', '))
    if (request.method !== 'OPTIONS')
      throw new DomainError('MethodNotAllowed', `This resource has ${methods.join(', ')} only.`)
    response.status(204).end()
  }

const refuse =
  (logger: Logger): ErrorRequestHandler =>
  (error, _request, response, next) => {
    if (response.headersSent) return next(error)
    const refusal = toRefusal(error)
    if (refusal === undefined) logger.error({ error, operation: response.locals.operation }, 'a request failed')
    sendProblem(response, refusal ?? new DomainError('Internal', 'The server failed; try the same again later.'))
  }
