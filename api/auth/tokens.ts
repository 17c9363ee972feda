import { randomUUID } from 'node:crypto'
import { errors, type JWTPayload, jwtVerify, SignJWT } from 'jose'
import type { Dispatch } from '../../commands/dispatch.ts'
import { DomainError } from '../../domain/errors.ts'
import type { DeviceId, UserId } from '../../domain/ids.ts'
import type { Clock } from '../../domain/ports.ts'
import type { ExpiringStore } from '../ports.ts'
import { hashSecret, newSecret } from './secrets.ts'
import { requireActiveDevice, type Session } from './session.ts'

export interface TokenOptions {
  /** 32 bytes; signs every token. */
  readonly key: Uint8Array
  readonly issuer: string
  /** Milliseconds. Default: 15 minutes. */
  readonly accessTtlMs?: number
  /** Milliseconds, renewed with each rotation. Default: 30 days. */
  readonly refreshTtlMs?: number
}

export interface TokenPair {
  readonly accessToken: string
  readonly refreshToken: string
  readonly userId: UserId
  readonly deviceId: DeviceId
  /** When the access token expires, in milliseconds since the epoch. */
  readonly expiresAt: number
}

/**
 * Signed tokens, short-lived for access and long-lived for refreshing. A refresh token is good for one use and
 * gives the next one; they form a family, which dies as a whole when one of them is used twice.
 */
export interface Tokens {
  /** Begins a family of refresh tokens for a device that has proven who it is. */
  issue(userId: UserId, deviceId: DeviceId): Promise<TokenPair>
  /** Throws `DomainError`: NotAuthenticated, TokenExpired, DeviceRevoked. */
  verify(accessToken: string): Promise<Session>
  /** Throws `DomainError`: NotAuthenticated, TokenExpired, DeviceRevoked. */
  refresh(refreshToken: string): Promise<TokenPair>
}

export interface TokensDeps {
  readonly dispatch: Pick<Dispatch, 'account'>
  readonly expiring: ExpiringStore
  readonly clock: Clock
}

interface Claims {
  readonly userId: UserId
  readonly deviceId: DeviceId
  readonly expiresAt: number
  readonly payload: JWTPayload
}

type Use = 'access' | 'refresh'

export const createTokens = (
  { dispatch, expiring, clock }: TokensDeps,
  { key, issuer, accessTtlMs = 15 * 60_000, refreshTtlMs = 30 * 86_400_000 }: TokenOptions,
): Tokens => {
  const sign = async (use: Use, claims: JWTPayload, ttlMs: number): Promise<{ token: string; expiresAt: number }> => {
    const issuedAt = Math.floor(clock() / 1_000)
    const expiry = issuedAt + Math.ceil(ttlMs / 1_000)
    const token = await new SignJWT(claims)
      .setProtectedHeader({ alg: 'HS256' })
      .setIssuer(issuer)
      .setAudience(use)
      .setIssuedAt(issuedAt)
      .setExpirationTime(expiry)
      .sign(key)
    return { token, expiresAt: expiry * 1_000 }
  }

  const read = async (use: Use, token: string): Promise<Claims> => {
    try {
      const { payload } = await jwtVerify<{ sub: UserId; did: DeviceId; exp: number }>(token, key, {
        algorithms: ['HS256'],
        issuer,
        audience: use,
        requiredClaims: ['sub', 'did', 'exp'],
        currentDate: new Date(clock()),
      })
      return { userId: payload.sub, deviceId: payload.did, expiresAt: payload.exp * 1_000, payload }
    } catch (error) {
      if (error instanceof errors.JWTExpired)
        throw new DomainError('TokenExpired', 'The token has expired; sign in again.')
      if (error instanceof errors.JOSEError) throw notAuthenticated()
      throw error
    }
  }

  const pair = async (userId: UserId, deviceId: DeviceId, family: string): Promise<TokenPair> => {
    const access = await sign('access', { sub: userId, did: deviceId }, accessTtlMs)
    const refresh = await sign('refresh', { sub: userId, did: deviceId, family, jti: newSecret() }, refreshTtlMs)
    await expiring.put(unusedKey(refresh.token), '1', refreshTtlMs)
    return {
      accessToken: access.token,
      refreshToken: refresh.token,
      userId,
      deviceId,
      expiresAt: access.expiresAt,
    }
  }

  return {
    issue: (userId, deviceId) => pair(userId, deviceId, randomUUID()),

    async verify(accessToken) {
      const { userId, deviceId, expiresAt } = await read('access', accessToken)
      await requireActiveDevice(dispatch, userId, deviceId)
      return { userId, deviceId, expiresAt }
    },

    async refresh(refreshToken) {
      const { userId, deviceId, payload } = await read('refresh', refreshToken)
      const family = String(payload.family)
      // The signature says that it is ours, so it was used before: by a thief, or by us after a thief.
      if ((await expiring.takeOnce(unusedKey(refreshToken))) === undefined) {
        await expiring.put(endedKey(family), '1', refreshTtlMs)
        throw notAuthenticated()
      }
      await requireActiveDevice(dispatch, userId, deviceId)
      if ((await expiring.get(endedKey(family))) !== undefined) throw notAuthenticated()
      return pair(userId, deviceId, family)
    },
  }
}

const unusedKey = (token: string): string => `refresh/unused/${hashSecret(token)}`
const endedKey = (family: string): string => `refresh/ended/${family}`

const notAuthenticated = () =>
  new DomainError('NotAuthenticated', 'The token is not valid; sign in with the device key.')
