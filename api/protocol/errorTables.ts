import type { ErrorCode } from '../../domain/errors.ts'

/** HTTP status of every refusal. */
export const HTTP_STATUS: Record<ErrorCode, number> = {
  InvalidRequest: 400,
  UnknownType: 400,
  PayloadTooLarge: 413,
  UnsupportedMediaType: 415,
  MethodNotAllowed: 405,
  InvalidId: 400,
  IdempotencyConflict: 409,
  InvalidCursor: 400,
  NotAuthenticated: 401,
  TokenExpired: 401,
  DeviceRevoked: 401,
  InvalidSignature: 401,
  InvalidCode: 403,
  InvalidLinkToken: 403,
  OriginNotAllowed: 403,
  Forbidden: 403,
  RateLimited: 429,
  HandleTaken: 409,
  LastDevice: 409,
  NotFound: 404,
  NotAdmin: 403,
  LastAdmin: 409,
  AlreadyMember: 409,
  NotAMember: 409,
  GroupFull: 409,
  NotForDirect: 409,
  EncryptionUnavailable: 409,
  ContentInvalid: 422,
  ContentTooLarge: 413,
  NotAuthor: 403,
  EditWindowClosed: 409,
  DeleteWindowClosed: 409,
  MessageDeleted: 409,
  AckBeyondSent: 400,
  ReadBeyondLast: 409,
  NotYet: 503,
  Busy: 503,
  Unavailable: 503,
  Internal: 500,
}

/** What a client does after a connection was closed with a code. */
export type AfterClose = 'retry' | 'reauthenticate' | 'giveUp'

/** WebSocket close codes of ours. 1000, 1001, 1006 and 1012 mean retry as well. */
export const CLOSE_CODES = {
  /** A frame that is no JSON object, or binary. */
  MalformedFrame: { code: 4400, next: 'giveUp' },
  NotAuthenticated: { code: 4401, next: 'reauthenticate' },
  /** The device was revoked. */
  DeviceRevoked: { code: 4403, next: 'giveUp' },
  /** No hello, or no sign of life, in time. */
  Timeout: { code: 4408, next: 'retry' },
  /** The same device connected again. */
  Replaced: { code: 4409, next: 'giveUp' },
  FrameTooLarge: { code: 1009, next: 'giveUp' },
  RateLimited: { code: 4429, next: 'retry' },
  Internal: { code: 4500, next: 'retry' },
  Unavailable: { code: 4503, next: 'retry' },
} as const satisfies Record<string, { code: number; next: AfterClose }>

export const SUBPROTOCOL = 'parley.v1.json'
