import { expect } from 'chai'
import fc from 'fast-check'
import { describe, it } from 'mocha'
import { EventRing } from '../../../api/ws/eventRing.ts'
import type { ConversationId } from '../../../domain/ids.ts'
import { positionOf, stored } from '../../support/events.ts'

const talk = 'dddddddd-0000-8000-8000-000000000004' as ConversationId
const event = (position: number) =>
  stored(talk, position, position, { type: 'DetailsChanged', data: { details: { title: 'x'.repeat(position % 50) } } })

describe('EventRing', () => {
  it('gives exactly what came after any position that it covers', () => {
    const steps = fc.array(fc.integer({ min: 1, max: 3 }), { minLength: 1, maxLength: 60 })
    fc.assert(
      fc.property(
        steps,
        fc.integer({ min: 1, max: 20 }),
        fc.integer({ min: 600, max: 20_000 }),
        (gaps, capacity, bytes) => {
          const ring = new EventRing(capacity, bytes, positionOf(10))
          const all: number[] = []
          let position = 10
          for (const gap of gaps) {
            position += gap
            all.push(position)
            ring.push(event(position))
          }
          expect(ring.head).to.equal(positionOf(position))
          for (let from = 0; from <= position; from++) {
            if (!ring.covers(positionOf(from))) continue
            const given: string[] = []
            for (let i = ring.after(positionOf(from)); i < ring.end; i++) given.push(ring.at(i).position)
            expect(given).to.deep.equal(all.filter((each) => each > from).map(positionOf))
          }
        },
      ),
    )
  })

  it('covers what it was started at, and not what it has dropped', () => {
    const ring = new EventRing(2, 1_000_000, positionOf(10))
    expect(ring.covers(positionOf(10))).to.equal(true)
    expect(ring.covers(positionOf(9))).to.equal(false)
    for (const position of [11, 12, 13]) ring.push(event(position))
    expect(ring.covers(positionOf(10))).to.equal(false)
    expect(ring.covers(positionOf(11))).to.equal(true)
  })

  it('keeps within its bytes, but always the newest', () => {
    const ring = new EventRing(100, 1, positionOf(0))
    ring.push(event(1))
    ring.push(event(2))
    expect(ring.covers(positionOf(1))).to.equal(true)
    expect(ring.covers(positionOf(0))).to.equal(false)
  })
})
