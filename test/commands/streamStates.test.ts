import { expect } from 'chai'
import { afterEach, beforeEach, describe, it } from 'mocha'
import type { CommandMeta } from '../../commands/decideBatch.ts'
import type { Snapshot } from '../../commands/ports.ts'
import { DomainError } from '../../domain/errors.ts'
import type { CommandId, UserId } from '../../domain/ids.ts'
import { type Backend, openBackend } from '../support/backend.ts'
import { TALLY, type TallyCommand, tallyNode, watched } from '../support/tally.ts'

const alice = 'a11ce000-0000-8000-8000-000000000000' as UserId

describe('states of streams', () => {
  let backend: Backend
  beforeEach(async () => {
    backend = await openBackend()
  })
  afterEach(() => backend.close())

  const meta = (): CommandMeta => ({ actor: { userId: alice }, commandId: backend.newId() as CommandId })
  const addAll = async (node: ReturnType<typeof tallyNode>, count: number): Promise<CommandMeta[]> => {
    const metas = Array.from({ length: count }, meta)
    for (const each of metas) await node.run({ type: 'Add', by: 1 }, each)
    return metas
  }
  /** Waits for the snapshot of this revision; nobody waits for a snapshot otherwise. */
  const saved = async (revision: number): Promise<Snapshot> => {
    for (;;) {
      const snapshot = await backend.snapshots.load(TALLY)
      if (snapshot?.revision === revision) return snapshot
      await new Promise(setImmediate)
    }
  }

  it('are read from a snapshot and what came after it', async () => {
    const metas = await addAll(tallyNode(backend, { snapshotEvery: 10 }), 34)
    await saved(29)
    backend = await backend.restart()
    const log = watched(backend.store)
    const node = tallyNode(backend, { store: log.store })
    expect(await node.state(TALLY)).to.deep.equal({ sum: 34, cap: 1_000_000 })
    expect(log.reads).to.deep.equal([30])
    const answers = await Promise.all(metas.map((each) => node.run({ type: 'Add', by: 1 }, each)))
    expect(answers.map((answer) => 'revision' in answer && answer.revision)).to.deep.equal(metas.map((_, n) => n))
    expect(await backend.eventsOf(TALLY)).to.have.length(34)
  })

  it('are the same with a snapshot and without one, window and all', async () => {
    const first = tallyNode(backend, { snapshotEvery: 1_100, maxQueue: 1_100 })
    await Promise.all(Array.from({ length: 1_100 }, () => addAll(first, 1)))
    await addAll(first, 100)
    const whole = { load: async () => undefined, save: backend.snapshots.save, dropAll: backend.snapshots.dropAll }
    await saved(1_099)
    await addAll(tallyNode(backend, { snapshotEvery: 1 }), 1)
    const continued = JSON.parse((await saved(1_200)).state)
    await addAll(tallyNode(backend, { snapshots: whole, snapshotEvery: 1 }), 1)
    const reread = JSON.parse((await saved(1_201)).state)
    expect([continued.state.sum, reread.state.sum]).to.deep.equal([1_201, 1_202])
    expect(continued.window.ids).to.have.length(1_024)
    expect(continued.window.ids.slice(1)).to.deep.equal(reread.window.ids.slice(0, -1))
    expect(reread.window.newestLeft >= continued.window.newestLeft).to.equal(true)
  })

  it('hold nothing that is not durable when they are saved', async () => {
    const log = watched(backend.store)
    const node = tallyNode(backend, { store: log.store, snapshotEvery: 1 })
    await addAll(node, 1)
    log.before(async () => {
      throw new DomainError('Unavailable', 'The log is out of reach.')
    })
    await addAll(node, 1)
    const snapshot = await saved(0)
    expect(snapshot).to.include({ incarnation: 'test', version: 1 })
    expect(JSON.parse(snapshot.state).state.sum).to.equal(1)
  })

  for (const [what, change] of Object.entries({
    'of another incarnation of the log': { incarnation: 'restored' },
    'of another shape': { version: 2 },
  })) {
    it(`are not read from a snapshot ${what}`, async () => {
      await addAll(tallyNode(backend, { snapshotEvery: 3 }), 3)
      await backend.snapshots.save({
        ...(await saved(2)),
        ...change,
        state: '{"state":{"sum":99},"window":{"ids":[]}}',
      })
      expect((await tallyNode(backend).state(TALLY)).sum).to.equal(3)
    })
  }

  it('do not depend on snapshots being saved', async () => {
    const warnings: string[] = []
    const node = tallyNode(backend, {
      snapshotEvery: 1,
      snapshots: { ...backend.snapshots, save: () => Promise.reject(new Error('no room')) },
      logger: { ...backend.deps.logger, warn: (_, message) => warnings.push(message) },
    })
    await addAll(node, 2)
    expect((await node.state(TALLY)).sum).to.equal(2)
    expect(warnings).to.deep.equal(Array(2).fill('a snapshot could not be saved'))
  })

  it('are kept for as many streams as there is room for, and read again for the others', async () => {
    const node = tallyNode(backend, { maxStreams: 10 })
    const commands = Array.from(
      { length: 50 },
      (_, n): TallyCommand => ({ type: 'Add', by: n, tally: `tally-${n}` as never }),
    )
    await Promise.all(commands.map((command) => node.run(command, meta())))
    for (const [n, { tally }] of commands.entries()) expect((await node.state(tally ?? TALLY)).sum).to.equal(n)
    await Promise.all(commands.map((command) => node.run(command, meta())))
    for (const [n, { tally }] of commands.entries()) expect((await node.state(tally ?? TALLY)).sum).to.equal(2 * n)
  })

  it('are kept while a command is at work on them, whatever else there is no room for', async () => {
    const log = watched(backend.store)
    const node = tallyNode(backend, { store: log.store, maxStreams: 10 })
    let release = () => {}
    log.before(() => new Promise((resolve) => (release = resolve)))
    const first = node.run({ type: 'Add', by: 1 }, meta())
    while (log.appends.length === 0) await new Promise(setImmediate)
    for (let n = 0; n < 50; n++) await node.state(`tally-other-${n}` as never)
    const second = node.run({ type: 'Add', by: 2 }, meta())
    for (let turn = 0; turn < 5; turn++) await new Promise(setImmediate)
    expect(log.appends).to.have.length(1)
    log.before(async () => undefined)
    release()
    await Promise.all([first, second])
    expect(log.appends).to.have.length(2)
  })

  it('are not made from events of a newer version', async () => {
    const metadata = { ...meta(), at: '2026-03-01T12:00:00.000Z', correlationId: 'c', schema: 2 }
    const event = { id: backend.newId() as never, type: 'Added', data: { by: 1 }, metadata }
    await backend.store.appendToStream(TALLY, [event], { expectedRevision: 'noStream' })
    expect(await tallyNode(backend).run({ type: 'Add', by: 1 }, meta())).to.include({ code: 'Unavailable' })
  })
})
