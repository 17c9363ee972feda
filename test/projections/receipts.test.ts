import { expect } from 'chai'
import { afterEach, describe, it } from 'mocha'
import { receiptsStream } from '../../domain/ids.ts'
import { receiptsProjection } from '../../projections/receipts.ts'
import { ALICE, BOB, CAROL, GROUP, OTHER } from '../support/conversation.ts'
import { folding } from '../support/folding.ts'
import { History } from '../support/history.ts'
import { foldedReadSide, type ReadSide } from '../support/readSide.ts'

describe('receipts', () => {
  let side: ReadSide | undefined
  afterEach(async () => {
    await side?.close()
    side = undefined
  })

  it('keeps the watermarks of each user, and of all', () => {
    const history = new History()
    const advances = [
      { userId: ALICE, delivered: 3, read: 1 },
      { userId: BOB, delivered: 2, read: 2 },
    ]
    const all = {
      allDelivered: 2,
      allRead: 1,
      slowest: { delivered: { userId: BOB, others: 3 }, read: { userId: ALICE, others: 2 } },
    }
    const data = { conversationId: GROUP, advances, ...all }
    folding(receiptsProjection, [])
      .when(history.happened(receiptsStream(GROUP), { type: 'ReceiptsAdvanced', data }))
      .then({
        [GROUP]: { conversationId: GROUP, ...all },
        [`${GROUP}/${ALICE}`]: { conversationId: GROUP, userId: ALICE, delivered: 3, read: 1 },
        [`${GROUP}/${BOB}`]: { conversationId: GROUP, userId: BOB, delivered: 2, read: 2 },
      })
  })

  it('answers how far all are, and each, by user', async () => {
    const history = new History()
    const slowest = { delivered: { userId: ALICE, others: 2 }, read: { userId: CAROL, others: 1 } }
    const advanced = (advances: readonly object[], all: number) =>
      history.happened(receiptsStream(GROUP), {
        type: 'ReceiptsAdvanced',
        data: { conversationId: GROUP, advances, allDelivered: all, allRead: 0, slowest },
      })
    advanced([{ userId: BOB, delivered: 1, read: 0 }], 0)
    advanced([{ userId: ALICE, delivered: 1, read: 1 }], 1)
    const last = advanced([{ userId: BOB, delivered: 2, read: 2 }], 1)
    side = await foldedReadSide(history.events)
    const { receipts } = side
    expect(await receipts.summary(OTHER)).to.equal(undefined)
    expect(await receipts.summary(GROUP)).to.deep.equal({
      summary: { conversationId: GROUP, allDelivered: 1, allRead: 0, slowest },
      position: last.position,
    })
    const alice = { conversationId: GROUP, userId: ALICE, delivered: 1, read: 1 }
    const bob = { conversationId: GROUP, userId: BOB, delivered: 2, read: 2 }
    expect(await receipts.entries(GROUP, { limit: 9 })).to.deep.equal({ entries: [alice, bob] })
    const first = await receipts.entries(GROUP, { limit: 1 })
    expect(first.entries).to.deep.equal([alice])
    expect((await receipts.entries(GROUP, { limit: 1, cursor: first.next ?? '' })).entries).to.deep.equal([bob])
  })
})
