import type { Identity } from './account.ts'
import { signLogin } from './deviceKey.ts'
import type { Http } from './http.ts'

/** Tokens are renewed this long before they end. */
const MARGIN_MS = 30_000

interface Session {
  readonly accessToken: string
  /** Milliseconds since the epoch. */
  readonly expiresAt: number
}

export interface TokensDeps {
  /** For operations without a token. */
  readonly http: Http
  readonly identity: Identity
  /** Of the server. */
  readonly origin: string
  readonly now: () => number
}

/** Access tokens, got with the device key: whoever has that needs no refresh token. Concurrent callers share a login. */
export const createTokens = ({ http, identity, origin, now }: TokensDeps): ((renew: boolean) => Promise<string>) => {
  let session: Promise<Session> | undefined

  const logIn = async (): Promise<Session> => {
    const { userId, deviceId, key } = identity
    const { nonce } = await http.call('createChallenge', { body: { deviceId } })
    const signature = await signLogin(key, { origin, deviceId, nonce })
    const { accessToken, expiresAt } = await http.call('createSession', {
      body: { userId, deviceId, origin, nonce, signature },
    })
    return { accessToken, expiresAt: Date.parse(expiresAt) }
  }

  const begin = (): Promise<Session> => {
    const begun = logIn()
    session = begun
    begun.catch(() => {
      if (session === begun) session = undefined
    })
    return begun
  }

  return async (renew) => {
    const current = session
    const known = renew ? undefined : await current
    if (known !== undefined && now() < known.expiresAt - MARGIN_MS) return known.accessToken
    // Somebody else who waited may have begun to log in meanwhile.
    const { accessToken } = await (session === current || session === undefined ? begin() : session)
    return accessToken
  }
}
