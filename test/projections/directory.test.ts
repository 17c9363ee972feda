import { expect } from 'chai'
import { describe, it } from 'mocha'
import type { AccountEvent } from '../../domain/account/events.ts'
import { accountStream, type DeviceId, type HandleHash } from '../../domain/ids.ts'
import { directoryProjection } from '../../projections/directory.ts'
import { ALICE, BOB } from '../support/conversation.ts'
import { folding } from '../support/folding.ts'
import { atPlace, History } from '../support/history.ts'
import { foldedReadSide } from '../support/readSide.ts'

describe('directory', () => {
  const PHONE = '20000000-0000-8000-8000-000000000001' as DeviceId
  const REGISTERED: AccountEvent = {
    type: 'AccountRegistered',
    data: {
      userId: ALICE,
      handleHash: 'ab'.repeat(32) as HandleHash,
      details: { handle: 'alice', displayName: 'Alice', about: 'here' },
    },
  }
  const LINKED: AccountEvent = {
    type: 'DeviceLinked',
    data: { deviceId: PHONE, publicKey: 'key', details: { name: 'Phone' } },
  }
  const USER = {
    userId: ALICE,
    handle: 'alice',
    displayName: 'Alice',
    about: 'here',
    privacy: { readReceipts: true, lastSeen: true },
    devices: [{ deviceId: PHONE, publicKey: 'key', name: 'Phone', linkedAt: atPlace(2) }],
  }
  const given = (...past: AccountEvent[]) => {
    const history = new History()
    const stream = accountStream(ALICE)
    const fold = folding(
      directoryProjection,
      past.map((event) => history.happened(stream, event)),
    )
    return {
      when: (event: AccountEvent) => ({
        // biome-ignore lint/suspicious/noThenProperty: the specs read given, when, then; nobody awaits this object
        then: (user: object) => fold.when(history.happened(stream, event)).then({ [ALICE]: { ...user } }),
      }),
    }
  }

  it('knows who registers', () => {
    given()
      .when(REGISTERED)
      .then({ ...USER, devices: [] })
  })

  it('knows the devices', () => {
    given(REGISTERED).when(LINKED).then(USER)
  })

  it('follows a new name of a device', () => {
    given(REGISTERED, LINKED)
      .when({ type: 'DeviceRenamed', data: { deviceId: PHONE, details: { name: 'Old phone' } } })
      .then({ ...USER, devices: [{ ...USER.devices[0], name: 'Old phone' }] })
  })

  it('keeps a revoked device, with the time of its end', () => {
    given(REGISTERED, LINKED)
      .when({ type: 'DeviceRevoked', data: { deviceId: PHONE } })
      .then({ ...USER, devices: [{ ...USER.devices[0], revokedAt: atPlace(3) }] })
  })

  it('follows the profile, also where something is left out from now on', () => {
    const { about: _, ...rest } = USER
    given(REGISTERED, LINKED)
      .when({ type: 'ProfileChanged', data: { details: { displayName: 'Alice A.' } } })
      .then({ ...rest, displayName: 'Alice A.' })
  })

  it('follows privacy', () => {
    given(REGISTERED, LINKED)
      .when({ type: 'PrivacyChanged', data: { readReceipts: false, lastSeen: true } })
      .then({ ...USER, privacy: { readReceipts: false, lastSeen: true } })
  })

  it('answers for many users at once, and not for those that do not exist', async () => {
    const history = new History()
    history.happened(accountStream(ALICE), REGISTERED)
    const last = history.happened(accountStream(ALICE), LINKED)
    const side = await foldedReadSide(history.events)
    const users = await side.directory.users([ALICE, BOB])
    await side.close()
    expect(users).to.deep.equal(new Map([[ALICE, { user: USER, position: last.position }]]))
  })
})
