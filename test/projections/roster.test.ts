import { expect } from 'chai'
import { afterEach, describe, it } from 'mocha'
import { rosterProjection } from '../../projections/roster.ts'
import { ALICE, BOB, CAROL, GROUP, OTHER, telling } from '../support/conversation.ts'
import { folding } from '../support/folding.ts'
import { atPlace } from '../support/history.ts'
import { foldedReadSide, type ReadSide } from '../support/readSide.ts'
import { expectRefusal } from '../support/refusal.ts'

describe('roster', () => {
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

  it('answers who is in a conversation, by user, in pages both ways', async () => {
    const { added, removed, roleChanged, history } = begun()
    added(CAROL)
    removed(ALICE)
    roleChanged(BOB, 'admin')
    side = await foldedReadSide(history.events)
    const { roster } = side
    expect(await roster.member(GROUP, BOB)).to.deep.equal({ ...BOB_THERE, role: 'admin' })
    expect(await roster.member(GROUP, ALICE)).to.equal(undefined)
    const users = (page: Awaited<ReturnType<typeof roster.members>>) => page.members.map(({ userId }) => userId)
    const first = await roster.members(GROUP, { limit: 1 })
    expect([users(first), first.previous]).to.deep.equal([[BOB], undefined])
    const second = await roster.members(GROUP, { limit: 1, cursor: first.next ?? '' })
    expect([users(second), second.next]).to.deep.equal([[CAROL], undefined])
    expect(await roster.members(GROUP, { limit: 1, cursor: second.previous ?? '' })).to.deep.equal(first)
    expect(users(await roster.members(GROUP, { limit: 9 }))).to.deep.equal([BOB, CAROL])
    await expectRefusal(roster.members(GROUP, { limit: 1, cursor: 'x' }), 'InvalidCursor')
  })

  it('answers where a user is, and who is there, too', async () => {
    const { history, removed } = begun()
    const other = telling(history, OTHER)
    other.started()
    other.founded(BOB)
    other.founded(CAROL)
    side = await foldedReadSide(history.events)
    const { roster } = side
    expect(await roster.conversationsOf(BOB)).to.deep.equal([GROUP, OTHER])
    expect(await roster.sharing(BOB, [ALICE, CAROL])).to.deep.equal(new Set([ALICE, CAROL]))
    expect(await roster.sharing(ALICE, [BOB, CAROL])).to.deep.equal(new Set([BOB]))
    expect(await roster.sharing(ALICE, [])).to.deep.equal(new Set())
    await side.close()
    removed(BOB)
    side = await foldedReadSide(history.events)
    expect(await side.roster.conversationsOf(BOB)).to.deep.equal([OTHER])
    expect(await side.roster.sharing(ALICE, [BOB])).to.deep.equal(new Set())
  })
})
