import { expect } from 'chai'
import fc from 'fast-check'
import { describe, it } from 'mocha'
import { DomainError } from '../../../domain/errors.ts'
import type { ConversationId, UserId } from '../../../domain/ids.ts'
import { type AdvanceReceipts, type ReceiptsFacts, receiptsDecider } from '../../../domain/receipts/decide.ts'
import type { ReceiptsEvent } from '../../../domain/receipts/events.ts'
import { given } from '../../support/decider.ts'

const conversationId = 'c0000000-0000-8000-8000-000000000000' as ConversationId
const [alice, bob, carol] = ['alice', 'bob', 'carol'] as UserId[] as [UserId, UserId, UserId]
const actor = { userId: alice }

type Advance = AdvanceReceipts['advances'][number]
const advance = (...advances: Advance[]): AdvanceReceipts => ({ type: 'AdvanceReceipts', conversationId, advances })
const among = (members: readonly UserId[], lastSeq: number, tail?: ReceiptsFacts['tail']) => ({
  now: 0,
  actor,
  facts: {
    members: Object.fromEntries(members.map((userId) => [userId, 'member'])),
    lastSeq,
    ...(tail !== undefined && { tail }),
  },
})
const advanced = (
  advances: ReceiptsEvent['data']['advances'],
  allDelivered: number,
  allRead: number,
): ReceiptsEvent => ({ type: 'ReceiptsAdvanced', data: { conversationId, advances, allDelivered, allRead } })

describe('AdvanceReceipts', () => {
  it('moves the watermarks of several users in one event', () => {
    given(receiptsDecider, [])
      .when(advance({ userId: alice, delivered: 2 }, { userId: bob, delivered: 3, read: 1 }), among([alice, bob], 3))
      .then([
        advanced(
          [
            { userId: alice, delivered: 2, read: 0 },
            { userId: bob, delivered: 3, read: 1 },
          ],
          2,
          0,
        ),
      ])
  })
  it('takes what was read as delivered', () => {
    given(receiptsDecider, [])
      .when(advance({ userId: bob, read: 3 }), among([alice, bob], 3))
      .then([advanced([{ userId: bob, delivered: 3, read: 3 }], 0, 0)])
  })
  it('never goes back', () => {
    given(receiptsDecider, [advanced([{ userId: bob, delivered: 3, read: 2 }], 0, 0)])
      .when(advance({ userId: bob, delivered: 2, read: 1 }), among([alice, bob], 3))
      .then([])
  })
  it('keeps what was read when more is delivered', () => {
    given(receiptsDecider, [advanced([{ userId: bob, delivered: 3, read: 2 }], 0, 0)])
      .when(advance({ userId: bob, delivered: 4 }), among([alice, bob], 4))
      .then([advanced([{ userId: bob, delivered: 4, read: 2 }], 0, 0)])
  })
  it('stops at the newest message', () => {
    given(receiptsDecider, [])
      .when(advance({ userId: bob, delivered: 99, read: 99 }), among([alice, bob], 3))
      .then([advanced([{ userId: bob, delivered: 3, read: 3 }], 0, 0)])
  })
  it('ignores whoever is not a member', () => {
    given(receiptsDecider, [])
      .when(advance({ userId: carol, delivered: 3 }), among([alice, bob], 3))
      .then([])
  })
  it('merges two advances of one user', () => {
    given(receiptsDecider, [])
      .when(advance({ userId: bob, read: 1 }, { userId: bob, delivered: 3 }), among([alice, bob], 3))
      .then([advanced([{ userId: bob, delivered: 3, read: 1 }], 0, 0)])
  })
  it('does not wait for the author of the newest messages', () => {
    given(receiptsDecider, [])
      .when(advance({ userId: bob, read: 3 }), among([alice, bob], 3, { author: alice, from: 1 }))
      .then([advanced([{ userId: bob, delivered: 3, read: 3 }], 3, 3)])
  })
  it('waits for an author who has not received what came before', () => {
    given(receiptsDecider, [advanced([{ userId: alice, delivered: 1, read: 1 }], 0, 0)])
      .when(advance({ userId: bob, delivered: 5 }), among([alice, bob], 5, { author: alice, from: 4 }))
      .then([advanced([{ userId: bob, delivered: 5, read: 0 }], 1, 0)])
  })
  it('does not wait for who has left', () => {
    given(receiptsDecider, [advanced([{ userId: carol, delivered: 1, read: 1 }], 0, 0)])
      .when(advance({ userId: bob, read: 3 }, { userId: alice, read: 3 }), among([alice, bob], 3))
      .then([
        advanced(
          [
            { userId: bob, delivered: 3, read: 3 },
            { userId: alice, delivered: 3, read: 3 },
          ],
          3,
          3,
        ),
      ])
  })
  it('does not take back what everybody had when somebody joins', () => {
    given(receiptsDecider, [advanced([{ userId: bob, delivered: 3, read: 3 }], 3, 3)])
      .when(advance({ userId: bob, delivered: 4 }), among([alice, bob, carol], 4, { author: alice, from: 1 }))
      .then([advanced([{ userId: bob, delivered: 4, read: 3 }], 3, 3)])
  })
  it('is repeated by what reports the same users', () => {
    const event = advanced([{ userId: bob, delivered: 3, read: 3 }], 0, 0)
    expect(receiptsDecider.repeats(advance({ userId: bob, read: 3 }), event)).to.equal(true)
    expect(receiptsDecider.repeats(advance({ userId: carol, read: 3 }), event)).to.equal(false)
  })
})

