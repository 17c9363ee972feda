import type { Response } from 'express'
import { DomainError, type ErrorCode, isRetryable } from '../../domain/errors.ts'
import { ERROR_MEANINGS, HTTP_STATUS } from '../protocol/errorTables.ts'

/** When to try again, in seconds, where nothing better is known. */
const RETRY_AFTER_S: Partial<Record<ErrorCode, number>> = {
  NotYet: 1,
  Busy: 1,
  Unavailable: 5,
  Internal: 5,
  RateLimited: 60,
}

/** A refusal as RFC 9457 has it. */
export const sendProblem = (response: Response, error: DomainError): void => {
  const { code, message } = error
  const status = HTTP_STATUS[code]
  response.locals.code = code
  const seconds = RETRY_AFTER_S[code]
  if (seconds !== undefined && !response.hasHeader('Retry-After')) response.setHeader('Retry-After', seconds)
  if (status === 401) response.setHeader('WWW-Authenticate', 'Bearer')
  const problem = {
    type: `/problems/${code}`,
    title: ERROR_MEANINGS[code],
    status,
    detail: message,
    code,
    retryable: isRetryable(code),
  }
  response.status(status).type('application/problem+json').send(JSON.stringify(problem))
}

/** Whatever was thrown, as a refusal; `undefined` for what is a failure of ours. */
export const toRefusal = (error: unknown): DomainError | undefined => {
  if (error instanceof DomainError) return error
  const status = error instanceof Error && 'status' in error ? error.status : undefined
  if (status === 413) return new DomainError('PayloadTooLarge', 'The body is larger than this server accepts.')
  if (status === 415)
    return new DomainError('UnsupportedMediaType', 'Send the body as `application/json` in UTF-8, plain or gzipped.')
  if (typeof status === 'number' && status >= 400 && status < 500)
    return new DomainError('InvalidRequest', 'The request is malformed: the path, the headers, or JSON that is none.')
  return undefined
}
