import { cpSync } from 'node:fs'
import { join } from 'node:path'
import { expect } from 'chai'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, it } from 'mocha'
import { DomainError } from '../../domain/errors.ts'
import type { Position } from '../../domain/ids.ts'
import { createEmbeddedReadModelStore } from '../../infra/embedded/readModelStore.ts'
import { digestOf } from '../../projections/digest.ts'
import { modelOf } from '../../projections/projection.ts'
import type { Projector } from '../../projections/projector.ts'
import type { Checkpoint, ReadModelStore } from '../../projections/readModelStore.ts'
import { type RebuildOptions, type RebuildProgress, rebuild } from '../../projections/rebuild.ts'
import { PROJECTIONS } from '../../projections/registry.ts'
import { rosterProjection } from '../../projections/roster.ts'
import { timelineProjection } from '../../projections/timeline.ts'
import { ALICE, BOB, GROUP, telling } from '../support/conversation.ts'
import { foldAll } from '../support/folding.ts'
import { anyMoves, historyOf } from '../support/randomHistory.ts'
import { openReadSide, type ReadSide } from '../support/readSide.ts'

const NOTHING_DIFFERS = PROJECTIONS.map(({ name: projection }) => ({ projection }))

/**
 * Fails the commits that `fails` picks, as a store without transactions may: some documents are written, and the
 * checkpoint is not.
 */
const failing = (models: ReadModelStore, fails: () => boolean): ReadModelStore => ({
  ...models,
  async commit(model, documents, checkpoint) {
    if (!fails()) return models.commit(model, documents, checkpoint)
    const before: Checkpoint = (await models.checkpoint(model)) ?? { ...checkpoint, position: '' as Position }
    if (before.position !== '') await models.commit(model, documents.slice(0, documents.length / 2), before)
    throw new DomainError('Unavailable', 'not now')
  },
})

