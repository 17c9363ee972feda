/** Every way in which a request can be refused. Stable: clients branch on these. */
export const ERROR_CODES = [
  // the request itself
  'InvalidRequest',
  'UnknownType',
  'PayloadTooLarge',
  'UnsupportedMediaType',
  'MethodNotAllowed',
  'InvalidId',
  'IdempotencyConflict',
  'InvalidCursor',
  // who asks
  'NotAuthenticated',
  'TokenExpired',
  'DeviceRevoked',
  'InvalidSignature',
  'InvalidCode',
  'InvalidLinkToken',
  'OriginNotAllowed',
  'Forbidden',
  'RateLimited',
  // accounts
  'HandleTaken',
  'LastDevice',
  // conversations
  'NotFound',
  'NotAdmin',
  'LastAdmin',
  'AlreadyMember',
  'NotAMember',
  'GroupFull',
  'NotForDirect',
  'EncryptionUnavailable',
  // messages
  'ContentInvalid',
  'ContentTooLarge',
  'NotAuthor',
  'EditWindowClosed',
  'DeleteWindowClosed',
  'MessageDeleted',
  // delivery
  'AckBeyondSent',
  'ReadBeyondLast',
  // the server
  'NotYet',
  'Busy',
  'Unavailable',
  'Internal',
] as const

export type ErrorCode = (typeof ERROR_CODES)[number]

/** A refusal: a stable code and a sentence that says what to do. Nothing was changed. */
export class DomainError extends Error {
  override readonly name = 'DomainError'
  readonly code: ErrorCode

  constructor(code: ErrorCode, message: string) {
    super(message)
    this.code = code
  }
}

/** What waits and tries the same again may be accepted later. */
export const isRetryable = (code: ErrorCode): boolean =>
  code === 'Busy' || code === 'Unavailable' || code === 'NotYet' || code === 'RateLimited' || code === 'Internal'
