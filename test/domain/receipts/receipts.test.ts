import { expect } from 'chai'
import fc from 'fast-check'
import { describe, it } from 'mocha'
import { DomainError } from '../../../domain/errors.ts'
import type { ConversationId, UserId } from '../../../domain/ids.ts'
import { type AdvanceReceipts, receiptsDecider } from '../../../domain/receipts/decide.ts'
import { type ReceiptsEvent, watermarksOfOthers } from '../../../domain/receipts/events.ts'
import { given } from '../../support/decider.ts'

const conversationId = 'c0000000-0000-8000-8000-000000000000' as ConversationId
const [alice, bob, carol] = ['alice', 'bob', 'carol'] as UserId[] as [UserId, UserId, UserId]
const actor = { userId: alice }

type Advance = AdvanceReceipts['advances'][number]
const advance = (...advances: Advance[]): AdvanceReceipts => ({ type: 'AdvanceReceipts', conversationId, advances })
/** Each member with the seq they joined at. */
const among = (members: ReadonlyMap<UserId, number>, lastSeq: number) => ({
  now: 0,
  actor,
  facts: {
    members: Object.fromEntries([...members].map(([userId, joinedSeq]) => [userId, { joinedSeq }])),
    lastSeq,
  },
})
const founders = (...userIds: UserId[]) => new Map(userIds.map((userId) => [userId, 0]))
type Common = Pick<ReceiptsEvent['data'], 'allDelivered' | 'allRead' | 'slowest'>
/** Both watermarks, of the slowest and of the others. */
const common = (delivered: readonly [UserId, number, number], read: readonly [UserId, number, number]): Common => ({
  allDelivered: delivered[1],
  allRead: read[1],
  slowest: {
    delivered: { userId: delivered[0], others: delivered[2] },
    read: { userId: read[0], others: read[2] },
  },
})
/** For the past: what is decided now does not depend on it. */
const ANY = common([alice, 0, 0], [alice, 0, 0])
const advanced = (advances: ReceiptsEvent['data']['advances'], all: Common = ANY): ReceiptsEvent => ({
  type: 'ReceiptsAdvanced',
  data: { conversationId, advances, ...all },
})

describe('AdvanceReceipts', () => {
  it('moves the watermarks of several users in one event', () => {
    given(receiptsDecider, [])
      .when(
        advance({ userId: alice, delivered: 2 }, { userId: bob, delivered: 3, read: 1 }),
        among(founders(alice, bob), 3),
      )
      .then([
        advanced(
          [
            { userId: alice, delivered: 2, read: 0 },
            { userId: bob, delivered: 3, read: 1 },
          ],
          common([alice, 2, 3], [alice, 0, 1]),
        ),
      ])
  })
  it('takes what was read as delivered', () => {
    given(receiptsDecider, [])
      .when(advance({ userId: bob, read: 3 }), among(founders(alice, bob), 3))
      .then([advanced([{ userId: bob, delivered: 3, read: 3 }], common([alice, 0, 3], [alice, 0, 3]))])
  })
  it('never goes back', () => {
    given(receiptsDecider, [advanced([{ userId: bob, delivered: 3, read: 2 }])])
      .when(advance({ userId: bob, delivered: 2, read: 1 }), among(founders(alice, bob), 3))
      .then([])
  })
  it('keeps what was read when more is delivered', () => {
    given(receiptsDecider, [advanced([{ userId: bob, delivered: 3, read: 2 }])])
      .when(advance({ userId: bob, delivered: 4 }), among(founders(alice, bob), 4))
      .then([advanced([{ userId: bob, delivered: 4, read: 2 }], common([alice, 0, 4], [alice, 0, 2]))])
  })
  it('stops at the newest message', () => {
    given(receiptsDecider, [])
      .when(advance({ userId: bob, delivered: 99, read: 99 }), among(founders(alice, bob), 3))
      .then([advanced([{ userId: bob, delivered: 3, read: 3 }], common([alice, 0, 3], [alice, 0, 3]))])
  })
  it('ignores whoever is not a member', () => {
    given(receiptsDecider, [])
      .when(advance({ userId: carol, delivered: 3 }), among(founders(alice, bob), 3))
      .then([])
  })
  it('merges two advances of one user', () => {
    given(receiptsDecider, [])
      .when(advance({ userId: bob, read: 1 }, { userId: bob, delivered: 3 }), among(founders(alice, bob), 3))
      .then([advanced([{ userId: bob, delivered: 3, read: 1 }], common([alice, 0, 3], [alice, 0, 1]))])
  })
  it('tells who is slowest, and how far the others are, of each watermark', () => {
    given(receiptsDecider, [advanced([{ userId: alice, delivered: 1, read: 1 }])])
      .when(
        advance({ userId: bob, delivered: 5, read: 0 }, { userId: carol, delivered: 4, read: 3 }),
        among(founders(alice, bob, carol), 5),
      )
      .then([
        advanced(
          [
            { userId: bob, delivered: 5, read: 0 },
            { userId: carol, delivered: 4, read: 3 },
          ],
          common([alice, 1, 4], [bob, 0, 1]),
        ),
      ])
  })
  it('does not wait for who has left', () => {
    given(receiptsDecider, [advanced([{ userId: carol, delivered: 1, read: 1 }])])
      .when(advance({ userId: bob, read: 3 }, { userId: alice, read: 3 }), among(founders(alice, bob), 3))
      .then([
        advanced(
          [
            { userId: bob, delivered: 3, read: 3 },
            { userId: alice, delivered: 3, read: 3 },
          ],
          common([alice, 3, 3], [alice, 3, 3]),
        ),
      ])
  })
  it('waits for who joins only from there on', () => {
    const joined = new Map([...founders(alice, bob), [carol, 3]])
    given(receiptsDecider, [advanced([{ userId: bob, delivered: 3, read: 3 }])])
      .when(advance({ userId: bob, delivered: 4 }), among(joined, 4))
      .then([advanced([{ userId: bob, delivered: 4, read: 3 }], common([alice, 0, 3], [alice, 0, 3]))])
  })
  it('waits for nobody where nobody else is', () => {
    given(receiptsDecider, [])
      .when(advance({ userId: alice, delivered: 1 }), among(founders(alice), 3))
      .then([advanced([{ userId: alice, delivered: 1, read: 0 }], common([alice, 1, 3], [alice, 0, 3]))])
  })
  it('is repeated by what reports the same users', () => {
    const event = advanced([{ userId: bob, delivered: 3, read: 3 }])
    expect(receiptsDecider.repeats(advance({ userId: bob, read: 3 }), event)).to.equal(true)
    expect(receiptsDecider.repeats(advance({ userId: carol, read: 3 }), event)).to.equal(false)
  })
})

