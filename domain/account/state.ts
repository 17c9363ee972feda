import type { Folded } from '../eventsourcing/decider.ts'
import type { DeviceId, HandleHash } from '../ids.ts'
import type { AccountEvent, Privacy, ProfileDetails } from './events.ts'

export interface Device {
  /** Ed25519 public key, 32 bytes as base64url. */
  readonly publicKey: string
  readonly name: string
  /** For good: the id is never active again. */
  readonly revoked: boolean
  readonly linkedAt: string
}

/** What decisions about an account need, and whether a device may act. Plain JSON, so that it can be snapshotted. */
export interface AccountState {
  readonly registered: boolean
  readonly handleHash?: HandleHash
  readonly details?: ProfileDetails
  readonly privacy: Privacy
  readonly devices: Readonly<Record<DeviceId, Device>>
  readonly activeDevices: number
}

type Mutable = { -readonly [K in keyof AccountState]: AccountState[K] } & { devices: Record<DeviceId, Device> }

export const initialAccount = (): AccountState => ({
  registered: false,
  privacy: { readReceipts: true, lastSeen: true },
  devices: {},
  activeDevices: 0,
})

/** The device while it may act; `undefined` once it is revoked, or when the account never had it. */
export const activeDevice = (state: AccountState, deviceId: DeviceId): Device | undefined => {
  const device = state.devices[deviceId]
  return device?.revoked === false ? device : undefined
}

export const evolveAccount = (
  before: AccountState,
  event: AccountEvent,
  _revision: number,
  meta: Folded,
): AccountState => {
  const state = before as Mutable
  switch (event.type) {
    case 'AccountRegistered':
      state.registered = true
      state.handleHash = event.data.handleHash
      state.details = event.data.details
      break
    case 'ProfileChanged':
      if (state.details !== undefined) state.details = { handle: state.details.handle, ...event.data.details }
      break
    case 'PrivacyChanged':
      state.privacy = event.data
      break
    case 'DeviceLinked': {
      const { deviceId, publicKey, details } = event.data
      state.devices[deviceId] = { publicKey, name: details.name, revoked: false, linkedAt: meta.at }
      state.activeDevices++
      break
    }
    case 'DeviceRenamed':
      change(state, event.data.deviceId, event.data.details)
      break
    case 'DeviceRevoked':
      change(state, event.data.deviceId, { revoked: true })
      state.activeDevices--
      break
  }
  return state
}

const change = (state: Mutable, deviceId: DeviceId, changes: Partial<Device>): void => {
  const device = state.devices[deviceId]
  if (device !== undefined) state.devices[deviceId] = { ...device, ...changes }
}
