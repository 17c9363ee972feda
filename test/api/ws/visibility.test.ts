import { expect } from 'chai'
import { afterEach, beforeEach, describe, it } from 'mocha'
import type { EventStore } from '../../../domain/eventsourcing/eventStore.ts'
import type { ConversationId } from '../../../domain/ids.ts'
import type { Person } from '../../support/people.ts'
import { eventually, openWorld, type World } from './node.ts'

/** What a device that was away is shown, from memory and from the read models. */
for (const [path, ringEvents] of [
  ['the ring', 1_000],
  ['the read models', 16],
] as const)
  describe(`A device caught up from ${path}`, () => {
    let world: World
    let alice: Person
    let bob: Person
    let carol: Person
    let group: ConversationId

    beforeEach(async () => {
      world = await openWorld()
      alice = await world.register('alice')
      bob = await world.register('bob')
      carol = await world.register('carol')
      group = await world.startGroup(alice, [carol])
    })
    afterEach(() => world.close())

    const chatter = async (count: number): Promise<void> => {
      const other = await world.startGroup(alice, [carol])
      for (let i = 0; i < count; i++) await world.say(alice, other, `elsewhere ${i}`)
    }
    const add = () => world.execute(alice, { type: 'AddMembers', conversationId: group, userIds: [bob.userId] })
    const remove = () => world.execute(alice, { type: 'RemoveMember', conversationId: group, userId: bob.userId })

    /** Connects as somebody new, and leaves with the cursor given. */
    const comeAndGo = async (node: Awaited<ReturnType<World['startNode']>>): Promise<string> => {
      const line = await world.connect(node, bob)
      const { cursor } = await line.caughtUp()
      await line.cut()
      return cursor
    }

    const comeBack = async (node: Awaited<ReturnType<World['startNode']>>, cursor: string) => {
      await chatter(20)
      await world.folded()
      const line = await world.connect(node, bob, cursor)
      await line.caughtUp()
      expect(line.frames.find(({ type }) => type === 'welcome').resumed).to.equal('cursor')
      return line
    }

    it('is told how much went by before its user was added', async () => {
      const node = await world.startNode({ ringEvents })
      await world.say(alice, group, 'before he left home')
      const cursor = await comeAndGo(node)
      await world.say(alice, group, 'before he came')
      await add()
      await world.say(alice, group, 'welcome')
      const line = await comeBack(node, cursor)
      expect(line.sights(group)).to.deep.equal(['0-4', 5, 6])
    })

    it('is told how much went by between two memberships, and nothing of what came after the last', async () => {
      const node = await world.startNode({ ringEvents })
      await add()
      await world.say(alice, group, 'hello')
      await remove()
      const line = await world.connect(node, bob)
      const { cursor } = await line.caughtUp()
      await line.cut()
      await world.say(alice, group, 'behind his back')
      const between = await comeAndGo(node)
      await world.say(alice, group, 'still behind his back')
      await add()
      await world.say(alice, group, 'again')
      await remove()
      await world.say(alice, group, 'nothing to him')
      for (const from of [cursor, between]) {
        const back = await comeBack(node, from)
        expect(back.sights(group)).to.deep.equal(['6-7', 8, 9, 10])
        expect(JSON.stringify(back.frames)).to.not.include('behind').and.to.not.include('nothing to him')
        await back.cut()
      }
    })

    it('is told nothing of receipts in a conversation that its user has left', async () => {
      const node = await world.startNode({ ringEvents })
      await add()
      await world.say(alice, group, 'hello')
      const cursor = await comeAndGo(node)
      await remove()
      const { dispatch, newId } = world
      const advances = [{ userId: carol.userId, delivered: 1, read: 1 }]
      await dispatch.execute(
        { type: 'AdvanceReceipts', conversationId: group, advances },
        { actor: { userId: carol.userId }, commandId: newId() as never },
      )
      const line = await comeBack(node, cursor)
      expect(line.frames.filter(({ type, key }) => type === 'state' && key === group)).to.deep.equal([])
    })

    it('gets no content of a message that was deleted since, nor of its edits', async () => {
      const node = await world.startNode({ ringEvents })
      await add()
      const cursor = await comeAndGo(node)
      const message = await world.say(alice, group, 'a secret')
      const content = { kind: 'text' as const, text: 'a secret, edited' }
      await world.execute(alice, { type: 'EditMessage', ...message, content })
      await world.execute(alice, { type: 'DeleteMessage', ...message })
      const line = await comeBack(node, cursor)
      expect(line.head(group, message.revision - 1)).to.equal(message.revision + 2)
      expect(JSON.stringify(line.frames)).to.not.include('a secret')
    })
  })

