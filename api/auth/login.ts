import type { Dispatch } from '../../commands/dispatch.ts'
import { DomainError } from '../../domain/errors.ts'
import type { DeviceId, UserId } from '../../domain/ids.ts'
import type { Clock } from '../../domain/ports.ts'
import type { ExpiringStore } from '../ports.ts'
import { verifyLogin } from './deviceKey.ts'
import { newSecret } from './secrets.ts'
import { deviceRevoked, type Session } from './session.ts'
import type { TokenPair, Tokens } from './tokens.ts'

const CHALLENGE_TTL_MS = 2 * 60_000

export interface DeviceLogin {
  readonly userId: UserId
  readonly deviceId: DeviceId
  /** The origin the client connected to, as in `https://chat.example`. */
  readonly origin: string
  readonly nonce: string
  /** Ed25519 over the login text, as base64url. */
  readonly signature: string
}

export interface AuthenticatorOptions {
  /** Origins under which this server is reached. */
  readonly origins: readonly string[]
  /** How long a login by device key lasts, in milliseconds. Default: 15 minutes. */
  readonly sessionTtlMs?: number
}

/** Turns what a client presents into a session, the same way for HTTP and WebSocket. */
export interface Authenticator {
  /** Throws `DomainError`: NotAuthenticated, TokenExpired, DeviceRevoked. */
  byToken(token: string): Promise<Session>
  /**
   * The caller vouches that it gave out the nonce, and takes it for this one login.
   * Throws `DomainError`: OriginNotAllowed, InvalidSignature, DeviceRevoked.
   */
  byDeviceKey(login: DeviceLogin): Promise<Session>
}

export const createAuthenticator = (
  deps: { readonly dispatch: Pick<Dispatch, 'account'>; readonly tokens: Tokens; readonly clock: Clock },
  { origins, sessionTtlMs = 15 * 60_000 }: AuthenticatorOptions,
): Authenticator => ({
  byToken: (token) => deps.tokens.verify(token),

  async byDeviceKey(login) {
    if (!origins.includes(login.origin))
      throw new DomainError('OriginNotAllowed', 'This server is not reached under the origin that was signed.')
    const { userId, deviceId } = login
    const device = (await deps.dispatch.account(userId)).devices[deviceId]
    // Only the key's owner learns whether the device exists, and what became of it.
    if (device === undefined || !verifyLogin(login, device.publicKey)) throw invalidSignature()
    if (device.revoked) throw deviceRevoked()
    return { userId, deviceId, expiresAt: deps.clock() + sessionTtlMs }
  },
})

/** Login over HTTP: a challenge first, then its signature. */
export interface Login {
  challenge(deviceId: DeviceId): Promise<{ readonly nonce: string; readonly expiresAt: number }>
  /** Throws `DomainError`: NotAuthenticated, OriginNotAllowed, InvalidSignature, DeviceRevoked. */
  login(login: DeviceLogin): Promise<TokenPair>
}

export const createLogin = (deps: {
  readonly authenticator: Authenticator
  readonly tokens: Tokens
  readonly expiring: ExpiringStore
  readonly clock: Clock
}): Login => ({
  async challenge(deviceId) {
    const nonce = newSecret()
    await deps.expiring.put(challengeKey(nonce), deviceId, CHALLENGE_TTL_MS)
    return { nonce, expiresAt: deps.clock() + CHALLENGE_TTL_MS }
  },

  async login(login) {
    if ((await deps.expiring.takeOnce(challengeKey(login.nonce))) !== login.deviceId)
      throw new DomainError('NotAuthenticated', 'This challenge was used or has expired; ask for another one.')
    const { userId, deviceId } = await deps.authenticator.byDeviceKey(login)
    return deps.tokens.issue(userId, deviceId)
  },
})

const challengeKey = (nonce: string): string => `login/${nonce}`

const invalidSignature = () =>
  new DomainError('InvalidSignature', 'The signature does not match; sign the login text of this challenge again.')