const USERS = ['dan', 'eve', 'fay', 'gus'] as UserId[]
const user = fc.constantFrom(...USERS)

/** One step of a conversation's life: messages, somebody coming or going, or receipts. */
const step = fc.oneof(
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('send' as const) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('toggle' as const), userId: user }) },
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant('receipts' as const),
      advances: fc.array(
        fc.record({ userId: user, delivered: fc.nat(12), read: fc.nat(12) }, { requiredKeys: ['userId'] }),
        { minLength: 1, maxLength: 4 },
      ),
    }),
  },
)

/** A life told message by message: who was in when it was sent, who said to have it, and what the events say. */
class Life {
  readonly members = founders(...USERS.slice(0, 2))
  /** Of each message, those who were in when it was sent and never left since; the first has seq 1. */
  readonly present: Set<UserId>[] = []
  readonly best = new Map<UserId, { delivered: number; read: number }>()
  readonly events: ReceiptsEvent[] = []

  play(action: typeof step extends fc.Arbitrary<infer T> ? T : never): void {
    if (action.kind === 'send') this.present.push(new Set(this.members.keys()))
    if (action.kind === 'toggle') this.#toggle(action.userId)
    if (action.kind === 'receipts') this.#advance(action.advances)
  }

  /** Up to which seq all members but the reader have every message that they were there for. */
  received(mark: 'delivered' | 'read', reader: UserId): number {
    const others = [...this.members.keys()].filter((userId) => userId !== reader)
    const missing = this.present.findIndex((present, i) =>
      others.some((userId) => present.has(userId) && this.#mark(userId, mark) < i + 1),
    )
    return missing < 0 ? this.present.length : missing
  }

  #mark(userId: UserId, mark: 'delivered' | 'read'): number {
    return this.best.get(userId)?.[mark] ?? 0
  }

  #toggle(userId: UserId): void {
    if (!this.members.delete(userId)) this.members.set(userId, this.present.length)
    for (const present of this.present) present.delete(userId)
  }

  #advance(advances: readonly Advance[]): void {
    const lastSeq = this.present.length
    const moved = new Map<UserId, { delivered: number; read: number }>()
    for (const { userId, delivered = 0, read = 0 } of advances) {
      if (!this.members.has(userId)) continue
      const [hadDelivered, hadRead] = [this.#mark(userId, 'delivered'), this.#mark(userId, 'read')]
      const now = {
        delivered: Math.min(lastSeq, Math.max(hadDelivered, delivered, read)),
        read: Math.min(lastSeq, Math.max(hadRead, read)),
      }
      if (now.delivered === hadDelivered && now.read === hadRead) continue
      this.best.set(userId, now)
      moved.set(userId, now)
    }
    const { outcome } = given(receiptsDecider, this.events).when(advance(...advances), among(this.members, lastSeq))
    if (outcome instanceof DomainError) throw outcome
    expect(outcome.map(({ data }) => data.advances)).to.deep.equal(
      moved.size === 0 ? [] : [[...moved].map(([userId, marks]) => ({ userId, ...marks }))],
    )
    this.events.push(...outcome)
  }
}

describe('Receipts', () => {
  it('tell every author what all others have, message by message', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
        const life = new Life()
        for (const action of steps) {
          const told = life.events.length
          life.play(action)
          const event = life.events[told]
          if (event === undefined) continue
          for (const reader of life.members.keys())
            expect(watermarksOfOthers(event.data, reader), reader).to.deep.equal({
              allDelivered: life.received('delivered', reader),
              allRead: life.received('read', reader),
            })
        }
      }),
      { numRuns: 300 },
    )
  })

  it('take nothing back, whoever comes or goes', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
        const life = new Life()
        /** Of those who stay members. */
        const seen = new Map<UserId, { readonly allDelivered: number; readonly allRead: number }>()
        for (const action of steps) {
          const told = life.events.length
          life.play(action)
          if (action.kind === 'toggle') seen.delete(action.userId)
          const event = life.events[told]
          if (event === undefined) continue
          for (const reader of life.members.keys()) {
            const now = watermarksOfOthers(event.data, reader)
            const { allDelivered = 0, allRead = 0 } = seen.get(reader) ?? {}
            expect(now.allDelivered, reader).to.be.at.least(allDelivered)
            expect(now.allRead, reader).to.be.at.least(allRead)
            seen.set(reader, now)
          }
        }
      }),
      { numRuns: 300 },
    )
  })
})