describe('Catching up', () => {
  let world: World
  let alice: Person
  let bob: Person

  beforeEach(async () => {
    world = await openWorld()
    alice = await world.register('alice')
    bob = await world.register('bob')
  })
  afterEach(() => world.close())

  /** A log whose feed to the gateway stands still while it is told to. */
  const heldFeed = (log: EventStore) => {
    let open: (() => void) | undefined
    let held = Promise.resolve()
    return {
      hold() {
        held = new Promise<void>((resolve) => {
          open = resolve
        })
      },
      letGo: () => open?.(),
      log: {
        appendToStream: log.appendToStream,
        readStream: log.readStream,
        readAll: log.readAll,
        head: log.head,
        async *subscribeToAll(options: Parameters<EventStore['subscribeToAll']>[0]) {
          for await (const events of log.subscribeToAll(options)) {
            await held
            yield events
          }
        },
      } satisfies EventStore,
    }
  }

  it('shows nothing of what read models know before the feed has told who may see it', async () => {
    const group = await world.startGroup(alice, [bob])
    const first = await world.startNode()
    const line = await world.connect(first, bob)
    const { cursor } = await line.caughtUp()
    await first.stop()
    await world.say(alice, group, 'for him')
    await world.folded()
    const feed = heldFeed(world.log)
    const node = await world.startNode({ ringEvents: 16 }, { log: feed.log })
    await world.say(alice, group, 'for him, too')
    await world.folded()
    feed.hold()
    await world.execute(alice, { type: 'RemoveMember', conversationId: group, userId: bob.userId })
    const removed = 5
    await world.say(alice, group, 'behind his back')
    await world.folded()
    const back = await world.connect(node, bob, cursor)
    await back.hears('for him')
    feed.letGo()
    await back.sees(group, removed)
    expect(back.sights(group)).to.deep.equal([3, 4, removed])
  })

  it('loses nothing of an addition that read models know before the feed', async () => {
    const group = await world.startGroup(alice)
    const first = await world.startNode()
    const { cursor } = await (await world.connect(first, bob)).caughtUp()
    await first.stop()
    const other = await world.startGroup(alice, [bob])
    const feed = heldFeed(world.log)
    const node = await world.startNode({ ringEvents: 16 }, { log: feed.log })
    feed.hold()
    await world.execute(alice, { type: 'AddMembers', conversationId: group, userIds: [bob.userId] })
    await world.folded()
    const back = await world.connect(node, bob, cursor)
    await back.next(({ stream }) => stream === `conversation-${other}`)
    feed.letGo()
    await back.sees(group, 2)
    expect(back.head(group)).to.equal(2)
    expect(back.sights(group)).to.not.include(0).and.to.not.include(1)
  })

  it('heeds a deletion for as long as a page read before it waits for the device', async () => {
    const group = await world.startGroup(alice, [bob])
    const first = await world.startNode()
    const { cursor } = await (await world.connect(first, bob)).caughtUp()
    await first.stop()
    const said: Awaited<ReturnType<World['say']>>[] = []
    for (let i = 0; i < 10; i++) said.push(await world.say(alice, group, `message ${i}`))
    const secret = await world.say(alice, group, 'a secret')
    const content = { kind: 'text' as const, text: 'a secret, edited' }
    await world.execute(alice, { type: 'EditMessage', ...secret, content })
    await world.folded()
    const node = await world.startNode({ ringEvents: 16, window: 4 })
    const back = await world.connect(node, bob, cursor)
    await eventually(() => expect(back.sights(group)).to.have.length(4))
    // The ring has forgotten it, and so has whoever remembers deletions, when the device goes on.
    await world.execute(alice, { type: 'DeleteMessage', ...secret })
    for (let i = 0; i < 20; i++) await world.say(alice, group, `later ${i}`)
    await world.folded()
    await world.execute(alice, { type: 'DeleteMessage', ...(said[9] as (typeof said)[0]) })
    for (let i = 0; i < 20; i++) await world.say(alice, group, `much later ${i}`)
    await world.folded()
    back.acknowledgeAll()
    await back.caughtUp()
    expect(JSON.stringify(back.frames)).to.not.include('a secret')
    expect(back.head(group, 2)).to.equal(2 + said.length + 44)
  })

  it('heeds a deletion that the timeline has not folded when the node starts', async () => {
    const group = await world.startGroup(alice, [bob])
    const first = await world.startNode()
    const { cursor } = await (await world.connect(first, bob)).caughtUp()
    await first.stop()
    const secret = await world.say(alice, group, 'a secret')
    await world.folded()
    let back: Awaited<ReturnType<World['connect']>> | undefined
    await world.projector.whilePaused('timeline', async () => {
      await world.execute(alice, { type: 'DeleteMessage', ...secret })
      const node = await world.startNode()
      await eventually(async () => expect(world.projector.checkpoint('inbox')).to.equal(await world.log.head()))
      back = await world.connect(node, bob, cursor)
      await new Promise((resolve) => setTimeout(resolve, 50))
    })
    await back?.caughtUp()
    expect(JSON.stringify(back?.frames)).to.not.include('a secret')
    expect(back?.sights(group)).to.deep.equal([3, 4])
  })

  it('begins with what founded a conversation, also when the device had no room for its addition', async () => {
    const talk = await world.startGroup(alice, [bob])
    const node = await world.startNode({ window: 2, ringEvents: 16 })
    const line = await world.connect(node, bob)
    await line.caughtUp()
    await world.say(alice, talk, 'one')
    await world.say(alice, talk, 'two')
    await line.hears('two')
    const group = await world.startGroup(alice, [bob])
    await world.say(alice, group, 'three')
    line.acknowledgeAll()
    await line.hears('three')
    expect(line.sights(group)).to.deep.equal([0, 1, 2, 3])
  })

  it('gives way to a snapshot where too much is visible, not where much went by unseen', async () => {
    const group = await world.startGroup(alice, [])
    const first = await world.startNode()
    const { cursor } = await (await world.connect(first, bob)).caughtUp()
    for (let i = 0; i < 30; i++) await world.say(alice, group, `before Bob ${i}`)
    await world.execute(alice, { type: 'AddMembers', conversationId: group, userIds: [bob.userId] })
    await world.folded()
    const resumed = async (): Promise<string> => {
      const node = await world.startNode({ maxBehind: 10 })
      const line = await world.connect(node, bob, cursor)
      return (await line.next(({ type }) => type === 'welcome')).resumed
    }
    expect(await resumed()).to.equal('cursor')
    for (let i = 0; i < 10; i++) await world.say(alice, group, `with Bob ${i}`)
    await world.folded()
    expect(await resumed()).to.equal('snapshot')
  })

  it('shows a founding to a device that keeps up', async () => {
    const node = await world.startNode()
    const line = await world.connect(node, bob)
    await line.caughtUp()
    const group = await world.startGroup(alice, [bob])
    await world.say(alice, group, 'hello')
    await line.hears('hello')
    expect(line.sights(group)).to.deep.equal([0, 1, 2, 3])
  })
})
