import { type ErrorCode, isRetryable } from '../../domain/errors.ts'

/** Besides the refusals of the server: what goes wrong on this side. */
export type LocalErrorCode =
  /** No answer: no network, or no server there. */
  | 'Unreachable'
  /** Another process or tab has this storage open. */
  | 'StorageLocked'
  /** The storage could not be read or written; nothing was acknowledged that is not in it. */
  | 'StorageFailed'
  /** The storage holds no device: register, or link one. */
  | 'NotSignedIn'
  /** The storage holds a device already, of this or another account. */
  | 'AlreadySignedIn'
  /** The client was stopped. */
  | 'Stopped'

/** A refusal of the server, or a failure on this side: a stable code and a sentence that says what to do. */
export class ClientError extends Error {
  override readonly name = 'ClientError'
  readonly code: ErrorCode | LocalErrorCode
  /** Trying the same again later may work. */
  readonly retryable: boolean

  constructor(code: ErrorCode | LocalErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
    this.retryable = code === 'Unreachable' || isRetryable(code as ErrorCode)
  }
}