describe('rebuild', () => {
  let side: ReadSide
  beforeEach(() => {
    side = openReadSide()
  })
  afterEach(() => side.close())

  const run = (projector: Projector, options: Partial<RebuildOptions> = {}) =>
    rebuild(
      { log: side.log, models: side.models, projector, incarnation: 'first', clock: Date.now },
      { projections: PROJECTIONS, compare: true, ...options },
    )

  const digests = (models: ReadModelStore): Promise<string[]> =>
    Promise.all(PROJECTIONS.map((projection) => digestOf(models, modelOf(projection))))

  describe('G7: what is rebuilt equals what is live', () => {
    it('whatever happened, in whatever batches, and whichever commits failed half-way', async () => {
      await fc.assert(
        fc.asyncProperty(
          anyMoves(120),
          fc.array(fc.nat({ max: 130 }), { maxLength: 5 }),
          fc.array(fc.integer({ min: 1, max: 12 }), { maxLength: 3 }),
          async (moves, cuts, failures) => {
            await side.close()
            side = openReadSide()
            const { events } = historyOf(moves)
            for (const [at, cut] of [...cuts.sort((a, b) => a - b), events.length].entries()) {
              await side.append(events.slice(0, cut))
              let left = failures[at] ?? Number.POSITIVE_INFINITY
              const fails = () => --left === 0
              const projector = await side.startProjector({ models: failing(side.models, fails) })
              if (failures[at] === undefined) await side.caughtUp(projector)
              else await new Promise(setImmediate)
              await side.stopProjectors()
            }
            const projector = await side.startProjector()
            await side.caughtUp(projector)
            for (const projection of PROJECTIONS)
              expect(await side.models.scan(modelOf(projection), undefined, 10_000)).to.deep.equal(
                foldAll(projection, events),
              )
            expect(await run(projector)).to.deep.equal(NOTHING_DIFFERS)
          },
        ),
        { numRuns: 12 },
      )
    })

    it('from whatever a killed process leaves on the disk', async () => {
      await fc.assert(
        fc.asyncProperty(anyMoves(80), fc.nat({ max: 80 }), async (moves, cut) => {
          await side.close()
          side = openReadSide()
          const { events } = historyOf(moves)
          await side.append(events.slice(0, cut))
          await side.caughtUp(await side.startProjector())
          if (cut % 2 === 0) await side.models.flush()
          await side.append(events)
          // The files as they are at this moment: commits that gather in an open transaction are lost.
          const left = join(side.folder, 'left')
          cpSync(join(side.folder, 'models'), left, { recursive: true })
          const models = createEmbeddedReadModelStore({ folder: left })
          const projector = await side.startProjector({ models })
          await side.caughtUp(projector)
          const rebuilt = await rebuild(
            { log: side.log, models, projector, incarnation: 'first', clock: Date.now },
            { projections: PROJECTIONS, compare: true },
          )
          await side.stopProjectors()
          await models.close()
          expect(rebuilt).to.deep.equal(NOTHING_DIFFERS)
        }),
        { numRuns: 10 },
      )
    })
  })

  describe('of a group', () => {
    let group: ReturnType<typeof telling>
    let projector: Projector
    beforeEach(async () => {
      group = telling()
      group.started()
      group.founded(ALICE, 'admin')
      group.founded(BOB)
      for (let n = 0; n < 2_500; n++) group.sent(n % 2 === 0 ? ALICE : BOB, `message ${n}`)
      await side.append(group.history.events)
      projector = await side.startProjector()
      await side.caughtUp(projector)
    })

    const wrong = (key: string) => {
      const checkpoint = { position: 'f'.repeat(16) as Position, eventId: 'x' as never, incarnation: 'wrong' }
      return side.models.commit('roster@1', [{ key, position: checkpoint.position, doc: { odd: true } }], checkpoint)
    }

    it('names the first document that differs, and puts the right ones in its place', async () => {
      const before = await digests(side.models)
      await wrong(`${GROUP}/${BOB}`)
      expect(await run(projector, { projections: [rosterProjection] })).to.deep.equal([
        { projection: 'roster', difference: `${GROUP}/${BOB}` },
      ])
      expect(await digests(side.models)).to.deep.equal(before)
      expect((await side.roster.member(GROUP, BOB))?.role).to.equal('member')
    })

    it('only compares where that is wanted, and leaves nothing behind', async () => {
      await wrong('a key that should not be there')
      const outcome = await run(projector, { projections: [rosterProjection], swap: false })
      expect(outcome).to.deep.equal([{ projection: 'roster', difference: 'a key that should not be there' }])
      expect((await side.models.get('roster@1', ['a key that should not be there'])).length).to.equal(1)
      expect([...(await side.models.models())].sort()).to.deep.equal(PROJECTIONS.map(modelOf).sort())
    })

    it('goes on where an earlier one was cut off', async () => {
      const cutOff = new AbortController()
      const first: RebuildProgress[] = []
      const onProgress = (progress: RebuildProgress) => {
        first.push(progress)
        if (progress.events >= 1_000) cutOff.abort()
      }
      const outcome = run(projector, { onProgress, signal: cutOff.signal })
      expect(await outcome.catch(({ name }: Error) => name)).to.equal('AbortError')
      const second: RebuildProgress[] = []
      expect(await run(projector, { onProgress: (progress) => void second.push(progress) })).to.deep.equal(
        NOTHING_DIFFERS,
      )
      expect(first.at(-1)?.events).to.equal(1_000)
      expect(second.at(-1)?.events).to.equal(group.history.events.length - 1_000)
    })

    it('begins anew where an earlier one was of another log', async () => {
      await side.models.open('timeline@1#1', timelineProjection.indexes)
      const checkpoint = { position: '0'.repeat(15).concat('5') as Position, eventId: 'x' as never }
      const stray = { key: 'stray', position: checkpoint.position, doc: { odd: true } }
      await side.models.commit('timeline@1#1', [stray], { ...checkpoint, incarnation: 'another' })
      expect(await run(projector, { projections: [timelineProjection] })).to.deep.equal([{ projection: 'timeline' }])
    })

    it('tells how far it is', async () => {
      const seen: RebuildProgress[] = []
      await run(projector, { onProgress: (progress) => void seen.push(progress) })
      const shares = seen.map(({ share }) => share)
      expect(shares).to.deep.equal([...shares].sort((a, b) => a - b))
      expect(shares[0]).to.be.within(0.3, 0.5)
      expect(seen.at(-1)).to.include({ events: 2_503, share: 1, secondsLeft: 0 })
    })

    it('loses nothing of what happens meanwhile', async () => {
      let told = 0
      const appends: Promise<void>[] = []
      const onProgress = () => {
        if (told++ >= 5) return
        for (let n = 0; n < 100; n++) group.sent(ALICE, 'meanwhile')
        appends.push(side.append(group.history.events))
      }
      expect(await run(projector, { onProgress })).to.deep.equal(NOTHING_DIFFERS)
      await Promise.all(appends)
      await side.caughtUp(projector)
      for (const projection of PROJECTIONS)
        expect(await side.models.scan(modelOf(projection), undefined, 10_000)).to.deep.equal(
          foldAll(projection, group.history.events),
        )
    })
  })
})
