import { expect } from 'chai'
import fc from 'fast-check'
import { describe, it } from 'mocha'
import type { ConversationCommand } from '../../../domain/conversation/commands.ts'
import type { ConversationEvent, Role } from '../../../domain/conversation/events.ts'
import { DomainError } from '../../../domain/errors.ts'
import type { UserId } from '../../../domain/ids.ts'
import { given } from '../../support/decider.ts'
import {
  alice,
  asAlice,
  asBob,
  asCarol,
  bob,
  carol,
  conversation,
  conversationId,
  direct,
  everybody,
  group,
  limits,
  NOW,
  sent,
} from './fixtures.ts'

const founding = (userId: UserId, role: Role): ConversationEvent => ({
  type: 'MemberAdded',
  data: { userId, role, lastSeq: 0, founding: true },
})
const added = (userId: UserId, lastSeq: number): ConversationEvent => ({
  type: 'MemberAdded',
  data: { userId, role: 'member', lastSeq },
})
const roleChanged = (userId: UserId, role: Role): ConversationEvent => ({ type: 'RoleChanged', data: { userId, role } })

describe('StartDirect', () => {
  const start = { type: 'StartDirect', conversationId, peer: bob, mode: 'plain' } as const

  it('starts with both', () => {
    given(conversation, [])
      .when(start, { ...asAlice, facts: everybody })
      .then([
        { type: 'ConversationStarted', data: { conversationId, kind: 'direct', mode: 'plain' } },
        founding(alice, 'member'),
        founding(bob, 'member'),
      ])
  })

  it('does nothing when the other side was faster', () => {
    given(conversation, direct)
      .when({ ...start, peer: alice }, { ...asBob, facts: everybody })
      .then([])
  })

  it('is refused with oneself, with nobody, and encrypted', () => {
    given(conversation, [])
      .when({ ...start, peer: alice }, { ...asAlice, facts: everybody })
      .then('InvalidRequest')
    given(conversation, [])
      .when(start, { ...asAlice, facts: { existing: new Set() } })
      .then('NotFound')
    given(conversation, [])
      .when({ ...start, mode: 'encrypted' }, { ...asAlice, facts: everybody })
      .then('EncryptionUnavailable')
  })
})

describe('StartGroup', () => {
  const start = { type: 'StartGroup', conversationId, title: 'Trip', members: [bob], mode: 'plain' } as const

  it('makes who starts it the admin', () => {
    given(conversation, [])
      .when(start, { ...asAlice, facts: everybody })
      .then(group)
  })

  it('counts everybody once', () => {
    given(conversation, [])
      .when({ ...start, members: [bob, alice, bob] }, { ...asAlice, facts: everybody })
      .then(group)
  })

  it('is refused when it would be too large, with who is unknown, and encrypted', () => {
    const dora = 'dddddddd-0000-8000-8000-00000000000d' as UserId
    const existing = new Set([bob, carol, dora])
    given(conversation, [])
      .when({ ...start, members: [bob, carol, dora] }, { ...asAlice, facts: { existing } })
      .then('GroupFull')
    given(conversation, [])
      .when({ ...start, members: [dora] }, { ...asAlice, facts: everybody })
      .then('NotFound')
    given(conversation, [])
      .when({ ...start, mode: 'encrypted' }, { ...asAlice, facts: everybody })
      .then('EncryptionUnavailable')
  })
})

describe('AddMembers', () => {
  const add = { type: 'AddMembers', conversationId, userIds: [carol] } as const

  it('remembers where the conversation was', () => {
    given(conversation, [...group, sent(alice, 1)])
      .when(add, { ...asAlice, facts: everybody })
      .then([added(carol, 1)])
  })

  it('is refused for members, strangers and direct conversations', () => {
    given(conversation, group)
      .when(add, { ...asBob, facts: everybody })
      .then('NotAdmin')
    given(conversation, group)
      .when(add, { ...asCarol, facts: everybody })
      .then('NotFound')
    given(conversation, direct)
      .when(add, { ...asAlice, facts: everybody })
      .then('NotForDirect')
  })

  it('is refused for who is in, who does not exist, and one too many', () => {
    given(conversation, group)
      .when({ ...add, userIds: [bob] }, { ...asAlice, facts: everybody })
      .then('AlreadyMember')
    given(conversation, group)
      .when(add, { ...asAlice, facts: { existing: new Set() } })
      .then('NotFound')
    const dora = 'dddddddd-0000-8000-8000-00000000000d' as UserId
    given(conversation, group)
      .when({ ...add, userIds: [carol, dora] }, { ...asAlice, facts: { existing: new Set([carol, dora]) } })
      .then('GroupFull')
  })
})

describe('RemoveMember', () => {
  const remove = { type: 'RemoveMember', conversationId, userId: bob } as const

  it('remembers where the conversation was', () => {
    given(conversation, [...group, sent(bob, 1)])
      .when(remove, asAlice)
      .then([{ type: 'MemberRemoved', data: { userId: bob, lastSeq: 1 } }])
  })

  it('is refused for members, for who is not in, and for the last admin', () => {
    given(conversation, group)
      .when({ ...remove, userId: alice }, asBob)
      .then('NotAdmin')
    given(conversation, group)
      .when({ ...remove, userId: carol }, asAlice)
      .then('NotAMember')
    given(conversation, group)
      .when({ ...remove, userId: alice }, asAlice)
      .then('LastAdmin')
    given(conversation, direct).when(remove, asAlice).then('NotForDirect')
  })
})

