import type { Privacy } from '../domain/account/events.ts'
import type { DeviceId, Position, UserId } from '../domain/ids.ts'

export interface DirectoryDevice {
  readonly deviceId: DeviceId
  readonly publicKey: string
  readonly name: string
  readonly linkedAt: string
  /** ISO 8601; absent while active. */
  readonly revokedAt?: string
}

/** A user and their devices. Key: `{userId}`. */
export interface DirectoryUser {
  readonly userId: UserId
  readonly handle: string
  readonly displayName: string
  readonly about?: string
  readonly privacy: Privacy
  readonly devices: readonly DirectoryDevice[]
}

export interface Directory {
  users(
    userIds: readonly UserId[],
  ): Promise<ReadonlyMap<UserId, { readonly user: DirectoryUser; readonly position: Position }>>
}
