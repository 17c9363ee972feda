import { DomainError } from '../errors.ts'
import type { Decider, DecisionContext } from '../eventsourcing/decider.ts'
import type { DeviceId, HandleHash, UserId } from '../ids.ts'
import { ACCOUNT_SCHEMA, type AccountEvent, type DeviceLinked, type Privacy, upcastAccount } from './events.ts'
import { type AccountState, activeDevice, type Device, evolveAccount, initialAccount } from './state.ts'

interface NewDevice {
  /** Made by the server, for this device alone. */
  readonly deviceId: DeviceId
  /** Ed25519 public key, 32 bytes as base64url. */
  readonly publicKey: string
  readonly name: string
}

export interface RegisterAccount {
  readonly type: 'RegisterAccount'
  readonly userId: UserId
  readonly handleHash: HandleHash
  readonly handle: string
  readonly displayName: string
  readonly device: NewDevice
}
export interface LinkDevice extends NewDevice {
  readonly type: 'LinkDevice'
  readonly userId: UserId
}
export interface RenameDevice {
  readonly type: 'RenameDevice'
  readonly userId: UserId
  readonly deviceId: DeviceId
  readonly name: string
}
export interface RevokeDevice {
  readonly type: 'RevokeDevice'
  readonly userId: UserId
  readonly deviceId: DeviceId
}
export interface ChangeProfile {
  readonly type: 'ChangeProfile'
  readonly userId: UserId
  readonly displayName: string
  /** Left out: none from now on. */
  readonly about?: string
}
export interface ChangePrivacy extends Privacy {
  readonly type: 'ChangePrivacy'
  readonly userId: UserId
}

export type AccountCommand = RegisterAccount | LinkDevice | RenameDevice | RevokeDevice | ChangeProfile | ChangePrivacy

export interface AccountLimits {
  /** Active ones at a time. */
  readonly maxDevices: number
}

type Decision = readonly AccountEvent[] | DomainError

const decide = (
  command: AccountCommand,
  state: AccountState,
  context: DecisionContext,
  limits: AccountLimits,
): Decision => {
  if (command.type === 'RegisterAccount') return register(command, state)
  const refusal = checkActor(command.userId, state, context)
  if (refusal !== undefined) return refusal
  switch (command.type) {
    case 'LinkDevice':
      return linkDevice(command, state, limits)
    case 'RenameDevice':
      return renameDevice(command, state)
    case 'RevokeDevice':
      return revokeDevice(command, state)
    case 'ChangeProfile':
      return changeProfile(command, state)
    case 'ChangePrivacy':
      return changePrivacy(command, state)
  }
}

/** A device that was revoked a moment ago may still have commands under way. */
const checkActor = (userId: UserId, state: AccountState, { actor }: DecisionContext): DomainError | undefined => {
  if (!state.registered || actor.userId !== userId)
    return new DomainError('NotFound', 'There is no such account, or it is not yours.')
  if (actor.deviceId !== undefined && activeDevice(state, actor.deviceId) === undefined)
    return new DomainError('DeviceRevoked', 'This device was signed out; link it again to go on.')
  return undefined
}

const register = (command: RegisterAccount, state: AccountState): Decision => {
  if (state.registered)
    return new DomainError('IdempotencyConflict', 'This registration was completed by another device.')
  const { userId, handleHash, handle, displayName, device } = command
  return [{ type: 'AccountRegistered', data: { userId, handleHash, details: { handle, displayName } } }, linked(device)]
}

const linkDevice = (command: LinkDevice, state: AccountState, { maxDevices }: AccountLimits): Decision => {
  const known = state.devices[command.deviceId]
  if (known !== undefined)
    return known.publicKey === command.publicKey && !known.revoked
      ? []
      : new DomainError('IdempotencyConflict', 'This device id is taken; ask for a new link token.')
  if (state.activeDevices >= maxDevices)
    return new DomainError('Forbidden', `An account has at most ${maxDevices} devices; revoke one first.`)
  return [linked(command)]
}

const renameDevice = ({ deviceId, name }: RenameDevice, state: AccountState): Decision => {
  const device = activeDevice(state, deviceId)
  if (device === undefined) return deviceNotFound()
  return device.name === name ? [] : [{ type: 'DeviceRenamed', data: { deviceId, details: { name } } }]
}

const revokeDevice = ({ deviceId }: RevokeDevice, state: AccountState): Decision => {
  const device: Device | undefined = state.devices[deviceId]
  if (device === undefined) return deviceNotFound()
  if (device.revoked) return []
  if (state.activeDevices === 1)
    return new DomainError('LastDevice', 'The last device cannot be revoked: nobody could sign in again.')
  return [{ type: 'DeviceRevoked', data: { deviceId } }]
}

const changeProfile = ({ displayName, about }: ChangeProfile, state: AccountState): Decision =>
  state.details?.displayName === displayName && state.details.about === about
    ? []
    : [{ type: 'ProfileChanged', data: { details: { displayName, ...(about !== undefined && { about }) } } }]

const changePrivacy = ({ readReceipts, lastSeen }: ChangePrivacy, { privacy }: AccountState): Decision =>
  privacy.readReceipts === readReceipts && privacy.lastSeen === lastSeen
    ? []
    : [{ type: 'PrivacyChanged', data: { readReceipts, lastSeen } }]

const linked = ({ deviceId, publicKey, name }: NewDevice): DeviceLinked => ({
  type: 'DeviceLinked',
  data: { deviceId, publicKey, details: { name } },
})

const deviceNotFound = () => new DomainError('NotFound', 'There is no such device; list your devices for their ids.')

const repeats = (command: AccountCommand, event: AccountEvent): boolean => {
  switch (command.type) {
    case 'RegisterAccount':
      return (
        event.type === 'AccountRegistered' &&
        event.data.handleHash === command.handleHash &&
        event.data.details.displayName === command.displayName
      )
    case 'LinkDevice':
      return (
        event.type === 'DeviceLinked' &&
        event.data.deviceId === command.deviceId &&
        event.data.publicKey === command.publicKey &&
        event.data.details.name === command.name
      )
    case 'RenameDevice':
      return (
        event.type === 'DeviceRenamed' &&
        event.data.deviceId === command.deviceId &&
        event.data.details.name === command.name
      )
    case 'RevokeDevice':
      return event.type === 'DeviceRevoked' && event.data.deviceId === command.deviceId
    case 'ChangeProfile':
      return (
        event.type === 'ProfileChanged' &&
        event.data.details.displayName === command.displayName &&
        event.data.details.about === command.about
      )
    case 'ChangePrivacy':
      return (
        event.type === 'PrivacyChanged' &&
        event.data.readReceipts === command.readReceipts &&
        event.data.lastSeen === command.lastSeen
      )
  }
}

/** Accounts: a person's profile, privacy and devices. */
export const accountDecider = (limits: AccountLimits): Decider<AccountCommand, AccountState, AccountEvent> => ({
  initial: initialAccount,
  decide: (command, state, context) => decide(command, state, context, limits),
  evolve: evolveAccount,
  repeats,
  upcast: upcastAccount,
  schema: ACCOUNT_SCHEMA,
})