describe('LeaveConversation', () => {
  const leave = { type: 'LeaveConversation', conversationId } as const
  const left = (userId: UserId): ConversationEvent => ({ type: 'MemberLeft', data: { userId, lastSeq: 0 } })

  it('is open to every member', () => {
    given(conversation, group)
      .when(leave, asBob)
      .then([left(bob)])
  })

  it('is refused for the last admin who names no successor', () => {
    given(conversation, group).when(leave, asAlice).then('LastAdmin')
  })

  it('hands over to the successor first', () => {
    given(conversation, group)
      .when({ ...leave, successor: bob }, asAlice)
      .then([roleChanged(bob, 'admin'), left(alice)])
  })

  it('is open to an admin when there is another one, or nobody else', () => {
    given(conversation, [...group, roleChanged(bob, 'admin')])
      .when(leave, asAlice)
      .then([left(alice)])
    given(conversation, [...group, left(bob)])
      .when(leave, asAlice)
      .then([left(alice)])
  })

  it('is refused with a successor who is not in, or is oneself, and for direct conversations', () => {
    given(conversation, group)
      .when({ ...leave, successor: carol }, asAlice)
      .then('NotAMember')
    given(conversation, group)
      .when({ ...leave, successor: alice }, asAlice)
      .then('InvalidRequest')
    given(conversation, group)
      .when({ ...leave, successor: alice }, asBob)
      .then('NotAdmin')
    given(conversation, direct).when(leave, asAlice).then('NotForDirect')
  })
})

describe('ChangeRole', () => {
  const promote = { type: 'ChangeRole', conversationId, userId: bob, role: 'admin' } as const

  it('promotes and demotes', () => {
    given(conversation, group)
      .when(promote, asAlice)
      .then([roleChanged(bob, 'admin')])
    given(conversation, [...group, roleChanged(bob, 'admin')])
      .when({ ...promote, role: 'member' }, asAlice)
      .then([roleChanged(bob, 'member')])
  })

  it('keeps how much there was when the member joined', () => {
    const { state } = given(conversation, [...group, sent(alice, 1), added(carol, 1), roleChanged(carol, 'admin')])
    expect(state.members).to.deep.include({ [carol]: { role: 'admin', joinedSeq: 1 } })
  })

  it('does nothing when the role is that already', () => {
    given(conversation, group)
      .when({ ...promote, role: 'member' }, asAlice)
      .then([])
  })

  it('is refused for members, for who is not in, and for the last admin', () => {
    given(conversation, group).when(promote, asBob).then('NotAdmin')
    given(conversation, group)
      .when({ ...promote, userId: carol }, asAlice)
      .then('NotAMember')
    given(conversation, group)
      .when({ ...promote, userId: alice, role: 'member' }, asAlice)
      .then('LastAdmin')
    given(conversation, direct).when(promote, asAlice).then('NotForDirect')
  })
})

describe('ChangeDetails', () => {
  const rename = { type: 'ChangeDetails', conversationId, title: 'Summer trip' } as const

  it('renames', () => {
    given(conversation, group)
      .when(rename, asAlice)
      .then([{ type: 'DetailsChanged', data: { details: { title: 'Summer trip' } } }])
  })

  it('does nothing when that is the title already', () => {
    given(conversation, group)
      .when({ ...rename, title: 'Trip' }, asAlice)
      .then([])
  })

  it('is refused for members and for direct conversations', () => {
    given(conversation, group).when(rename, asBob).then('NotAdmin')
    given(conversation, direct).when(rename, asAlice).then('NotForDirect')
  })
})

describe('A group, whatever is asked of it', () => {
  const users = [alice, bob, carol]
  const user = fc.constantFrom(...users)
  const command: fc.Arbitrary<ConversationCommand> = fc.oneof(
    fc.record({
      type: fc.constant('AddMembers' as const),
      conversationId: fc.constant(conversationId),
      userIds: fc.array(user, { minLength: 1, maxLength: 2 }),
    }),
    fc.record({
      type: fc.constant('RemoveMember' as const),
      conversationId: fc.constant(conversationId),
      userId: user,
    }),
    fc.record({
      type: fc.constant('LeaveConversation' as const),
      conversationId: fc.constant(conversationId),
      successor: user,
    }),
    fc.record({ type: fc.constant('LeaveConversation' as const), conversationId: fc.constant(conversationId) }),
    fc.record({
      type: fc.constant('ChangeRole' as const),
      conversationId: fc.constant(conversationId),
      userId: user,
      role: fc.constantFrom('admin' as const, 'member' as const),
    }),
  )

  it('always has an admin while anybody is in, counts rightly, and never grows beyond its limit', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(user, command), { maxLength: 30 }), (steps) => {
        let state = conversation.initial()
        let revision = 0
        const apply = (events: readonly ConversationEvent[], userId: UserId) => {
          for (const event of events)
            state = conversation.evolve(state, event, revision++, { actor: { userId }, at: '2026-01-01T00:00:00.000Z' })
        }
        apply(group, alice)
        for (const [userId, step] of steps) {
          const events = conversation.decide(step, state, { now: NOW, actor: { userId }, facts: everybody })
          if (!(events instanceof DomainError)) apply(events, userId)
          const roles = Object.values(state.members).map(({ role }) => role)
          expect(state.memberCount).to.equal(roles.length)
          expect(state.adminCount).to.equal(roles.filter((role) => role === 'admin').length)
          expect(roles.length).to.be.at.most(limits.maxGroupSize)
          if (roles.length > 0) expect(state.adminCount).to.be.at.least(1)
        }
      }),
    )
  })
})
