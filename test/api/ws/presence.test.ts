import { expect } from 'chai'
import { afterEach, beforeEach, describe, it } from 'mocha'
import type { ConversationId } from '../../../domain/ids.ts'
import type { Person } from '../../support/people.ts'
import { eventually, type Line, type Node, openWorld, type World } from './node.ts'

describe('Presence', () => {
  let world: World
  let alice: Person
  let bob: Person
  let carol: Person
  let group: ConversationId
  let node: Node
  let hers: Line

  beforeEach(async () => {
    world = await openWorld()
    alice = await world.register('alice')
    bob = await world.register('bob')
    carol = await world.register('carol')
    group = await world.startGroup(alice, [bob])
    await world.folded()
    node = await world.startNode()
    hers = await world.connect(node, alice)
    await hers.caughtUp()
  })
  afterEach(() => world.close())

  const watch = (...people: Person[]): void =>
    hers.send({ type: 'presence', watch: people.map(({ userId }) => userId) })
  const told = (line: Line, { userId }: Person) =>
    line.frames.filter((frame) => frame.type === 'presence' && frame.userId === userId)
  const isTold = (online: boolean) => eventually(() => expect(told(hers, bob).at(-1)).to.include({ online }))
  /** Signals are told before this resolves, if they are told at all. */
  const answered = async (): Promise<void> => {
    await hers.taken()
    await new Promise((resolve) => setTimeout(resolve, 30))
  }

  it('is told of who shares a conversation: now, and whenever it changes', async () => {
    watch(bob, carol)
    await isTold(false)
    const line = await world.connect(node, bob)
    await isTold(true)
    world.advance(60_000)
    await line.cut()
    await isTold(false)
    expect(told(hers, bob).at(-1).lastSeen).to.equal(new Date(world.clock()).toISOString())
    await world.connect(node, carol)
    await answered()
    expect(told(hers, carol)).to.deep.equal([])
  })

  it('is not told of who shares no conversation any more', async () => {
    watch(bob)
    await isTold(false)
    await world.execute(alice, { type: 'RemoveMember', conversationId: group, userId: bob.userId })
    await world.folded()
    const before = told(hers, bob).length
    await (await world.connect(node, bob)).caughtUp()
    await answered()
    expect(told(hers, bob)).to.have.length(before)
  })

  it('is not told of who keeps it private', async () => {
    await world.execute(bob, { type: 'ChangePrivacy', userId: bob.userId, readReceipts: true, lastSeen: false })
    watch(bob)
    await (await world.connect(node, bob)).caughtUp()
    await answered()
    expect(told(hers, bob)).to.deep.equal([])
  })

  it('remembers when somebody was seen who had nothing to acknowledge', async () => {
    const line = await world.connect(node, bob)
    await line.caughtUp()
    world.advance(60_000)
    await line.cut()
    const lastSeen = new Date(world.clock()).toISOString()
    await eventually(async () =>
      expect((await world.cursors.lastSeen([bob.userId])).get(bob.userId)).to.equal(lastSeen),
    )
    watch(bob)
    await eventually(() => expect(told(hers, bob).at(-1)).to.include({ online: false, lastSeen }))
  })

  it('follows the list that was sent last', async () => {
    await (await world.connect(node, bob)).caughtUp()
    for (let i = 0; i < 5; i++) watch(bob)
    watch()
    await answered()
    const before = told(hers, bob).length
    const line = await world.connect(node, bob)
    await line.caughtUp()
    await line.cut()
    await answered()
    expect(told(hers, bob)).to.have.length(before)
  })

  it('shows typing to the other members, at a bounded rate', async () => {
    const line = await world.connect(node, bob)
    const outside = await world.connect(node, carol)
    await Promise.all([line.caughtUp(), outside.caughtUp()])
    hers.send({ type: 'typing', conversationId: group, active: true })
    const frame = await line.next(({ type }) => type === 'typing')
    expect(frame).to.deep.include({ conversationId: group, userId: alice.userId, active: true })
    for (let i = 0; i < 50; i++) hers.send({ type: 'typing', id: `typing ${i}`, conversationId: group, active: true })
    await hers.next(({ code, id }) => code === 'RateLimited' && id === 'typing 49')
    expect(line.frames.filter(({ type }) => type === 'typing').length).to.be.below(20)
    outside.send({ type: 'typing', id: 'outside', conversationId: group, active: true })
    expect(await outside.next(({ code }) => code === 'NotFound')).to.include({ id: 'outside' })
    for (const each of [hers, outside]) expect(each.frames.filter(({ type }) => type === 'typing')).to.deep.equal([])
  })
})
