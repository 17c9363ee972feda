import type { RequestHandler } from 'express'
import { DomainError } from '../../domain/errors.ts'

/** Lets web pages of these origins use the API from a browser. Tokens travel in headers, so there are no credentials. */
export const cors =
  (allowedOrigins: readonly string[]): RequestHandler =>
  (request, response, next) => {
    const { origin } = request.headers
    response.vary('Origin')
    const allowed = origin !== undefined && allowedOrigins.includes(origin)
    if (allowed) {
      response.setHeader('Access-Control-Allow-Origin', origin)
      response.setHeader('Access-Control-Expose-Headers', 'Retry-After')
    }
    if (request.method !== 'OPTIONS' || request.headers['access-control-request-method'] === undefined) return next()
    if (!allowed) throw new DomainError('OriginNotAllowed', 'This server does not serve web pages of that origin.')
    response.setHeader('Access-Control-Allow-Methods', 'GET, POST, PUT, PATCH, DELETE')
    response.setHeader('Access-Control-Allow-Headers', 'Authorization, Content-Type, Idempotency-Key')
    response.setHeader('Access-Control-Max-Age', 600)
    response.status(204).end()
  }
