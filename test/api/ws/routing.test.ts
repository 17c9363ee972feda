import { expect } from 'chai'
import { describe, it } from 'mocha'
import { Routing } from '../../../api/ws/routing.ts'
import type { ConversationEvent } from '../../../domain/conversation/events.ts'
import type { ConversationId, UserId } from '../../../domain/ids.ts'
import { stored } from '../../support/events.ts'

const bob = 'bbbbbbbb-0000-8000-8000-000000000002' as UserId
const talk = 'dddddddd-0000-8000-8000-000000000004' as ConversationId

const added = (founding?: true): ConversationEvent => ({
  type: 'MemberAdded',
  data: { userId: bob, role: 'member', lastSeq: 0, ...(founding && { founding }) },
})
const removed: ConversationEvent = { type: 'MemberRemoved', data: { userId: bob, lastSeq: 0 } }

const routingOf = (...events: [revision: number, event: ConversationEvent][]) => {
  const routing = new Routing<never>()
  const user = routing.add(bob, [])
  for (const [revision, event] of events) routing.apply(stored(talk, revision, revision + 100, event))
  const sights = (...revisions: number[]) => revisions.map((revision) => routing.sight(user, talk, revision, undefined))
  return { routing, user, sights }
}

describe('Routing', () => {
  it('shows a member what comes from their own addition on', () => {
    expect(routingOf([100, added()]).sights(99, 100, 101)).to.deep.equal(['none', 'shown', 'shown'])
  })

  it('shows a founder everything', () => {
    expect(routingOf([2, added(true)]).sights(0, 1, 2)).to.deep.equal(['shown', 'shown', 'shown'])
  })

  it('shows the removal, and nothing after it', () => {
    const { routing, sights } = routingOf([5, added()], [100, removed])
    expect(sights(100, 101)).to.deep.equal(['shown', 'none'])
    expect(routing.isMember(bob, talk)).to.equal(false)
  })

  it('leaves what went by between two memberships to the addition', () => {
    const { sights } = routingOf([5, added()], [10, removed], [20, added()])
    expect(sights(10, 11, 19, 20)).to.deep.equal(['shown', 'none', 'none', 'shown'])
  })

  it('hides what is about a message of a time when the user was not in', () => {
    const { routing, user } = routingOf([5, added()], [10, removed], [20, added()])
    expect(routing.sight(user, talk, 21, 7)).to.equal('shown')
    expect(routing.sight(user, talk, 21, 15)).to.equal('void')
    expect(routing.sight(user, talk, 21, 3)).to.equal('void')
  })

  it('is the same when an event is applied again', () => {
    const once = routingOf([5, added()], [10, removed], [20, added()])
    const twice = routingOf(
      [5, added()],
      [5, added()],
      [10, removed],
      [5, added()],
      [10, removed],
      [20, added()],
      [20, added()],
    )
    expect(twice.user.conversations.get(talk)).to.deep.equal(once.user.conversations.get(talk))
  })

  it('forgets a user with the last connection', () => {
    const { routing, user } = routingOf([5, added()])
    routing.remove(user)
    expect([...routing.connectedMembers(talk)]).to.deep.equal([])
    expect(routing.isMember(bob, talk)).to.equal(false)
  })
})
