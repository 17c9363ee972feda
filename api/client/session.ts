import { DomainError } from '../../domain/errors.ts'
import type { OperationRequest, OperationResponse } from '../protocol/operations.ts'
import { signLogin } from './deviceKey.ts'
import type { Call, CallOptions, UsedOperation } from './http.ts'
import type { Identity } from './storage/storage.ts'

/** Tokens are renewed this long before they end. */
const MARGIN_MS = 30_000

/** Does operations as this device: signs in with its key when the access token is missing, old or refused. */
export const createSignedCall = (call: Call, identity: Identity, origin: string, now: () => number): Call => {
  let session: Promise<{ readonly accessToken: string; readonly expiresAt: number }> | undefined

  const signIn = async () => {
    const { userId, deviceId } = identity
    const { nonce } = await call('createChallenge', { body: { deviceId } })
    const signature = await signLogin(identity, origin, nonce)
    const { accessToken, expiresAt } = await call('createSession', {
      body: { userId, deviceId, origin, nonce, signature },
    })
    return { accessToken, expiresAt: Date.parse(expiresAt) }
  }

  const renew = () => {
    const renewed = signIn()
    session = renewed
    renewed.catch(() => {
      if (session === renewed) session = undefined
    })
    return renewed
  }

  const token = async (): Promise<string> => {
    const known = await session
    if (known !== undefined && now() < known.expiresAt - MARGIN_MS) return known.accessToken
    return (await renew()).accessToken
  }

  return async <Name extends UsedOperation>(
    name: Name,
    request: OperationRequest<Name>,
    options: CallOptions = {},
  ): Promise<OperationResponse<Name>> => {
    try {
      return await call(name, request, { ...options, token: await token() })
    } catch (error) {
      if (!(error instanceof DomainError) || !['TokenExpired', 'NotAuthenticated'].includes(error.code)) throw error
      session = undefined
      return await call(name, request, { ...options, token: await token() })
    }
  }
}
