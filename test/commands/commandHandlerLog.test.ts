import { expect } from 'chai'
import { afterEach, beforeEach, describe, it } from 'mocha'
import type { CommandMeta } from '../../commands/decideBatch.ts'
import { DomainError } from '../../domain/errors.ts'
import { ConcurrencyConflict } from '../../domain/eventsourcing/eventStore.ts'
import type { CommandId, UserId } from '../../domain/ids.ts'
import { type Backend, openBackend } from '../support/backend.ts'
import { add, added, codeOf, effectOf, TALLY, type TallyCommand, tallyNode, watched } from '../support/tally.ts'

const alice = 'a11ce000-0000-8000-8000-000000000000' as UserId

describe('CommandHandler and its log', () => {
  let backend: Backend
  let log: ReturnType<typeof watched>
  let node: ReturnType<typeof tallyNode>

  const meta = (userId = alice, commandId = backend.newId()): CommandMeta => ({
    actor: { userId },
    commandId: commandId as CommandId,
  })
  const open = (settings: Parameters<typeof tallyNode>[1] = {}) => tallyNode(backend, { store: log.store, ...settings })
  const run = (command: TallyCommand, as = meta(), on = node) => on.run(command, as)
  const runAll = (commands: readonly TallyCommand[]) => Promise.all(commands.map((command) => run(command)))
  const dataOf = async (stream = TALLY) => (await backend.eventsOf(stream)).map(({ data }) => data)

  beforeEach(async () => {
    backend = await openBackend()
    log = watched(backend.store)
    node = open()
  })
  afterEach(() => backend.close())

  describe('that others write to', () => {
    let other: ReturnType<typeof tallyNode>
    beforeEach(async () => {
      other = tallyNode(backend)
      await run({ type: 'SetCap', cap: 1 })
      expect(codeOf(await run(add(1), meta(), other))).to.equal('accepted')
      await run({ type: 'SetCap', cap: 1 })
    })

    it('decides again where the stream has moved on', async () => {
      await run({ type: 'SetCap', cap: 9 }, meta(), other)
      await run(add(1), meta(), other)
      expect(effectOf(await run({ type: 'SetCap', cap: 3 }))).to.deep.include({ revision: 4 })
      expect(codeOf(await run(add(2)))).to.equal('GroupFull')
    })

    it('keeps to the order in which commands came', async () => {
      await run({ type: 'SetCap', cap: 1_000 }, meta(), other)
      let release = () => {}
      log.before(() => new Promise((resolve) => (release = resolve)))
      const first = runAll([
        { type: 'SetCap', cap: 500 },
        { type: 'SetCap', cap: 400 },
      ])
      while (log.appends.length === 1) await new Promise(setImmediate)
      const later = runAll([{ type: 'SetCap', cap: 300 }])
      log.before(async () => undefined)
      release()
      await Promise.all([first, later])
      expect((await dataOf()).slice(3)).to.deep.equal([{ cap: 500 }, { cap: 400 }, { cap: 300 }])
    })

    it('confirms a refusal before it stands', async () => {
      await run({ type: 'SetCap', cap: 5 }, meta(), other)
      expect((await runAll([add(4), add(1)])).map(codeOf)).to.deep.equal(['accepted', 'GroupFull'])
    })

    it('confirms that there is nothing to do', async () => {
      await run({ type: 'SetCap', cap: 5 }, meta(), other)
      await run({ type: 'SetCap', cap: 1 })
      expect(((await dataOf()) as { cap?: number }[]).at(-1)).to.deep.equal({ cap: 1 })
    })

    it('does not read to confirm what an append has proven', async () => {
      await run({ type: 'SetCap', cap: 2 })
      log.reads.length = 0
      const answers = await runAll([add(9), add(1), { type: 'SetCap', cap: 2 }])
      expect(answers.map(codeOf)).to.deep.equal(['GroupFull', 'accepted', 'accepted'])
      expect(log.reads).to.deep.equal([])
    })

    it('gives up after some attempts, as Busy', async () => {
      log.before(async () => {
        throw new ConcurrencyConflict(TALLY, 0, 1)
      })
      expect((await runAll([{ type: 'SetCap', cap: 5 }, add(1)])).map(codeOf)).to.deep.equal(['Busy', 'Busy'])
      expect(log.appends.length).to.be.within(3, 20)
      log.before(async () => undefined)
      expect(codeOf(await run({ type: 'SetCap', cap: 5 }))).to.equal('accepted')
    })

    it('shows the state as the feed has it', async () => {
      await run({ type: 'SetCap', cap: 8 }, meta(), other)
      expect((await node.state(TALLY)).cap).to.equal(1)
      node.observe({ stream: TALLY, revision: 2 })
      expect((await node.state(TALLY)).cap).to.equal(8)
    })

    it('does not miss what the feed tells while it reads', async () => {
      let release = () => {}
      const slow = {
        ...backend.store,
        readStream: async (...what: Parameters<typeof backend.store.readStream>) => {
          const events = await backend.store.readStream(...what)
          await new Promise<void>((resolve) => (release = resolve))
          return events
        },
      }
      node = open({ store: slow })
      const before = node.state(TALLY)
      for (let turn = 0; turn < 5; turn++) await new Promise(setImmediate)
      await run({ type: 'SetCap', cap: 8 }, meta(), other)
      node.observe({ stream: TALLY, revision: 2 })
      release()
      expect((await before).cap).to.equal(1)
      const after = node.state(TALLY)
      for (let turn = 0; turn < 5; turn++) await new Promise(setImmediate)
      release()
      expect((await after).cap).to.equal(8)
    })
  })

  describe('that is out of reach', () => {
    const unavailable = async () => {
      throw new DomainError('Unavailable', 'The log is out of reach.')
    }

    it('answers everybody, forgets what was decided, and works when it is back', async () => {
      await run(add(1))
      log.before(unavailable)
      const again = meta()
      const answers = await Promise.all([run(add(2), again), run(add(2), again), run({ type: 'SetCap', cap: 0 })])
      expect(answers.map(codeOf)).to.deep.equal(['Unavailable', 'Unavailable', 'Unavailable'])
      log.before(async () => undefined)
      expect(effectOf(await run(add(2), again))).to.deep.equal(added(2, 1))
      expect(await node.state(TALLY)).to.deep.equal({ sum: 3, cap: 1_000_000 })
    })

    it('shows the state all the same to those who asked for it meanwhile', async () => {
      await run(add(1))
      log.before(unavailable)
      const failing = run(add(2))
      const state = node.state(TALLY)
      expect(codeOf(await failing)).to.equal('Unavailable')
      expect((await state).sum).to.equal(1)
    })

    it('answers Internal when what it throws is nobody’s refusal', async () => {
      log.before(async () => {
        throw new TypeError('a driver at its wits’ end')
      })
      expect(codeOf(await run(add(1)))).to.equal('Internal')
    })

    it('answers also when the state cannot be read', async () => {
      const broken = { ...backend.store, readStream: unavailable }
      node = open({ store: broken })
      const state = node.state(TALLY).catch((error: DomainError) => error.code)
      expect((await runAll([add(1), add(2)])).map(codeOf)).to.deep.equal(['Unavailable', 'Unavailable'])
      expect(await state).to.equal('Unavailable')
    })
  })
})
