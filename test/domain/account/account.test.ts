import { expect } from 'chai'
import { describe, it } from 'mocha'
import { type AccountCommand, accountDecider } from '../../../domain/account/decide.ts'
import type { AccountEvent } from '../../../domain/account/events.ts'
import { activeDevice } from '../../../domain/account/state.ts'
import type { Actor } from '../../../domain/eventsourcing/message.ts'
import type { DeviceId, HandleHash, UserId } from '../../../domain/ids.ts'
import { given } from '../../support/decider.ts'

const decider = accountDecider({ maxDevices: 3 })
const alice = 'a11ce000-0000-8000-8000-000000000000' as UserId
const bob = 'b0b00000-0000-8000-8000-000000000000' as UserId
const handleHash = 'ab'.repeat(32) as HandleHash
const device = (n: number) => `de000000-0000-8000-8000-00000000000${n}` as DeviceId
const context = (actor: Actor = { userId: alice }) => ({ now: Date.parse('2026-01-02T00:00:00.000Z'), actor })

const registered: AccountEvent = {
  type: 'AccountRegistered',
  data: { userId: alice, handleHash, details: { handle: 'alice', displayName: 'Alice' } },
}
const linked = (n: number): AccountEvent => ({
  type: 'DeviceLinked',
  data: { deviceId: device(n), publicKey: `key${n}`, details: { name: `Phone ${n}` } },
})
const revoked = (n: number): AccountEvent => ({ type: 'DeviceRevoked', data: { deviceId: device(n) } })
const link = (n: number): AccountCommand => ({
  type: 'LinkDevice',
  userId: alice,
  deviceId: device(n),
  publicKey: `key${n}`,
  name: `Phone ${n}`,
})
const revoke = (n: number): AccountCommand => ({ type: 'RevokeDevice', userId: alice, deviceId: device(n) })

describe('RegisterAccount', () => {
  const register: AccountCommand = {
    type: 'RegisterAccount',
    userId: alice,
    handleHash,
    handle: 'alice',
    displayName: 'Alice',
    device: { deviceId: device(1), publicKey: 'key1', name: 'Phone 1' },
  }

  it('registers the account with its first device', () => {
    given(decider, [])
      .when(register, context())
      .then([registered, linked(1)])
  })
  it('is refused when the account exists', () => {
    given(decider, [registered, linked(1)])
      .when(register, context())
      .then('IdempotencyConflict')
  })
  it('makes a device that may act', () => {
    const { state } = given(decider, [registered, linked(1)])
    expect(activeDevice(state, device(1))).to.deep.equal({
      publicKey: 'key1',
      name: 'Phone 1',
      revoked: false,
      linkedAt: '2026-01-01T00:00:00.000Z',
    })
  })
})

describe('LinkDevice', () => {
  it('adds a device', () => {
    given(decider, [registered, linked(1)])
      .when(link(2), context())
      .then([linked(2)])
  })
  it('does nothing when the device is linked with this key', () => {
    given(decider, [registered, linked(1), linked(2)])
      .when(link(2), context())
      .then([])
  })
  it('is refused when the device id belongs to another key', () => {
    const other: AccountCommand = { type: 'LinkDevice', userId: alice, deviceId: device(2), publicKey: 'x', name: 'X' }
    given(decider, [registered, linked(1), linked(2)])
      .when(other, context())
      .then('IdempotencyConflict')
  })
  it('never brings a revoked device back', () => {
    given(decider, [registered, linked(1), linked(2), revoked(2)])
      .when(link(2), context())
      .then('IdempotencyConflict')
  })
  it('is refused beyond the limit of active devices', () => {
    given(decider, [registered, linked(1), linked(2), linked(3)])
      .when(link(4), context())
      .then('Forbidden')
  })
  it('has room again after a device was revoked', () => {
    given(decider, [registered, linked(1), linked(2), linked(3), revoked(2)])
      .when(link(4), context())
      .then([linked(4)])
  })
  it('is refused when the device that asks was revoked', () => {
    given(decider, [registered, linked(1), linked(2), revoked(2)])
      .when(link(3), context({ userId: alice, deviceId: device(2) }))
      .then('DeviceRevoked')
  })
})

describe('RenameDevice', () => {
  const rename = (n: number, name: string): AccountCommand => ({
    type: 'RenameDevice',
    userId: alice,
    deviceId: device(n),
    name,
  })
  const renamed: AccountEvent = { type: 'DeviceRenamed', data: { deviceId: device(1), details: { name: 'Tablet' } } }

  it('renames the device', () => {
    given(decider, [registered, linked(1)])
      .when(rename(1, 'Tablet'), context())
      .then([renamed])
  })
  it('does nothing when that is its name', () => {
    given(decider, [registered, linked(1), renamed])
      .when(rename(1, 'Tablet'), context())
      .then([])
  })
  it('is refused for an unknown device', () => {
    given(decider, [registered, linked(1)])
      .when(rename(2, 'Tablet'), context())
      .then('NotFound')
  })
  it('is refused for a revoked device', () => {
    given(decider, [registered, linked(1), linked(2), revoked(2)])
      .when(rename(2, 'Tablet'), context())
      .then('NotFound')
  })
})