/** One step of a conversation's life: a message, somebody coming or going, or receipts. */
const step = fc.oneof(
  fc.record({ kind: fc.constant('send' as const), by: fc.nat(3) }),
  fc.record({ kind: fc.constant('toggle' as const), by: fc.nat(3) }),
  fc.record({
    kind: fc.constant('receipts' as const),
    advances: fc.array(
      fc.record(
        { userId: fc.nat(3).map(userOf), delivered: fc.nat(12), read: fc.nat(12) },
        { requiredKeys: ['userId'] },
      ),
      { minLength: 1, maxLength: 4 },
    ),
  }),
)
function userOf(n: number): UserId {
  return `user${n}` as UserId
}

describe('Receipts', () => {
  it('say what a plain reading of the history says', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
        const members = new Set([userOf(0), userOf(1)])
        const authors: UserId[] = []
        const history: ReceiptsEvent[] = []
        const best = new Map<UserId, { delivered: number; read: number }>()
        for (const action of steps) {
          if (action.kind === 'send' && members.has(userOf(action.by))) authors.push(userOf(action.by))
          if (action.kind === 'toggle' && !members.delete(userOf(action.by))) members.add(userOf(action.by))
          if (action.kind !== 'receipts') continue
          const lastSeq = authors.length
          const outcome = given(receiptsDecider, history).when(
            advance(...action.advances),
            among([...members], lastSeq, tailOf(authors)),
          ).outcome
          if (outcome instanceof DomainError) throw outcome
          const before = structuredClone([...best])
          for (const { userId, delivered = 0, read = 0 } of action.advances) {
            if (!members.has(userId)) continue
            const old = best.get(userId) ?? { delivered: 0, read: 0 }
            best.set(userId, {
              delivered: Math.min(lastSeq, Math.max(old.delivered, delivered, read)),
              read: Math.min(lastSeq, Math.max(old.read, read)),
            })
          }
          const moved = [...best].filter(([userId, now]) => {
            const old = before.find(([id]) => id === userId)?.[1] ?? { delivered: 0, read: 0 }
            return now.delivered > old.delivered || now.read > old.read
          })
          expect(outcome.length).to.equal(moved.length > 0 ? 1 : 0)
          const [event] = outcome
          if (event === undefined) continue
          const sorted = [...event.data.advances].sort((a, b) => (a.userId < b.userId ? -1 : 1))
          const expected = moved.map(([userId, marks]) => ({ userId, ...marks }))
          expect(sorted).to.deep.equal(expected.sort((a, b) => (a.userId < b.userId ? -1 : 1)))
          const last = history.at(-1)?.data ?? { allDelivered: 0, allRead: 0 }
          const all = (mark: 'delivered' | 'read') =>
            haveAll(
              [...members].map((userId) => [userId, best.get(userId)?.[mark] ?? 0]),
              authors,
            )
          expect(event.data.allDelivered).to.equal(Math.max(last.allDelivered, all('delivered')))
          expect(event.data.allRead).to.equal(Math.max(last.allRead, all('read')))
          history.push(event)
        }
      }),
      { numRuns: 300 },
    )
  })
})

const tailOf = (authors: readonly UserId[]): ReceiptsFacts['tail'] => {
  const author = authors.at(-1)
  if (author === undefined) return undefined
  let from = authors.length
  while (authors[from - 2] === author) from--
  return { author, from }
}

/** The highest seq up to which every member has each message or, in the newest run, wrote it. */
const haveAll = (marks: readonly (readonly [UserId, number])[], authors: readonly UserId[]): number => {
  const run = tailOf(authors)?.from ?? 1
  const has = ([userId, mark]: readonly [UserId, number], seq: number): boolean =>
    seq <= mark || (seq >= run && authors[seq - 1] === userId)
  let seq = 0
  while (seq < authors.length && marks.every((mark) => has(mark, seq + 1))) seq++
  return seq
}
