import { expect } from 'chai'
import { describe, it } from 'mocha'
import { type HandleCommand, handleDecider, RESERVATION_MS } from '../../../domain/handle/decide.ts'
import type { HandleEvent } from '../../../domain/handle/events.ts'
import { type HandleHash, SYSTEM_USER, type UserId } from '../../../domain/ids.ts'
import { given } from '../../support/decider.ts'

const alice = 'a11ce000-0000-8000-8000-000000000000' as UserId
const bob = 'b0b00000-0000-8000-8000-000000000000' as UserId
const handleHash = 'ab'.repeat(32) as HandleHash
const start = Date.parse('2026-01-01T12:00:00.000Z')
const until = '2026-01-01T12:10:00.000Z'
const expiry = start + RESERVATION_MS

const at = (now: number, userId: UserId = alice) => ({ now, actor: { userId } })
const command = (type: HandleCommand['type'], userId: UserId = alice): HandleCommand => ({ type, handleHash, userId })
const reserved = (userId: UserId = alice, moment = until): HandleEvent => ({
  type: 'HandleReserved',
  data: { userId, until: moment },
})
const claimed = (userId: UserId = alice): HandleEvent => ({ type: 'HandleClaimed', data: { userId } })
const released = (userId: UserId = alice): HandleEvent => ({ type: 'HandleReleased', data: { userId } })

describe('ReserveHandle', () => {
  it('holds a free handle for ten minutes', () => {
    given(handleDecider, []).when(command('ReserveHandle'), at(start)).then([reserved()])
  })
  it('renews the reservation of the same user', () => {
    given(handleDecider, [reserved()])
      .when(command('ReserveHandle'), at(start + 60_000))
      .then([reserved(alice, '2026-01-01T12:11:00.000Z')])
  })
  it('is refused while another user has reserved it', () => {
    given(handleDecider, [reserved()])
      .when(command('ReserveHandle', bob), at(expiry - 1))
      .then('HandleTaken')
  })
  it('is free again from the moment the reservation expires', () => {
    given(handleDecider, [reserved()])
      .when(command('ReserveHandle', bob), at(expiry))
      .then([reserved(bob, '2026-01-01T12:20:00.000Z')])
  })
  it('is refused for ever once another user has claimed it', () => {
    given(handleDecider, [reserved(), claimed()]).when(command('ReserveHandle', bob), at(expiry)).then('HandleTaken')
  })
  it('does nothing for the user whose handle it is', () => {
    given(handleDecider, [reserved(), claimed()]).when(command('ReserveHandle'), at(expiry)).then([])
  })
  it('holds a released handle', () => {
    given(handleDecider, [reserved(bob), released(bob)])
      .when(command('ReserveHandle'), at(start))
      .then([reserved()])
  })
})

describe('ClaimHandle', () => {
  it('makes the handle the user’s', () => {
    given(handleDecider, [reserved()]).when(command('ClaimHandle'), at(start)).then([claimed()])
  })
  it('works after the reservation has expired', () => {
    given(handleDecider, [reserved()]).when(command('ClaimHandle'), at(expiry)).then([claimed()])
  })
  it('works after the reservation was released', () => {
    given(handleDecider, [reserved(), released()]).when(command('ClaimHandle'), at(expiry)).then([claimed()])
  })
  it('is refused once another user has reserved it', () => {
    given(handleDecider, [reserved(), reserved(bob, '2026-01-01T12:20:00.000Z')])
      .when(command('ClaimHandle'), at(expiry))
      .then('HandleTaken')
  })
  it('is refused once another user has claimed it', () => {
    given(handleDecider, [reserved(bob), claimed(bob)])
      .when(command('ClaimHandle'), at(start))
      .then('HandleTaken')
  })
  it('does nothing the second time', () => {
    given(handleDecider, [reserved(), claimed()]).when(command('ClaimHandle'), at(start)).then([])
  })
})

describe('ReleaseHandle', () => {
  it('gives up an own reservation at any time', () => {
    given(handleDecider, [reserved()]).when(command('ReleaseHandle'), at(start)).then([released()])
  })
  it('ends an expired reservation in the name of the system', () => {
    given(handleDecider, [reserved()]).when(command('ReleaseHandle'), at(expiry, SYSTEM_USER)).then([released()])
  })
  it('leaves a reservation alone that was renewed', () => {
    given(handleDecider, [reserved(), reserved(alice, '2026-01-01T12:15:00.000Z')])
      .when(command('ReleaseHandle'), at(expiry, SYSTEM_USER))
      .then([])
  })
  it('leaves the reservation of another user alone', () => {
    given(handleDecider, [reserved(bob)])
      .when(command('ReleaseHandle'), at(expiry, SYSTEM_USER))
      .then([])
  })
  it('leaves a claimed handle alone', () => {
    given(handleDecider, [reserved(), claimed()]).when(command('ReleaseHandle'), at(expiry)).then([])
  })
})

describe('A repeated handle command', () => {
  it('is one of the same kind for the same user', () => {
    expect(handleDecider.repeats(command('ClaimHandle'), claimed())).to.equal(true)
    expect(handleDecider.repeats(command('ClaimHandle'), reserved())).to.equal(false)
    expect(handleDecider.repeats(command('ClaimHandle', bob), claimed())).to.equal(false)
  })
})
