import { derivedCommandId, derivedId } from '../../commands/derivedId.ts'
import type { Dispatch } from '../../commands/dispatch.ts'
import { DomainError } from '../../domain/errors.ts'
import type { DeviceId, UserId } from '../../domain/ids.ts'
import type { Clock } from '../../domain/ports.ts'
import type { ExpiringStore } from '../ports.ts'
import { isPublicKey } from './deviceKey.ts'
import { hashSecret, newSecret } from './secrets.ts'
import type { Session } from './session.ts'

const LINK_TTL_MS = 5 * 60_000

interface StoredLink {
  readonly userId: UserId
  readonly deviceId: DeviceId
  readonly createdAt: number
}

/** Brings further devices into an account, with a token that a signed-in device shows. */
export interface Linking {
  createLinkToken(session: Session): Promise<{ readonly token: string; readonly expiresAt: number }>
  /**
   * Links one device. Repeated with the same key it gives the same answer, so an answer may get lost.
   * Throws `DomainError`: InvalidRequest, InvalidLinkToken; Forbidden when the account has too many devices.
   */
  redeem(request: {
    readonly token: string
    readonly name: string
    readonly publicKey: string
  }): Promise<{ readonly userId: UserId; readonly deviceId: DeviceId }>
}

export const createLinking = ({
  dispatch,
  expiring,
  clock,
}: {
  readonly dispatch: Pick<Dispatch, 'execute'>
  readonly expiring: ExpiringStore
  readonly clock: Clock
}): Linking => ({
  async createLinkToken({ userId, deviceId }) {
    const token = newSecret()
    const createdAt = clock()
    const link: StoredLink = { userId, deviceId, createdAt }
    await expiring.put(linkKey(hashSecret(token)), JSON.stringify(link), LINK_TTL_MS)
    return { token, expiresAt: createdAt + LINK_TTL_MS }
  },

  async redeem({ token, name, publicKey }) {
    if (!isPublicKey(publicKey)) throw new DomainError('InvalidRequest', 'The public key is not an Ed25519 key.')
    const hash = hashSecret(token)
    const stored = await expiring.get(linkKey(hash))
    if (stored === undefined) throw invalidLinkToken()
    const link = JSON.parse(stored) as StoredLink
    // One token is one device id, which the account's stream gives to one key only.
    const deviceId = derivedId<DeviceId>('linked device', hash)
    const { userId } = link
    try {
      await dispatch.execute(
        { type: 'LinkDevice', userId, deviceId, publicKey, name },
        {
          actor: { userId, deviceId: link.deviceId },
          commandId: derivedCommandId(link.createdAt, 'LinkDevice', hash),
        },
      )
    } catch (error) {
      const usedOrVoid =
        error instanceof DomainError && (error.code === 'IdempotencyConflict' || error.code === 'DeviceRevoked')
      throw usedOrVoid ? invalidLinkToken() : error
    }
    return { userId, deviceId }
  },
})

const linkKey = (hash: string): string => `link/${hash}`

const invalidLinkToken = () =>
  new DomainError('InvalidLinkToken', 'This link token was used or has expired; show a new one on a signed-in device.')
