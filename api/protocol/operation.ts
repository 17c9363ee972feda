import { z } from 'zod'
import type { ErrorCode } from '../../domain/errors.ts'
import { cursor, revision } from './primitives.ts'

/** One request of the HTTP API and everything that it can be answered with. */
export interface Operation {
  readonly tag: 'accounts' | 'sessions' | 'devices' | 'users' | 'conversations' | 'messages' | 'receipts'
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
  /** Parameters stand in braces, as in OpenAPI. */
  readonly path: `/v1/${string}`
  readonly summary: string
  /** What the summary leaves open. */
  readonly description?: string
  /** `device`: an access token as `Authorization: Bearer`. */
  readonly auth: 'none' | 'device'
  /** Needs an `Idempotency-Key`, a UUIDv7: the same request sent again has no second effect. */
  readonly idempotencyKey: boolean
  readonly params?: z.ZodObject
  readonly query?: z.ZodObject
  readonly body?: z.ZodType
  /** Absent: the answer has no body. */
  readonly response?: z.ZodType
  readonly status: 200 | 201 | 202
  /** Answered instead of `status` when the response says `created: false`. */
  readonly existingStatus?: 200
  /** Besides those that `errorsOf` adds. */
  readonly errors: readonly ErrorCode[]
}

/** Every refusal that the operation can be answered with. */
export const errorsOf = (operation: Operation): readonly ErrorCode[] => {
  const { query, body, auth, idempotencyKey } = operation
  const errors: ErrorCode[] = ['InvalidRequest', ...operation.errors]
  if (auth === 'device') errors.push('NotAuthenticated', 'TokenExpired', 'DeviceRevoked')
  if (idempotencyKey) errors.push('InvalidId', 'IdempotencyConflict')
  if (query !== undefined && 'atLeast' in query.shape) errors.push('InvalidCursor', 'NotYet')
  if (body !== undefined) errors.push('PayloadTooLarge', 'UnsupportedMediaType')
  errors.push('RateLimited', 'Busy', 'Unavailable', 'Internal')
  return [...new Set(errors)]
}

/** The answer waits until it shows everything up to this position: the `position` of a command's answer. */
export const atLeast = cursor.optional()

/** What a command is answered with once it is stored. */
export const accepted = z.object({
  /** Of the event, within its stream. */
  revision,
  position: cursor
    .optional()
    .describe('For `atLeast` in queries; absent when a repeated command gets its original answer.'),
})

/** A part of a list. */
export const page = z.object({
  cursor: z.string().min(1).max(512).optional().describe('`next` or `previous` of an earlier answer.'),
  limit: z.coerce.number<number>().int().min(1).max(200).default(50),
  atLeast,
})

/** Opaque; absent at that end of the list. */
export const pageEnds = { next: z.string().optional(), previous: z.string().optional() }
