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

/** What every refusal means, whatever the request. */
export const ERROR_MEANINGS: Record<ErrorCode, string> = {
  InvalidRequest: 'The request does not have the documented shape',
  UnknownType: 'There is no frame of this type',
  PayloadTooLarge: 'The request is larger than this server accepts',
  UnsupportedMediaType: 'The body is not JSON in UTF-8',
  MethodNotAllowed: 'The resource does not have this method',
  InvalidId: 'An id made by the client is not a UUIDv7 of about now',
  IdempotencyConflict: 'The same id was used before for something else',
  InvalidCursor: 'The cursor is not one that this server gave out for this',
  NotAuthenticated: 'It is not known who asks',
  TokenExpired: 'The token has expired',
  DeviceRevoked: 'The device was signed out for good',
  InvalidSignature: 'The signature is not of the device key',
  InvalidCode: 'The one-time code is wrong or has expired',
  InvalidLinkToken: 'The link token was used or has expired',
  OriginNotAllowed: 'The origin is not one that this server accepts',
  Forbidden: 'This is not allowed',
  RateLimited: 'Too many requests in a short time',
  HandleTaken: 'Somebody has this handle',
  LastDevice: 'The last device of an account cannot be revoked',
  NotFound: 'There is no such thing, or it is not for you to see',
  NotAdmin: 'Only an admin of the group may do this',
  LastAdmin: 'A group with members needs an admin',
  AlreadyMember: 'The user is a member already',
  NotAMember: 'The user is not a member',
  GroupFull: 'The group has as many members as it may have',
  NotForDirect: 'Direct conversations do not have this',
  EncryptionUnavailable: 'Encrypted conversations are not accepted',
  ContentInvalid: 'The content of the message is not valid',
  ContentTooLarge: 'The content of the message is too large',
  NotAuthor: 'Only the author of the message may do this',
  EditWindowClosed: 'The message is too old to be edited',
  DeleteWindowClosed: 'The message is too old to be deleted for everyone',
  MessageDeleted: 'The message was deleted for everyone',
  AckBeyondSent: 'The cursor is beyond what was sent to this device',
  ReadBeyondLast: 'The seq is beyond the newest message',
  NotYet: 'The answer does not show the position that was asked for yet',
  Busy: 'Too much waits to be done',
  Unavailable: 'A part of the server cannot be reached',
  Internal: 'The server failed',
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
