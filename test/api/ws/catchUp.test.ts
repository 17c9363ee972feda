import { expect } from 'chai'
import fc from 'fast-check'
import { describe, it } from 'mocha'
import { type CatchUpSource, catchUp } from '../../../api/ws/catchUp.ts'
import type { ConversationId } from '../../../domain/ids.ts'
import type { Timeline, TimelineItem } from '../../../projections/timeline.ts'
import { positionOf } from '../../support/events.ts'

const conversation = (n: number): ConversationId =>
  `dddddddd-0000-8000-8000-${String(n).padStart(12, '0')}` as ConversationId

/** A timeline over plain lists of positions, one per revision, that pages as the real one does. */
const timelineOf = (histories: ReadonlyMap<ConversationId, readonly number[]>): Pick<Timeline, 'readPage'> => ({
  readPage: async (id, _visibility, from, limit) => {
    const positions = histories.get(id) ?? []
    const items = positions.slice(from, from + limit).map(
      (position, i): TimelineItem => ({
        kind: 'event',
        revision: from + i,
        position: positionOf(position),
        eventType: 'MessageSent',
        at: '',
        actor: { userId: '' as never },
        dataText: '{}',
      }),
    )
    return { items, headRevision: positions.length - 1 }
  },
})

describe('catchUp', () => {
  it('gives every event up to the bound once, in the order of the log', async () => {
    const owners = fc.array(fc.integer({ min: 0, max: 4 }), { maxLength: 300 })
    await fc.assert(
      fc.asyncProperty(owners, fc.integer({ min: 0, max: 320 }), async (log, bound) => {
        const histories = new Map<ConversationId, number[]>()
        log.forEach((owner, position) => {
          const id = conversation(owner)
          histories.set(id, [...(histories.get(id) ?? []), position])
        })
        const sources: CatchUpSource[] = [...histories].map(([conversationId, positions]) => ({
          conversationId,
          visibility: [{ from: 0 }],
          nextRevision: 0,
          headRevision: positions.length - 1,
        }))
        const deps = {
          timeline: timelineOf(histories) as Timeline,
          inbox: { heads: async () => new Map() },
        }
        const given: string[] = []
        for await (const chunk of catchUp(deps, sources, positionOf(bound)))
          for (const { item } of chunk) given.push(item.position)
        expect(given).to.deep.equal(
          log
            .map((_, position) => position)
            .filter((p) => p <= bound)
            .map(positionOf),
        )
      }),
      { numRuns: 60 },
    )
  })
})
