import { expect } from 'chai'
import { afterEach, beforeEach, describe, it } from 'mocha'
import type { CommandMeta } from '../../commands/decideBatch.ts'
import { DomainError } from '../../domain/errors.ts'
import { type CommandId, ID_MAX_AHEAD_MS, type UserId } from '../../domain/ids.ts'
import { createNewId } from '../../infra/composition/runtime.ts'
import { type Backend, openBackend } from '../support/backend.ts'
import {
  add,
  added,
  codeOf,
  effectOf,
  OTHER_TALLY,
  TALLY,
  type TallyCommand,
  tallyNode,
  watched,
} from '../support/tally.ts'

const alice = 'a11ce000-0000-8000-8000-000000000000' as UserId
const bob = 'b0b00000-0000-8000-8000-000000000000' as UserId

describe('CommandHandler', () => {
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

  describe('a batch', () => {
    it('is what came in one turn of the loop, in the order it came', async () => {
      const answers = await runAll([add(1), add(2), add(3)])
      expect(log.appends).to.deep.equal([{ stream: TALLY, types: ['Added', 'Added', 'Added'] }])
      expect(answers.map(effectOf)).to.deep.equal([added(1, 0), added(2, 1), added(3, 2)])
      expect(await dataOf()).to.deep.equal([{ by: 1 }, { by: 2 }, { by: 3 }])
    })

    it('is what came while the one before was on its way', async () => {
      let release = () => {}
      log.before(() => new Promise((resolve) => (release = resolve)))
      const first = run(add(1))
      while (log.appends.length === 0) await new Promise(setImmediate)
      const later = runAll([add(2), add(3)])
      await new Promise(setImmediate)
      log.before(async () => undefined)
      release()
      await Promise.all([first, later])
      expect(log.appends.map(({ types }) => types.length)).to.deep.equal([1, 2])
    })

    it('holds one stream: others do not wait for it', async () => {
      let release = () => {}
      log.before(() => new Promise((resolve) => (release = resolve)))
      const held = run(add(1))
      while (log.appends.length === 0) await new Promise(setImmediate)
      log.before(async () => undefined)
      expect(codeOf(await run(add(1, { tally: OTHER_TALLY })))).to.equal('accepted')
      release()
      await held
    })

    it('is decided on the state that its earlier commands leave', async () => {
      const answers = await runAll([{ type: 'SetCap', cap: 5 }, add(3), add(3), add(2), { type: 'SetCap', cap: 5 }])
      expect(answers.map(codeOf)).to.deep.equal(['accepted', 'accepted', 'GroupFull', 'accepted', 'accepted'])
      expect(await dataOf()).to.deep.equal([{ cap: 5 }, { by: 3 }, { by: 2 }])
    })

    it('answers nobody before it is durable: the refused and those who repeat wait, too', async () => {
      await run({ type: 'SetCap', cap: 5 })
      let release = () => {}
      log.before(() => new Promise((resolve) => (release = resolve)))
      const answered: string[] = []
      const again = meta()
      const all = [
        run(add(1)).then(() => answered.push('accepted')),
        run(add(2), again).then(() => answered.push('repeated')),
        run(add(9)).then(() => answered.push('refused')),
        run({ type: 'SetCap', cap: 5 }).then(() => answered.push('nothing to do')),
        run(add(2), again).then(() => answered.push('repeated')),
      ]
      while (log.appends.length === 1) await new Promise(setImmediate)
      for (let turn = 0; turn < 20; turn++) await new Promise(setImmediate)
      expect(answered).to.deep.equal([])
      expect(await dataOf()).to.have.length(1)
      release()
      await Promise.all(all)
      expect(answered).to.have.length(5)
    })

    it('is cut at 256 events', async () => {
      node = open({ maxQueue: 300 })
      await run(add(0))
      const answers = await Promise.all(Array.from({ length: 300 }, (_, n) => run(add(n))))
      expect(log.appends.map(({ types }) => types.length)).to.deep.equal([1, 256, 44])
      expect(answers.map(effectOf)).to.deep.equal(Array.from({ length: 300 }, (_, n) => added(n, n + 1)))
    })

    it('is cut between commands, never within one', async () => {
      await runAll([add(1, { times: 100 }), add(2, { times: 100 }), add(3, { times: 57 }), add(4, { times: 199 })])
      expect(log.appends.map(({ types }) => types.length)).to.deep.equal([200, 256])
      expect(await dataOf()).to.have.length(456)
    })

    it('is cut at 512 KiB', async () => {
      const note = 'x'.repeat(200_000)
      await runAll([add(1, { note }), add(2, { note }), add(3, { note }), add(4)])
      expect(log.appends.map(({ types }) => types.length)).to.deep.equal([2, 2])
    })

    it('that was cut goes on before what came while its facts were gathered', async () => {
      let release = () => {}
      const gathered = new Promise<undefined>((resolve) => (release = () => resolve(undefined)))
      node = open({ factsFor: () => gathered })
      await node.state(TALLY)
      const first = runAll([add(1, { times: 256 }), add(2), add(3)])
      for (let turn = 0; turn < 5; turn++) await new Promise(setImmediate)
      const later = run(add(4))
      release()
      await Promise.all([first, later])
      expect((await dataOf()).slice(256)).to.deep.equal([{ by: 2 }, { by: 3 }, { by: 4 }])
    })

    it('is any single command, however large', async () => {
      expect(codeOf(await run(add(1, { note: 'x'.repeat(600_000) })))).to.equal('accepted')
      expect(codeOf(await run(add(1, { times: 257 })))).to.equal('accepted')
    })

    it('fails as a whole when deciding on one of its commands fails, and the next one is as if it had not been', async () => {
      const answers = await runAll([add(1), { type: 'Break' }, add(2)])
      expect(answers.map(codeOf)).to.deep.equal(['Internal', 'Internal', 'Internal'])
      expect(effectOf(await run(add(3)))).to.deep.equal(added(3, 0))
      expect((await node.state(TALLY)).sum).to.equal(3)
    })
  })

  it('refuses at once what more than may wait for one stream', async () => {
    node = open({ maxQueue: 3 })
    const answers = await runAll([add(1), add(2), add(3), add(4), add(5, { tally: OTHER_TALLY })])
    expect(answers.map(codeOf)).to.deep.equal(['accepted', 'accepted', 'accepted', 'Busy', 'accepted'])
    expect(codeOf(await run(add(6)))).to.equal('accepted')
  })

  describe('a command sent again', () => {
    it('has one effect, and the original answer without a position', async () => {
      const once = meta()
      const first = await run(add(1), once)
      await run(add(2))
      expect(first).to.have.property(
        'position',
        (await backend.store.readAll({ from: 'start', maxCount: 1 }))[0]?.position,
      )
      expect(await run(add(1), once)).to.deep.equal(added(1, 0))
      expect(await dataOf()).to.have.length(2)
    })

    it('has one effect when it comes many times at once', async () => {
      const once = meta()
      const answers = await Promise.all(Array.from({ length: 5 }, () => run(add(1, { times: 3 }), once)))
      expect(answers.map(effectOf)).to.deep.equal(Array(5).fill(added(1, 0)))
      expect(answers.filter((answer) => 'position' in answer)).to.have.length(1)
      expect(await dataOf()).to.have.length(3)
    })

    it('has one effect when it comes through two nodes at once', async () => {
      const once = meta()
      const nodes = [node, open(), open()]
      const answers = await Promise.all(nodes.map((each) => run(add(1), once, each)))
      expect(answers.map(effectOf)).to.deep.equal(Array(3).fill(added(1, 0)))
      expect(await dataOf()).to.have.length(1)
    })

    it('has one effect after a restart', async () => {
      const once = meta()
      await run(add(1), once)
      backend = await backend.restart()
      log = watched(backend.store)
      expect(await run(add(1), once, open())).to.deep.equal(added(1, 0))
      expect(await dataOf()).to.have.length(1)
    })

    it('gets its answer also where it would be refused by now', async () => {
      const once = meta()
      await run(add(5), once)
      await run({ type: 'SetCap', cap: 1 })
      expect(await run(add(5), once)).to.deep.equal(added(5, 0))
    })

    it('is an IdempotencyConflict with other content, or from somebody else', async () => {
      const once = meta()
      const [, sameBatch] = await Promise.all([run(add(1), once), run(add(2), once)])
      expect(codeOf(sameBatch)).to.equal('IdempotencyConflict')
      expect(codeOf(await run(add(2), once))).to.equal('IdempotencyConflict')
      expect(codeOf(await run({ type: 'SetCap', cap: 1 }, once))).to.equal('IdempotencyConflict')
      expect(codeOf(await run(add(1), meta(bob, once.commandId)))).to.equal('IdempotencyConflict')
      expect(await dataOf()).to.have.length(1)
    })

    it('is decided anew when it was refused before', async () => {
      const once = meta()
      await run({ type: 'SetCap', cap: 1 })
      expect(codeOf(await run(add(2), once))).to.equal('GroupFull')
      await run({ type: 'SetCap', cap: 2 })
      expect(effectOf(await run(add(2), once))).to.deep.equal(added(2, 2))
    })
  })

  it('refuses an id made more than five minutes ahead of its clock', async () => {
    const idAt = (ahead: number) => createNewId(() => backend.clock() + ahead)()
    expect(codeOf(await run(add(1), meta(alice, idAt(ID_MAX_AHEAD_MS + 1))))).to.equal('InvalidId')
    expect(codeOf(await run(add(2), meta(alice, idAt(ID_MAX_AHEAD_MS))))).to.equal('accepted')
    expect(await dataOf()).to.deep.equal([{ by: 2 }])
  })

  describe('a command older than the window remembers', () => {
    const asked: unknown[] = []
    let found: number | 'none' | 'unknown'
    let old: CommandMeta

    beforeEach(async () => {
      asked.length = 0
      node = open({
        maxQueue: 2_000,
        findOld: async (...question) => {
          asked.push(question)
          return found
        },
      })
      old = meta()
      await run(add(7), old)
      backend.advance(1)
      await runAll(Array.from({ length: 1_024 }, () => add(1)))
    })

    it('is looked for before the oldest that is remembered, and gets its original answer', async () => {
      found = 0
      expect(await run(add(7), old)).to.deep.equal(added(7, 0))
      expect(asked).to.deep.equal([[TALLY, old.commandId, 1]])
      expect(codeOf(await run(add(8), old))).to.equal('IdempotencyConflict')
    })

    it('is decided when it is found nowhere', async () => {
      found = 'none'
      expect(effectOf(await run(add(9), meta(alice, createNewId(() => backend.clock() - 1)())))).to.deep.equal(
        added(9, 1_025),
      )
    })

    it('has one effect when it is found nowhere and comes twice at once', async () => {
      found = 'none'
      const late = meta(alice, createNewId(() => backend.clock() - 1)())
      const answers = await Promise.all([run(add(9), late), run(add(9), late)])
      expect(answers.map(effectOf)).to.deep.equal([added(9, 1_025), added(9, 1_025)])
    })

    it('is asked to wait while that cannot be told', async () => {
      found = 'unknown'
      expect(codeOf(await run(add(7), old))).to.equal('Busy')
    })

    it('is not looked for when its id is newer than all that were forgotten', async () => {
      found = 'unknown'
      expect(codeOf(await run(add(1)))).to.equal('accepted')
      expect(asked).to.deep.equal([])
    })

    it('fails alone when looking for it fails', async () => {
      node = open({ maxQueue: 2_000, findOld: () => Promise.reject(new DomainError('Unavailable', 'later')) })
      const answers = await Promise.all([run(add(7), old), run(add(1))])
      expect(answers.map(codeOf)).to.deep.equal(['Unavailable', 'accepted'])
    })
  })

  describe('facts', () => {
    it('hold up their own stream only, and fail only the command that they are for', async () => {
      const facts = async (command: TallyCommand): Promise<undefined> => {
        if (command.type === 'Add' && command.by === 13) throw new Error('not to be had')
      }
      node = open({ factsFor: facts })
      expect((await runAll([add(1), add(13), add(2)])).map(codeOf)).to.deep.equal(['accepted', 'Internal', 'accepted'])
      expect(await dataOf()).to.deep.equal([{ by: 1 }, { by: 2 }])
    })
  })
})
