import { expect } from 'chai'
import { afterEach, beforeEach, describe, it } from 'mocha'
import { type ConversationId, receiptsStream, type UserId } from '../../domain/ids.ts'
import type { InboxPage } from '../../projections/inbox.ts'
import { ALICE, BOB, CAROL, GROUP, messageIdOf, OTHER, telling, text } from '../support/conversation.ts'
import { atPlace, History } from '../support/history.ts'
import { foldedReadSide, type ReadSide } from '../support/readSide.ts'
import { expectRefusal } from '../support/refusal.ts'

describe('inbox', () => {
  let side: ReadSide | undefined
  afterEach(async () => {
    await side?.close()
    side = undefined
  })

  const begun = () => {
    const group = telling()
    group.started()
    group.founded(ALICE, 'admin')
    group.founded(BOB)
    const entry = async (userId: UserId) => {
      side ??= await foldedReadSide(group.history.events)
      return side.inbox.entry(userId, GROUP)
    }
    const read = (userId: UserId, seq: number) => {
      const advances = [{ userId, delivered: seq, read: seq }]
      const data = { conversationId: GROUP, advances, allDelivered: 0, allRead: 0 }
      return group.history.happened(receiptsStream(GROUP), { type: 'ReceiptsAdvanced', data })
    }
    return { ...group, entry, read }
  }

  it('is empty for who is nowhere', async () => {
    const { entry } = begun()
    expect(await entry(CAROL)).to.equal(undefined)
    expect(await side?.inbox.page(CAROL, { limit: 10 })).to.deep.equal({ entries: [] })
    expect(await side?.inbox.membership(CAROL, GROUP)).to.equal(undefined)
  })

  describe('unread', () => {
    it('is what came since reading', async () => {
      const { sent, read, entry } = begun()
      for (let n = 1; n <= 5; n++) sent(ALICE, `message ${n}`)
      read(BOB, 2)
      expect((await entry(BOB))?.unread).to.equal(3)
    })

    it('is what came since the last own message', async () => {
      const { sent, entry } = begun()
      sent(ALICE, 'one')
      sent(BOB, 'two')
      sent(ALICE, 'three')
      expect((await entry(BOB))?.unread).to.equal(1)
      expect((await entry(ALICE))?.unread).to.equal(0)
    })

    it('is what came since joining', async () => {
      const { sent, added, entry } = begun()
      sent(ALICE, 'one')
      added(CAROL)
      sent(ALICE, 'two')
      expect((await entry(CAROL))?.unread).to.equal(1)
    })

    it('is nothing after leaving', async () => {
      const { sent, left, entry } = begun()
      sent(ALICE, 'one')
      left(BOB)
      sent(ALICE, 'two')
      expect((await entry(BOB))?.unread).to.equal(0)
    })
  })

  describe('preview', () => {
    it('is the last message', async () => {
      const { sent, entry } = begun()
      sent(ALICE, 'hello')
      expect((await entry(BOB))?.head.last?.content).to.deep.equal(text('hello'))
    })

    it('is hidden from who joined later', async () => {
      const { sent, added, entry } = begun()
      sent(ALICE, 'hello')
      added(CAROL)
      expect((await entry(CAROL))?.head.last).to.equal(undefined)
    })

    it('shows who left no edit and nothing that came later', async () => {
      const { sent, edited, left, entry } = begun()
      sent(ALICE, 'hello')
      left(BOB)
      edited(1, 'secret')
      const last = { messageId: messageIdOf(1), revision: 3, seq: 1, from: ALICE, at: atPlace(4) }
      expect((await entry(BOB))?.head.last).to.deep.equal({ ...last, content: text('hello') })
      expect((await entry(ALICE))?.head.last).to.deep.equal({ ...last, content: text('secret') })
    })

    it('is gone for everybody once deleted', async () => {
      const { sent, edited, left, deleted, entry } = begun()
      sent(ALICE, 'regret')
      edited(1, 'regret more')
      left(BOB)
      deleted(1)
      for (const userId of [ALICE, BOB]) expect(JSON.stringify(await entry(userId))).not.to.include('regret')
    })
  })

  it('stays for who left as it was then', async () => {
    const { sent, left, renamed, entry } = begun()
    sent(ALICE, 'hello')
    const end = left(BOB)
    sent(ALICE, 'he is gone')
    const { head } = (await entry(BOB)) ?? {}
    expect(head).to.deep.equal({
      conversationId: GROUP,
      kind: 'group',
      mode: 'plain',
      title: 'Friends',
      titleRevision: 0,
      revision: end.revision,
      position: end.position,
      lastSeq: 1,
      activity: end.metadata.at,
    })
    renamed('Without Bob')
    await side?.close()
    side = undefined
    expect((await entry(BOB))?.head.title).to.equal(undefined)
    expect((await entry(ALICE))?.head.title).to.equal('Without Bob')
  })

  it('tells which memberships changed after a position', async () => {
    const { history, read, entry } = begun()
    const other = telling(history, OTHER)
    other.started()
    const joined = other.founded(BOB)
    const last = read(BOB, 1)
    await entry(BOB)
    const changed = async (after?: typeof last.position) =>
      (await side?.inbox.changedMemberships(BOB, after))?.map(({ membership, position }) => [
        membership.conversationId,
        position,
      ])
    expect(await changed()).to.deep.equal([
      [GROUP, last.position],
      [OTHER, joined.position],
    ])
    expect(await changed(joined.position)).to.deep.equal([[GROUP, last.position]])
    expect(await changed(last.position)).to.deep.equal([])
  })

  describe('page', () => {
    const idOf = (n: number) => `10000000-0000-8000-8000-${String(n).padStart(12, '0')}` as ConversationId
    const ids = (page: InboxPage | undefined) => page?.entries.map(({ head }) => head.conversationId)

    beforeEach(async () => {
      const history = new History()
      const stories = Array.from({ length: 7 }, (_, n) => telling(history, idOf(n)))
      for (const { started, founded } of stories) {
        started()
        founded(BOB)
      }
      stories[2]?.sent(ALICE, 'the newest')
      side = await foldedReadSide(history.events)
    })

    it('gives the most active first', async () => {
      const page = await side?.inbox.page(BOB, { limit: 100 })
      expect(ids(page)).to.deep.equal([2, 6, 5, 4, 3, 1, 0].map(idOf))
      expect(page).not.to.have.any.keys('next', 'previous')
    })

    it('is read to the end, and back', async () => {
      const first = await side?.inbox.page(BOB, { limit: 3 })
      expect(ids(first)).to.deep.equal([2, 6, 5].map(idOf))
      expect(first).not.to.have.property('previous')
      const second = await side?.inbox.page(BOB, { limit: 3, cursor: first?.next ?? '' })
      expect(ids(second)).to.deep.equal([4, 3, 1].map(idOf))
      const third = await side?.inbox.page(BOB, { limit: 3, cursor: second?.next ?? '' })
      expect(ids(third)).to.deep.equal([0].map(idOf))
      expect(third).not.to.have.property('next')
      const back = await side?.inbox.page(BOB, { limit: 3, cursor: third?.previous ?? '' })
      expect(back).to.deep.equal(second)
      expect(await side?.inbox.page(BOB, { limit: 3, cursor: back?.previous ?? '' })).to.deep.equal(first)
    })

    it('refuses a cursor that it never gave', async () => {
      for (const cursor of ['', 'x', Buffer.from('sideways a').toString('base64url')])
        await expectRefusal(Promise.resolve(side?.inbox.page(BOB, { limit: 3, cursor })), 'InvalidCursor')
    })
  })
})
