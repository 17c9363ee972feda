import { describe, it } from 'mocha'
import type { AccountEvent } from '../../domain/account/events.ts'
import { accountStream, type DeviceId, type HandleHash, receiptsStream } from '../../domain/ids.ts'
import { directoryProjection } from '../../projections/directory.ts'
import { receiptsProjection } from '../../projections/receipts.ts'
import { rosterProjection } from '../../projections/roster.ts'
import { ALICE, BOB, CAROL, GROUP, telling } from '../support/conversation.ts'
import { folding } from '../support/folding.ts'
import { atPlace, History } from '../support/history.ts'

describe('roster', () => {
  const begun = () => {
    const group = telling()
    group.started()
    group.founded(ALICE, 'admin')
    group.founded(BOB)
    return { ...group, past: group.history.events.slice() }
  }
  const BOB_THERE = { conversationId: GROUP, userId: BOB, role: 'member', sinceRevision: 2, since: atPlace(3) }

  it('lists who is added', () => {
    const { past, added } = begun()
    folding(rosterProjection, past)
      .when(added(CAROL))
      .then({ [`${GROUP}/${CAROL}`]: { ...BOB_THERE, userId: CAROL, sinceRevision: 3, since: atPlace(4) } })
  })

  it('follows a new role', () => {
    const { past, roleChanged } = begun()
    folding(rosterProjection, past)
      .when(roleChanged(BOB, 'admin'))
      .then({ [`${GROUP}/${BOB}`]: { ...BOB_THERE, role: 'admin' } })
  })

  it('lists nobody who was removed or left', () => {
    for (const end of ['removed', 'left'] as const) {
      const story = begun()
      folding(rosterProjection, story.past)
        .when(story[end](BOB))
        .then({ [`${GROUP}/${BOB}`]: undefined })
    }
  })

  it('does not care for messages', () => {
    const { past, sent } = begun()
    folding(rosterProjection, past).when(sent(BOB, 'hi')).then({})
  })
})

describe('receipts', () => {
  it('keeps the watermarks of each user, and of all', () => {
    const history = new History()
    const advances = [
      { userId: ALICE, delivered: 3, read: 1 },
      { userId: BOB, delivered: 2, read: 2 },
    ]
    const data = { conversationId: GROUP, advances, allDelivered: 2, allRead: 1 }
    folding(receiptsProjection, [])
      .when(history.happened(receiptsStream(GROUP), { type: 'ReceiptsAdvanced', data }))
      .then({
        [GROUP]: { conversationId: GROUP, allDelivered: 2, allRead: 1 },
        [`${GROUP}/${ALICE}`]: { conversationId: GROUP, userId: ALICE, delivered: 3, read: 1 },
        [`${GROUP}/${BOB}`]: { conversationId: GROUP, userId: BOB, delivered: 2, read: 2 },
      })
  })
})

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
})
