import { expect } from 'chai'
import { afterEach, beforeEach, describe, it } from 'mocha'
import { DomainError } from '../../domain/errors.ts'
import { accountStream, conversationStream, type Position } from '../../domain/ids.ts'
import { directoryProjection } from '../../projections/directory.ts'
import type { Projection } from '../../projections/projection.ts'
import type { Projector } from '../../projections/projector.ts'
import type { ReadModelStore } from '../../projections/readModelStore.ts'
import { rosterProjection } from '../../projections/roster.ts'
import { timelineProjection } from '../../projections/timeline.ts'
import { ALICE, BOB, GROUP, telling } from '../support/conversation.ts'
import { History, positionOf } from '../support/history.ts'
import { openReadSide, type ReadSide } from '../support/readSide.ts'

type Count = { readonly messages: number }

/** Messages per stream: right only when each event is folded once. */
const counter: Projection<Count> = {
  name: 'counter',
  version: 1,
  categories: { conversation: 1 },
  handles: ['MessageSent'],
  indexes: [],
  keysOf: ({ stream }) => [stream],
  project: (count) => ({ messages: (count?.messages ?? 0) + 1 }),
}

describe('projector', () => {
  let side: ReadSide
  let group: ReturnType<typeof telling>
  beforeEach(() => {
    side = openReadSide()
    group = telling()
    group.started()
    group.founded(ALICE, 'admin')
  })
  afterEach(() => side.close())

  const send = async (count: number): Promise<void> => {
    for (let n = 0; n < count; n++) group.sent(ALICE, 'hello')
    await side.append(group.history.events)
  }

  const counted = async (): Promise<unknown> =>
    (await side.models.get('counter@1', [conversationStream(GROUP)]))[0]?.doc?.messages

  const head = (): Position => positionOf(group.history.events.length)

  const folded = async (projector: Projector, ...projections: readonly Projection[]): Promise<void> =>
    side.caughtUp(projector, projections)

  it('folds what there is and what comes', async () => {
    await send(3)
    const projector = await side.startProjector({ projections: [counter] })
    await folded(projector, counter)
    expect(await counted()).to.equal(3)
    await send(2)
    await folded(projector, counter)
    expect(await counted()).to.equal(5)
    expect(projector.checkpoint('counter')).to.equal(head())
  })

  it('goes on where it stopped', async () => {
    for (let round = 1; round <= 3; round++) {
      await send(2)
      await folded(await side.startProjector({ projections: [counter] }), counter)
      await side.stopProjectors()
      expect(await counted()).to.equal(2 * round)
    }
    expect(await side.models.checkpoint('counter@1')).to.deep.equal({
      position: head(),
      eventId: group.history.events.at(-1)?.id,
      incarnation: 'first',
    })
  })

  it('brings projections from different places to the head', async () => {
    await send(3)
    await folded(await side.startProjector({ projections: [counter] }), counter)
    await side.stopProjectors()
    await send(2)
    const projector = await side.startProjector({ projections: [counter, rosterProjection] })
    expect(projector.checkpoint('roster')).to.equal(undefined)
    expect(projector.lowest(['counter', 'roster'])).to.equal(undefined)
    await folded(projector, counter, rosterProjection)
    expect(await counted()).to.equal(5)
    expect((await side.roster.members(GROUP, { limit: 9 })).members.map(({ userId }) => userId)).to.deep.equal([ALICE])
    expect(projector.lowest(['counter', 'roster'])).to.equal(head())
  })

  describe('waitFor', () => {
    it('is true once all have passed the position', async () => {
      const projector = await side.startProjector({ projections: [counter, rosterProjection] })
      const passed = projector.waitFor(['counter', 'roster'], positionOf(5), 5_000)
      await send(3)
      expect(await passed).to.equal(true)
      expect(await counted()).to.equal(3)
    })

    it('is false when that takes too long', async () => {
      await send(1)
      const projector = await side.startProjector({ projections: [counter] })
      expect(await projector.waitFor(['counter'], positionOf(99), 10)).to.equal(false)
    })
  })

  it('tells of every step, until nobody wants to know', async () => {
    const projector = await side.startProjector({ projections: [counter] })
    const seen: (Position | undefined)[] = []
    const stop = projector.onAdvance(() => void seen.push(projector.checkpoint('counter')))
    await send(1)
    await folded(projector, counter)
    expect(seen.at(-1)).to.equal(head())
    stop()
    const before = seen.length
    await send(1)
    await folded(projector, counter)
    expect(seen.length).to.equal(before)
  })

  describe('after a restore', () => {
    /** Read models of five messages meet another log. */
    const meet = async (tell: (other: ReturnType<typeof telling>) => void, incarnation = 'first'): Promise<unknown> => {
      await send(5)
      await folded(await side.startProjector({ projections: [counter] }), counter)
      await side.stopProjectors()
      const elsewhere = openReadSide()
      try {
        const other = telling(new History('f00'))
        tell(other)
        await elsewhere.append(other.history.events)
        const projector = await side.startProjector({ log: elsewhere.log, projections: [counter], incarnation })
        await elsewhere.caughtUp(projector, [counter])
        await side.stopProjectors()
        return await counted()
      } finally {
        await elsewhere.close()
      }
    }

    it('builds a model anew that is beyond the head of the log', async () => {
      const messages = await meet((other) => {
        other.started()
        other.sent(BOB, 'hello')
      })
      expect(messages).to.equal(1)
      expect(side.logged.map(({ message }) => message)).to.deep.equal([
        'a read model is not of this log and is built anew',
      ])
    })

    it('builds a model anew that stands on another event', async () => {
      const messages = await meet((other) => {
        other.started()
        for (let n = 0; n < 6; n++) other.sent(BOB, 'hello')
      })
      expect(messages).to.equal(6)
    })

    it('builds a model anew that is of another incarnation', async () => {
      const messages = await meet((other) => {
        for (const event of group.history.events) other.history.events.push(event)
      }, 'second')
      expect(messages).to.equal(5)
      expect(side.logged).to.have.length(1)
    })

    it('keeps a model that is of this log', async () => {
      await meet((other) => {
        for (const event of group.history.events) other.history.events.push(event)
      })
      expect(side.logged).to.deep.equal([])
    })
  })

  describe('an event that a projection cannot take', () => {
    const expectStopped = async (projection: Projection, before: number): Promise<void> => {
      const projector = await side.startProjector({ projections: [projection, timelineProjection] })
      await folded(projector, timelineProjection)
      expect(projector.checkpoint(projection.name)).to.equal(positionOf(before))
      expect(side.logged.map(({ message }) => message)).to.deep.equal(['a projection stopped'])
      await send(1)
      await folded(projector, timelineProjection)
      expect(projector.checkpoint(projection.name)).to.equal(positionOf(before))
      expect(await projector.waitFor([projection.name], head(), 10)).to.equal(false)
    }

    it('stops it before a schema that is newer than it knows, loudly, and no other', async () => {
      await send(2)
      group.history.happened(accountStream(ALICE), { type: 'AccountRegistered', data: {} }, { schema: 2 })
      await send(1)
      await expectStopped(directoryProjection, 4)
    })

    it('stops it when the fold fails, and keeps nothing of that batch', async () => {
      await send(2)
      const projector = await side.startProjector({ projections: [counter] })
      await folded(projector, counter)
      await side.stopProjectors()
      group.edited(1, 'hello!')
      await send(1)
      const failing: Projection<Count> = {
        ...counter,
        handles: ['MessageSent', 'MessageEdited'],
        project(count, event, at) {
          if (event.type === 'MessageEdited') throw new Error('no')
          return counter.project(count, event, at)
        },
      }
      await expectStopped(failing, 4)
      expect(await counted()).to.equal(2)
    })

    it('is not one of a type that it does not know', async () => {
      await send(1)
      group.wondered({})
      await send(1)
      const projector = await side.startProjector()
      await side.caughtUp(projector)
      expect(side.logged).to.deep.equal([])
      expect((await side.timeline.readPage(GROUP, [{ from: 0 }], 0, 9)).headRevision).to.equal(4)
    })
  })

  it('tries again when the read models fail, and folds nothing twice', async () => {
    await send(2)
    let failures = 2
    const models: ReadModelStore = {
      ...side.models,
      async commit(model, documents, checkpoint) {
        if (failures-- > 0) throw new DomainError('Unavailable', 'not now')
        return side.models.commit(model, documents, checkpoint)
      },
    }
    const projector = await side.startProjector({ models, projections: [counter] })
    await send(2)
    await folded(projector, counter)
    expect(await counted()).to.equal(4)
    expect(side.logged.length).to.be.greaterThan(0)
  })

  it('folds nothing twice where documents were written and the checkpoint was not', async () => {
    await send(2)
    await folded(await side.startProjector({ projections: [counter] }), counter)
    await side.stopProjectors()
    const before = await side.models.checkpoint('counter@1')
    if (before === undefined) throw new Error('nothing was folded')
    const dying: ReadModelStore = {
      ...side.models,
      async commit(model, documents) {
        await side.models.commit(model, documents, before)
        throw new DomainError('Unavailable', 'not now')
      },
    }
    await send(3)
    await side.startProjector({ models: dying, projections: [counter] })
    while ((await counted()) !== 5) await new Promise(setImmediate)
    await side.stopProjectors()
    expect(await side.models.checkpoint('counter@1')).to.deep.equal(before)
    await send(1)
    await folded(await side.startProjector({ projections: [counter] }), counter)
    expect(await counted()).to.equal(6)
  })

  it('folds on while a slow commit is under way', async () => {
    const waiting: (() => void)[] = []
    const models: ReadModelStore = {
      ...side.models,
      async commit(model, documents, checkpoint) {
        await new Promise<void>((resolve) => waiting.push(resolve))
        return side.models.commit(model, documents, checkpoint)
      },
    }
    const projector = await side.startProjector({ models, projections: [counter] })
    for (let n = 0; n < 5; n++) {
      await send(1)
      await new Promise((resolve) => setTimeout(resolve, 5))
    }
    expect(waiting).to.have.length(1)
    const done = folded(projector, counter)
    for (let committed = 0; committed < 2; committed++) {
      waiting.shift()?.()
      await new Promise((resolve) => setTimeout(resolve, 5))
    }
    await done
    expect(await counted()).to.equal(5)
  })

  it('prunes tombstones a day after they were passed', async () => {
    let now = 0
    const projector = await side.startProjector({ projections: [rosterProjection], clock: () => now })
    group.founded(BOB)
    group.removed(BOB)
    const tombstones = async () => (await side.models.get('roster@1', [`${GROUP}/${BOB}`])).length
    for (const hours of [0, 1, 23]) {
      now = hours * 3_600_000
      await send(1)
      await folded(projector, rosterProjection)
      expect(await tombstones()).to.equal(1)
    }
    now = 24 * 3_600_000
    await send(1)
    await folded(projector, rosterProjection)
    await side.stopProjectors()
    expect(await tombstones()).to.equal(0)
  })

  describe('whilePaused', () => {
    it('folds nothing into the one model, goes on with the others, and then goes on with all', async () => {
      await send(2)
      const projector = await side.startProjector({ projections: [counter, rosterProjection] })
      await folded(projector, counter, rosterProjection)
      const standing = head()
      const outcome = await projector.whilePaused('counter', async (checkpoint) => {
        expect(checkpoint?.position).to.equal(standing)
        await send(3)
        await folded(projector, rosterProjection)
        expect(projector.checkpoint('counter')).to.equal(standing)
        return counted()
      })
      expect(outcome).to.equal(2)
      await folded(projector, counter)
      expect(await counted()).to.equal(5)
    })

    it('goes on when the work fails', async () => {
      const projector = await side.startProjector({ projections: [counter] })
      const failing = projector.whilePaused('counter', async () => {
        throw new Error('no')
      })
      expect(await failing.catch(({ message }: Error) => message)).to.equal('no')
      await send(3)
      await folded(projector, counter)
      expect(await counted()).to.equal(3)
    })
  })
})
