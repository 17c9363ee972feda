import { ACCOUNT_SCHEMA, type AccountEvent, type Privacy, upcastAccount } from '../domain/account/events.ts'
import { type DeviceId, idOf, type Position, type UserId } from '../domain/ids.ts'
import { modelOf, type Projection } from './projection.ts'
import type { ReadModelStore } from './readModelStore.ts'

export type DirectoryDevice = {
  readonly deviceId: DeviceId
  readonly publicKey: string
  readonly name: string
  readonly linkedAt: string
  /** ISO 8601; absent while active. */
  readonly revokedAt?: string
}

/** A user and their devices. Key: `{userId}`. */
export type DirectoryUser = {
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

const change = (user: DirectoryUser, event: AccountEvent, at: string): DirectoryUser => {
  switch (event.type) {
    case 'AccountRegistered':
      return user
    case 'ProfileChanged': {
      const { userId, handle, privacy, devices } = user
      return { userId, handle, ...event.data.details, privacy, devices }
    }
    case 'PrivacyChanged':
      return { ...user, privacy: event.data }
    case 'DeviceLinked': {
      const { deviceId, publicKey, details } = event.data
      return { ...user, devices: [...user.devices, { deviceId, publicKey, name: details.name, linkedAt: at }] }
    }
    case 'DeviceRenamed':
      return changeDevice(user, event.data.deviceId, { name: event.data.details.name })
    case 'DeviceRevoked':
      return changeDevice(user, event.data.deviceId, { revokedAt: at })
  }
}

const changeDevice = (user: DirectoryUser, id: DeviceId, changes: Partial<DirectoryDevice>): DirectoryUser => ({
  ...user,
  devices: user.devices.map((device) => (device.deviceId === id ? { ...device, ...changes } : device)),
})

/** Users as others see them, and the devices that speak for them. */
export const directoryProjection: Projection<DirectoryUser> = {
  name: 'directory',
  version: 1,
  categories: { account: ACCOUNT_SCHEMA },
  handles: [
    'AccountRegistered',
    'ProfileChanged',
    'PrivacyChanged',
    'DeviceLinked',
    'DeviceRenamed',
    'DeviceRevoked',
  ] satisfies AccountEvent['type'][],
  indexes: [],

  keysOf: (event) => [idOf(event.stream)],

  project(user, recorded) {
    const event = upcastAccount(recorded)
    if (event?.type === 'AccountRegistered') {
      const { userId, details } = event.data
      return { userId, ...details, privacy: { readReceipts: true, lastSeen: true }, devices: [] }
    }
    return user && event ? change(user, event, recorded.metadata.at) : user
  },
}

export const createDirectory = ({ models }: { readonly models: ReadModelStore }): Directory => {
  const model = modelOf(directoryProjection)
  return {
    async users(userIds) {
      const users = new Map<UserId, { user: DirectoryUser; position: Position }>()
      for (const { doc, position } of await models.get(model, userIds))
        if (doc !== undefined) users.set((doc as DirectoryUser).userId, { user: doc as DirectoryUser, position })
      return users
    },
  }
}
