import { randomBytes } from 'node:crypto'
import { DomainError } from '../../domain/errors.ts'
import type { Authenticator } from '../auth/login.ts'
import type { Session } from '../auth/session.ts'
import type { ClientFrame } from '../protocol/clientFrames.ts'
import type { ServerFrameOf } from '../protocol/serverFrames.ts'

export type Auth = Extract<ClientFrame, { type: 'renew' }>['auth']

/** Time before the end of a session at which the device is told. */
const NOTICE_MS = 60_000

/** Who is on a connection, and until when. */
export class Credentials {
  readonly #authenticator: Authenticator
  readonly #bearer: string | undefined
  #nonce = newNonce()
  #expiresAt = Number.POSITIVE_INFINITY
  #isTold = false

  /** `bearer`: the token that came with the upgrade. */
  constructor(authenticator: Authenticator, bearer: string | undefined) {
    this.#authenticator = authenticator
    this.#bearer = bearer
  }

  /** What the device key has to sign next: good for one attempt. */
  get nonce(): string {
    return this.#nonce
  }

  /** Rejects with a `DomainError` where it is not known who says so. */
  async check(auth: Auth | undefined): Promise<Session> {
    if (auth?.kind === 'device') {
      const nonce = this.#nonce
      this.#nonce = newNonce()
      // However this ends: near the end of the session the device is told another nonce.
      this.#isTold = false
      return this.#authenticator.byDeviceKey({ ...auth, nonce })
    }
    const token = auth?.token ?? this.#bearer
    if (token !== undefined) return this.#authenticator.byToken(token)
    throw new DomainError('NotAuthenticated', 'Say hello with a token, or with the nonce signed by the device key.')
  }

  /** The session lasts until then. */
  extend(expiresAt: number): void {
    this.#expiresAt = expiresAt
    this.#isTold = false
  }

  isOver(now: number): boolean {
    return now >= this.#expiresAt
  }

  /** What the device is to be told now. */
  notice(now: number): ServerFrameOf<'expiring'> | undefined {
    if (this.#isTold || now < this.#expiresAt - NOTICE_MS) return undefined
    this.#isTold = true
    this.#nonce = newNonce()
    return { type: 'expiring', at: new Date(this.#expiresAt).toISOString(), nonce: this.#nonce }
  }
}

const newNonce = (): string => randomBytes(32).toString('base64url')
