import { expect } from 'chai'
import { after, before, describe, it } from 'mocha'
import { accountStream, type DeviceId, receiptsStream, userStateStream } from '../../domain/ids.ts'
import { digestOf } from '../../projections/digest.ts'
import { modelOf } from '../../projections/projection.ts'
import { PROJECTIONS } from '../../projections/registry.ts'
import { ALICE, BOB, CAROL, GROUP, OTHER, telling } from '../support/conversation.ts'
import { History } from '../support/history.ts'
import { foldedReadSide, type ReadSide } from '../support/readSide.ts'

/** A digest changes only with the version in front of it: what was folded otherwise has to be folded anew. */
const GOLDEN: Readonly<Record<string, string>> = {
  'timeline@1': '1826b22f561d7e9e343d84e358d7309a57988956c14b29d050d619fcbb6cbb41',
  'inbox@1': 'ab993d96d3131f56d5335d5fd69a17647c366acf6d8938531776b36dc7ec8eda',
  'roster@1': '32ec06206efa0ea764049d1ec5157ac9399b1749699218757f149724c66539f8',
  'receipts@2': '56a0f03a7b65bad2148d9a871199b17590d3c58f9fe16001b03bf3f31ccc8513',
  'directory@1': '4de6f8a4bf71f1d6f1307a73cb13bde3891d35eeb37ca6434bc24a11644c85e8',
}

/** Something of everything that can happen. */
const story = (): History => {
  const history = new History()
  const deviceId = '20000000-0000-8000-8000-000000000001' as DeviceId
  for (const [userId, handle] of [
    [ALICE, 'alice'],
    [BOB, 'bob'],
  ] as const) {
    const details = { handle, displayName: handle.toUpperCase() }
    history.happened(accountStream(userId), { type: 'AccountRegistered', data: { userId, handleHash: 'ab', details } })
    history.happened(accountStream(userId), {
      type: 'DeviceLinked',
      data: { deviceId, publicKey: 'key', details: { name: 'Phone' } },
    })
  }
  for (const [type, data] of [
    ['ProfileChanged', { details: { displayName: 'Alice', about: 'here' } }],
    ['PrivacyChanged', { readReceipts: false, lastSeen: false }],
    ['DeviceRenamed', { deviceId, details: { name: 'Old phone' } }],
    ['DeviceRevoked', { deviceId }],
  ] as const)
    history.happened(accountStream(ALICE), { type, data })
  const direct = telling(history, OTHER)
  direct.startedDirect()
  direct.founded(ALICE)
  direct.founded(BOB)
  const group = telling(history)
  group.started()
  group.founded(ALICE, 'admin')
  group.founded(BOB)
  group.sent(ALICE, 'one')
  group.added(CAROL)
  group.sent(BOB, 'two')
  group.edited(1, 'one!')
  group.edited(2, 'two!', BOB)
  group.edited(2, 'two?', BOB)
  group.deleted(1)
  group.renamed('Best friends')
  group.roleChanged(BOB, 'admin')
  direct.sent(ALICE, 'psst')
  direct.deleted(1)
  group.left(CAROL)
  group.added(CAROL)
  group.removed(CAROL)
  group.wondered({ targetRevision: 3 })
  const advances = [
    { userId: ALICE, delivered: 2, read: 1 },
    { userId: BOB, delivered: 2, read: 0 },
  ]
  history.happened(receiptsStream(GROUP), {
    type: 'ReceiptsAdvanced',
    data: {
      conversationId: GROUP,
      advances,
      allDelivered: 2,
      allRead: 0,
      slowest: { delivered: { userId: ALICE, others: 2 }, read: { userId: BOB, others: 1 } },
    },
  })
  history.happened(userStateStream(BOB), { type: 'ReadPrivately', data: { conversationId: GROUP, upTo: 2 } })
  return history
}

describe('the digest of a fixed story', () => {
  let side: ReadSide
  before(async () => {
    side = await foldedReadSide(story().events)
  })
  after(() => side.close())

  for (const projection of PROJECTIONS) {
    const model = modelOf(projection)
    it(`is what it always was in ${model}`, async () => {
      expect(await digestOf(side.models, model), 'another fold needs another version').to.equal(GOLDEN[model])
    })
  }
})
