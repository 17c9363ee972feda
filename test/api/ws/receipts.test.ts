import { expect } from 'chai'
import { afterEach, beforeEach, describe, it } from 'mocha'
import { type ConversationId, receiptsStream, userStateStream } from '../../../domain/ids.ts'
import { linkDevice, type Person } from '../../support/people.ts'
import { eventually, type Line, type Node, openWorld, type World } from './node.ts'

describe('Receipts', () => {
  let world: World
  let alice: Person
  let bob: Person
  let group: ConversationId
  let node: Node

  beforeEach(async () => {
    world = await openWorld()
    alice = await world.register('alice')
    bob = await world.register('bob')
    group = await world.startGroup(alice, [bob])
    node = await world.startNode()
  })
  afterEach(() => world.close())

  /** Watermarks of a user, as the log has them. */
  const watermarksOf = async ({ userId }: Person): Promise<object | undefined> => {
    const events = await world.eventsOf(receiptsStream(group))
    const advances = events.flatMap(({ data }) => (data as { advances: { userId: string }[] }).advances)
    const last = advances.findLast((advance) => advance.userId === userId)
    if (last === undefined) return undefined
    const { userId: _, ...watermarks } = last
    return watermarks
  }
  const expectWatermarks = (person: Person, delivered: number, read: number): Promise<unknown> =>
    eventually(async () => expect(await watermarksOf(person)).to.deep.equal({ delivered, read }))
  /** Waits for what had to come, to see that nothing else did. */
  const settled = async (line: Line, person: Person): Promise<void> => {
    await world.say(alice, group, 'the end')
    await line.hears('the end')
    line.acknowledge()
    await eventually(async () => expect(await watermarksOf(person)).to.have.property('delivered'))
  }

  it('tell that a message was delivered when the device has acknowledged it', async () => {
    const line = await world.connect(node, bob)
    await line.caughtUp()
    await world.say(alice, group, 'one')
    await line.hears('one')
    line.acknowledge()
    await expectWatermarks(bob, 1, 0)
  })

  it('tell what a device received on a connection that broke before its acknowledgement', async () => {
    const line = await world.connect(node, bob)
    await line.caughtUp()
    await world.say(alice, group, 'one')
    const { cursor } = await line.hears('one')
    await line.cut()
    await world.connect(node, bob, cursor)
    await expectWatermarks(bob, 1, 0)
    await eventually(async () => expect((await world.cursors.load(bob.deviceId))?.cursor).to.equal(cursor))
  })

  it('tell so also when the read models knew of it later than the device', async () => {
    const line = await world.connect(node, bob)
    await line.caughtUp()
    const held = await world.cursors.load(bob.deviceId)
    await world.projector.whilePaused('timeline', async () => {
      await world.say(alice, group, 'one')
      const { cursor } = await line.hears('one')
      await line.cut()
      const back = await world.connect(node, bob, cursor)
      await back.caughtUp()
      await new Promise((resolve) => setTimeout(resolve, 50))
      // Its cursor is not saved before they are told.
      expect((await world.cursors.load(bob.deviceId))?.cursor).to.not.equal(cursor)
    })
    expect(held).to.equal(undefined)
    await expectWatermarks(bob, 1, 0)
  })

  it('tell what a snapshot held, once the device has it', async () => {
    await world.say(alice, group, 'one')
    await world.say(alice, group, 'two')
    const line = await world.connect(node, bob)
    const { cursor } = await line.caughtUp()
    expect(await watermarksOf(bob)).to.equal(undefined)
    line.send({ type: 'ack', cursor })
    await expectWatermarks(bob, 2, 0)
    await eventually(async () => expect((await world.cursors.load(bob.deviceId))?.cursor).to.equal(cursor))
  })

  it('tell what was read, up to the newest message', async () => {
    const line = await world.connect(node, bob)
    await line.caughtUp()
    await world.say(alice, group, 'one')
    await world.say(alice, group, 'two')
    line.send({ type: 'read', conversationId: group, upTo: 1 })
    await expectWatermarks(bob, 1, 1)
    line.send({ type: 'read', id: 'far', conversationId: group, upTo: 3 })
    expect(await line.next(({ code }) => code === 'ReadBeyondLast')).to.include({ id: 'far' })
    await world.execute(alice, { type: 'RemoveMember', conversationId: group, userId: bob.userId })
    line.send({ type: 'read', id: 'gone', conversationId: group, upTo: 2 })
    expect(await line.next(({ code }) => code === 'NotFound')).to.include({ id: 'gone' })
  })

  it('are shared with the own devices only where the user reads privately', async () => {
    await world.execute(bob, { type: 'ChangePrivacy', userId: bob.userId, readReceipts: false, lastSeen: true })
    const phone = await linkDevice(world, bob)
    const [laptop, mobile, hers] = await Promise.all([
      world.connect(node, bob),
      world.connect(node, phone),
      world.connect(node, alice),
    ])
    await Promise.all([laptop.caughtUp(), mobile.caughtUp(), hers.caughtUp()])
    await world.say(alice, group, 'one')
    await mobile.hears('one')
    laptop.send({ type: 'read', conversationId: group, upTo: 1 })
    const shared = await mobile.next(({ kind }) => kind === 'userState')
    expect(shared.data).to.deep.equal({ conversationId: group, read: 1 })
    expect(await world.eventsOf(userStateStream(bob.userId))).to.have.length(1)
    await settled(mobile, bob)
    expect(await watermarksOf(bob)).to.include({ read: 0 })
    expect(JSON.stringify(hers.frames)).to.not.include('userState')
  })

  it('reach a device that was away, as results', async () => {
    const hers = await world.connect(node, alice)
    const { cursor } = await hers.caughtUp()
    await hers.cut()
    const line = await world.connect(node, bob)
    await line.caughtUp()
    await world.say(alice, group, 'one')
    await line.hears('one')
    line.send({ type: 'read', conversationId: group, upTo: 1 })
    await expectWatermarks(bob, 1, 1)
    const result = { advances: [{ userId: bob.userId, delivered: 1, read: 1 }], allDelivered: 1, allRead: 1 }
    const fromRing = await world.connect(node, alice, cursor)
    expect((await fromRing.next(({ kind }) => kind === 'receipts')).data).to.deep.include(result)
    await fromRing.cut()
    for (let i = 0; i < 20; i++) await world.say(alice, group, `later ${i}`)
    await world.folded()
    const small = await world.startNode({ ringEvents: 16 })
    const fromModels = await world.connect(small, alice, cursor)
    expect((await fromModels.next(({ kind }) => kind === 'receipts')).data).to.deep.include(result)
    await fromModels.caughtUp()
  })
})