describe('RevokeDevice', () => {
  it('revokes the device', () => {
    given(decider, [registered, linked(1), linked(2)])
      .when(revoke(2), context())
      .then([revoked(2)])
  })
  it('lets a device sign itself out', () => {
    given(decider, [registered, linked(1), linked(2)])
      .when(revoke(2), context({ userId: alice, deviceId: device(2) }))
      .then([revoked(2)])
  })
  it('leaves a device that may not act', () => {
    const { state } = given(decider, [registered, linked(1), linked(2), revoked(2)])
    expect(activeDevice(state, device(2))).to.equal(undefined)
  })
  it('does nothing when the device is revoked already', () => {
    given(decider, [registered, linked(1), linked(2), revoked(2)])
      .when(revoke(2), context())
      .then([])
  })
  it('is refused for the last active device', () => {
    given(decider, [registered, linked(1), linked(2), revoked(2)])
      .when(revoke(1), context())
      .then('LastDevice')
  })
  it('is refused for an unknown device', () => {
    given(decider, [registered, linked(1), linked(2)])
      .when(revoke(3), context())
      .then('NotFound')
  })
})

describe('ChangeProfile', () => {
  const change: AccountCommand = { type: 'ChangeProfile', userId: alice, displayName: 'Al', about: 'Here' }
  const changed: AccountEvent = { type: 'ProfileChanged', data: { details: { displayName: 'Al', about: 'Here' } } }

  it('changes name and about', () => {
    given(decider, [registered, linked(1)])
      .when(change, context())
      .then([changed])
  })
  it('does nothing when nothing changes', () => {
    given(decider, [registered, linked(1), changed])
      .when(change, context())
      .then([])
  })
  it('removes an about that is left out', () => {
    given(decider, [registered, linked(1), changed])
      .when({ type: 'ChangeProfile', userId: alice, displayName: 'Al' }, context())
      .then([{ type: 'ProfileChanged', data: { details: { displayName: 'Al' } } }])
  })
  it('keeps the handle', () => {
    expect(given(decider, [registered, linked(1), changed]).state.details).to.deep.equal({
      handle: 'alice',
      displayName: 'Al',
      about: 'Here',
    })
  })
})

describe('ChangePrivacy', () => {
  const change: AccountCommand = { type: 'ChangePrivacy', userId: alice, readReceipts: false, lastSeen: true }
  const changed: AccountEvent = { type: 'PrivacyChanged', data: { readReceipts: false, lastSeen: true } }

  it('changes what others see', () => {
    given(decider, [registered, linked(1)])
      .when(change, context())
      .then([changed])
  })
  it('does nothing when nothing changes', () => {
    given(decider, [registered, linked(1), changed])
      .when(change, context())
      .then([])
  })
})

describe('Every change of an account', () => {
  const commands: readonly AccountCommand[] = [
    link(2),
    { type: 'RenameDevice', userId: alice, deviceId: device(1), name: 'X' },
    revoke(1),
    { type: 'ChangeProfile', userId: alice, displayName: 'X' },
    { type: 'ChangePrivacy', userId: alice, readReceipts: false, lastSeen: false },
  ]
  for (const command of commands) {
    it(`is refused without an account: ${command.type}`, () => {
      given(decider, []).when(command, context()).then('NotFound')
    })
    it(`is refused to everybody else: ${command.type}`, () => {
      given(decider, [registered, linked(1)])
        .when(command, context({ userId: bob }))
        .then('NotFound')
    })
  }
})

describe('A repeated account command', () => {
  const change = (about?: string): AccountCommand => ({
    type: 'ChangeProfile',
    userId: alice,
    displayName: 'Al',
    ...(about !== undefined && { about }),
  })
  const changed: AccountEvent = { type: 'ProfileChanged', data: { details: { displayName: 'Al', about: 'Here' } } }

  it('is one with the same content', () => {
    expect(decider.repeats(change('Here'), changed)).to.equal(true)
    expect(decider.repeats(link(2), linked(2))).to.equal(true)
    expect(decider.repeats(revoke(2), revoked(2))).to.equal(true)
  })
  it('is none with other content', () => {
    expect(decider.repeats(change(), changed)).to.equal(false)
    expect(decider.repeats(link(1), linked(2))).to.equal(false)
    expect(decider.repeats(revoke(2), linked(2))).to.equal(false)
  })
})
