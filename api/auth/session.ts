import type { Dispatch } from '../../commands/dispatch.ts'
import { DomainError } from '../../domain/errors.ts'
import type { DeviceId, UserId } from '../../domain/ids.ts'

/** Who acts, for how long. */
export interface Session {
  readonly userId: UserId
  readonly deviceId: DeviceId
  /** Milliseconds since the epoch. */
  readonly expiresAt: number
}

/**
 * Asks the account's stream, not a read model, so a revocation counts from the moment it is stored.
 * Throws `DomainError`: DeviceRevoked; NotAuthenticated when the account never had the device.
 */
export const requireActiveDevice = async (
  dispatch: Pick<Dispatch, 'account'>,
  userId: UserId,
  deviceId: DeviceId,
): Promise<void> => {
  const device = (await dispatch.account(userId)).devices[deviceId]
  if (device === undefined) throw new DomainError('NotAuthenticated', 'There is no such device; sign in again.')
  if (device.revoked) throw deviceRevoked()
}

export const deviceRevoked = (): DomainError =>
  new DomainError('DeviceRevoked', 'This device was signed out; link it again to go on.')
