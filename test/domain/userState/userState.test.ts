import { expect } from 'chai'
import { describe, it } from 'mocha'
import type { ConversationId, UserId } from '../../../domain/ids.ts'
import { type ReadPrivately, userStateDecider } from '../../../domain/userState/decide.ts'
import type { UserStateEvent } from '../../../domain/userState/events.ts'
import { given } from '../../support/decider.ts'

const userId = 'a11ce000-0000-8000-8000-000000000000' as UserId
const conversationId = 'c0000000-0000-8000-8000-000000000000' as ConversationId
const other = 'c1000000-0000-8000-8000-000000000000' as ConversationId
const context = { now: 0, actor: { userId } }
const upTo = (seq: number): ReadPrivately => ({ type: 'ReadPrivately', userId, conversationId, upTo: seq })
const read = (seq: number, id = conversationId): UserStateEvent => ({
  type: 'ReadPrivately',
  data: { conversationId: id, upTo: seq },
})

describe('ReadPrivately', () => {
  it('remembers how far the user read', () => {
    given(userStateDecider, [])
      .when(upTo(5), context)
      .then([read(5)])
  })
  it('moves on', () => {
    given(userStateDecider, [read(5)])
      .when(upTo(6), context)
      .then([read(6)])
  })
  it('never goes back', () => {
    given(userStateDecider, [read(5)])
      .when(upTo(5), context)
      .then([])
    given(userStateDecider, [read(5)])
      .when(upTo(4), context)
      .then([])
  })
  it('keeps conversations apart', () => {
    given(userStateDecider, [read(9, other)])
      .when(upTo(5), context)
      .then([read(5)])
  })
  it('is repeated by the same command only', () => {
    expect(userStateDecider.repeats(upTo(5), read(5))).to.equal(true)
    expect(userStateDecider.repeats(upTo(6), read(5))).to.equal(false)
    expect(userStateDecider.repeats(upTo(5), read(5, other))).to.equal(false)
  })
})
