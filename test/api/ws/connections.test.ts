import { connect } from 'node:net'
import { expect } from 'chai'
import { afterEach, beforeEach, describe, it } from 'mocha'
import { DomainError } from '../../../domain/errors.ts'
import type { EventStore } from '../../../domain/eventsourcing/eventStore.ts'
import { linkDevice, type Person, revokeDevice } from '../../support/people.ts'
import { eventually, type Line, type Node, ORIGIN, openWorld, type World } from './node.ts'

const SECOND = 1_000
const MINUTE = 60 * SECOND

describe('A connection', () => {
  let world: World
  let alice: Person
  let bob: Person

  beforeEach(async () => {
    world = await openWorld()
    alice = await world.register('alice')
    bob = await world.register('bob')
  })
  afterEach(() => world.close())

  const errorOf = (line: Line, code: string) => line.next((frame) => frame.type === 'error' && frame.code === code)
  const signed = (person: Person, nonce: string) => ({
    kind: 'device',
    userId: person.userId,
    deviceId: person.deviceId,
    origin: ORIGIN,
    signature: person.key.sign({ origin: ORIGIN, deviceId: person.deviceId, nonce }),
  })
  /** Lets the time pass, and the node notice it. */
  const pass = async (node: Node, ms: number): Promise<void> => {
    world.advance(ms)
    await eventually(() => expect(node.gateway.now()).to.equal(world.clock()))
  }

  describe('before it is let in', () => {
    it('is refused from a foreign origin, without the subprotocol, and elsewhere', async () => {
      const node = await world.startNode()
      const statusOf = (line: Line): Promise<number | undefined> =>
        new Promise((resolve) => line.socket.on('unexpected-response', (_, response) => resolve(response.statusCode)))
      expect(await statusOf(world.open(node, { origin: 'https://evil.example' }))).to.equal(403)
      expect(await statusOf(world.open(node, { origin: 'null' }))).to.equal(403)
      expect(await statusOf(world.open(node, {}, 'parley.v0.json'))).to.equal(400)
      for (const origin of ['https://elsewhere.example', `http://127.0.0.1:${node.port}`])
        await world.open(node, { origin }).next((frame) => frame.type === 'challenge')
    })

    it('cannot end the process by a reset in the middle of a refusal', async () => {
      const node = await world.startNode()
      for (let i = 0; i < 20; i++) {
        const socket = connect(node.port, '127.0.0.1')
        socket.on('error', () => {})
        socket.write('GET /elsewhere HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n')
        await new Promise((resolve) => setTimeout(resolve, i % 4))
        socket.resetAndDestroy()
      }
      await (await world.connect(node, bob)).caughtUp()
    })

    it('has limited time to say hello, whatever else it says', async () => {
      const node = await world.startNode({ helloTimeoutMs: 10 * SECOND })
      const line = world.open(node)
      await line.next((frame) => frame.type === 'challenge')
      for (let i = 0; i < 4; i++) {
        line.send({ type: 'heartbeat' })
        await line.taken()
        await pass(node, 4 * SECOND)
      }
      expect(await line.closed()).to.equal(4408)
    })

    it('is not heard', async () => {
      const node = await world.startNode()
      const line = world.open(node)
      await line.next((frame) => frame.type === 'challenge')
      line.send({ type: 'typing', id: 'early', conversationId: world.newId(), active: true })
      expect(await errorOf(line, 'NotAuthenticated')).to.include({ id: 'early' })
    })

    it('is turned away for good reasons, each with its code', async () => {
      const node = await world.startNode()
      const closeOf = async (auth: object | undefined): Promise<number> => {
        const line = world.open(node)
        await line.next((frame) => frame.type === 'challenge')
        line.send({ type: 'hello', ...(auth && { auth }) })
        return line.closed()
      }
      expect(await closeOf(undefined)).to.equal(4401)
      expect(await closeOf({ kind: 'token', token: 'forged' })).to.equal(4401)
      expect(await closeOf(signed(bob, 'another nonce'))).to.equal(4401)
      const phone = await linkDevice(world, bob)
      const token = await world.tokenOf(phone)
      await revokeDevice(world, phone)
      expect(await closeOf({ kind: 'token', token })).to.equal(4403)
    })

    it('is told to come again when the server cannot say who it is', async () => {
      const unable = (code: 'Busy' | 'Internal') => ({
        authenticator: {
          byToken: () => Promise.reject(new DomainError(code, 'Not now.')),
          byDeviceKey: () => Promise.reject(new DomainError(code, 'Not now.')),
        },
      })
      for (const [code, close] of [
        ['Busy', 4503],
        ['Internal', 4500],
      ] as const) {
        const line = world.open(await world.startNode({}, unable(code)))
        await line.hello('token')
        expect(await line.closed()).to.equal(close)
      }
    })

    it('is cut when its device is revoked while it is let in', async () => {
      let letIn = (): void => undefined
      const held = new Promise<void>((resolve) => {
        letIn = resolve
      })
      const { cursors } = world
      const load: typeof cursors.load = async (deviceId) => {
        await held
        return cursors.load(deviceId)
      }
      const node = await world.startNode({}, { cursors: { ...cursors, load } })
      const phone = await linkDevice(world, bob)
      const line = world.open(node)
      await line.hello(await world.tokenOf(phone))
      await new Promise((resolve) => setTimeout(resolve, 30))
      await revokeDevice(world, phone)
      expect(await line.closed()).to.equal(4403)
      letIn()
      await new Promise((resolve) => setTimeout(resolve, 30))
      expect(line.frames.map(({ type }) => type)).to.not.include('welcome')
      expect(node.gateway.isOnline(bob.userId)).to.equal(false)
      expect(node.gateway.size).to.equal(0)
    })
  })

  describe('that is open', () => {
    let node: Node
    beforeEach(async () => {
      node = await world.startNode({ frameBurst: 20, framesPerSecond: 1 })
    })

    it('ends with a frame that is no JSON object', async () => {
      for (const frame of ['{', '[]', 'null', '"text"']) {
        const line = await world.connect(node, bob)
        line.send(frame)
        expect(await line.closed(), frame).to.equal(4400)
      }
      const line = await world.connect(node, bob)
      line.socket.send(Buffer.from('{"type":"heartbeat"}'), { binary: true })
      expect(await line.closed()).to.equal(4400)
    })

    it('ends with a frame that is too large', async () => {
      const line = await world.connect(node, bob)
      line.send({ type: 'heartbeat', ballast: 'x'.repeat(20_000) })
      expect(await line.closed()).to.equal(1009)
      await eventually(() => expect(node.gateway.isOnline(bob.userId)).to.equal(false))
    })

    it('survives what it does not understand', async () => {
      const line = await world.connect(node, bob)
      line.send({ type: 'FlyToTheMoon', id: 'one' })
      line.send({ type: 'constructor', id: 'two' })
      line.send({ type: 'typing', id: 'three' })
      expect(await errorOf(line, 'UnknownType')).to.include({ id: 'one' })
      expect(await errorOf(line, 'InvalidRequest')).to.include({ id: 'three' })
      line.send({ type: 'hello' })
      await eventually(() => expect(line.frames.filter(({ code }) => code === 'InvalidRequest')).to.have.length(2))
    })

    it('is refused what is too much, by id, and ends when that changes nothing', async () => {
      const line = await world.connect(node, bob)
      for (let i = 0; i < 25; i++) line.send({ type: 'FlyToTheMoon', id: `frame ${i}` })
      expect(await errorOf(line, 'RateLimited'))
        .to.have.property('id')
        .that.matches(/^frame \d+$/)
      for (let i = 0; i < 25; i++) line.send({ type: 'FlyToTheMoon', id: `frame ${i}` })
      expect(await line.closed()).to.equal(4429)
    })

    it('hears heartbeats, and ends when it is silent', async () => {
      const line = await world.connect(node, bob)
      await pass(node, 25 * SECOND)
      await line.next((frame) => frame.type === 'heartbeat')
      line.send({ type: 'heartbeat' })
      await line.taken()
      await pass(node, 60 * SECOND)
      expect(line.closedWith).to.equal(undefined)
      await pass(node, 3 * SECOND)
      expect(await line.closed()).to.equal(4408)
    })

    it('ends with its session, unless that is renewed in time', async () => {
      const line = await world.connect(node, bob)
      const alive = async (ms: number): Promise<void> => {
        for (let passed = 0; passed < ms; passed += MINUTE) {
          await pass(node, MINUTE)
          if (line.closedWith === undefined) line.send({ type: 'heartbeat' })
          await line.taken()
        }
      }
      await alive(14 * MINUTE)
      const { nonce } = await line.next((frame) => frame.type === 'expiring')
      line.send({ type: 'renew', id: 'renewal', auth: signed(bob, nonce) })
      await line.next((frame) => frame.type === 'ok' && frame.id === 'renewal')
      // Signing is good for one renewal.
      line.send({ type: 'renew', id: 'again', auth: signed(bob, nonce) })
      expect(await errorOf(line, 'InvalidSignature')).to.include({ id: 'again' })
      line.send({ type: 'renew', id: 'other', auth: { kind: 'token', token: await world.tokenOf(alice) } })
      expect(await errorOf(line, 'Forbidden')).to.include({ id: 'other' })
      await alive(14 * MINUTE)
      expect(line.closedWith).to.equal(undefined)
      await alive(MINUTE)
      expect(await line.closed()).to.equal(4401)
    })

    it('cannot renew with what it said hello with', async () => {
      const line = world.open(node)
      const { nonce } = await line.next((frame) => frame.type === 'challenge')
      line.send({ type: 'hello', auth: signed(bob, nonce) })
      await line.caughtUp()
      line.send({ type: 'renew', id: 'replay', auth: signed(bob, nonce) })
      expect(await errorOf(line, 'InvalidSignature')).to.include({ id: 'replay' })
    })

    it('is cut at once when its device is revoked', async () => {
      const phone = await linkDevice(world, bob)
      const line = await world.connect(node, phone)
      await revokeDevice(world, phone)
      expect(await line.closed()).to.equal(4403)
    })

    it('is closed by another one of the same device, and its acknowledgements count no more', async () => {
      const group = await world.startGroup(alice, [bob])
      const first = await world.connect(node, bob)
      await first.caughtUp()
      await world.say(alice, group, 'hello')
      const { cursor } = await first.hears('hello')
      const second = await world.connect(node, bob)
      first.send({ type: 'ack', cursor })
      expect(await first.closed()).to.equal(4409)
      await second.caughtUp()
      await world.say(alice, group, 'still there?')
      await second.hears('still there?')
      await pass(node, SECOND)
      expect((await world.eventsOf(`receipts-${group}` as never)).length).to.equal(0)
      expect(node.gateway.isOnline(bob.userId)).to.equal(true)
    })

    it('acknowledges nothing but what it was sent', async () => {
      const line = await world.connect(node, bob)
      const { cursor } = await line.caughtUp()
      line.send({ type: 'ack', id: 'far', cursor: cursor.replace(/.{4}$/, 'ffff') })
      expect(await errorOf(line, 'AckBeyondSent')).to.include({ id: 'far' })
      line.send({ type: 'ack', id: 'foreign', cursor: cursor.replace(/^.{8}/, 'deadbeef') })
      expect(await errorOf(line, 'InvalidCursor')).to.include({ id: 'foreign' })
    })

    it('loads a snapshot when its cursor is of another log, or of none', async () => {
      const { cursor } = await (await world.connect(node, bob)).caughtUp()
      for (const from of [undefined, cursor.replace(/^.{8}/, 'deadbeef'), cursor.replace(/.{4}$/, 'ffff')]) {
        const line = await world.connect(node, bob, from)
        expect(await line.next(({ type }) => type === 'welcome')).to.include({ resumed: 'snapshot', cursor })
      }
    })
  })

  it('is let in, however it and another one of its user come and go', async () => {
    const phone = await linkDevice(world, bob)
    const node = await world.startNode()
    const group = await world.startGroup(alice, [bob])
    for (let round = 0; round < 20; round++) {
      const lines = [bob, phone, bob].map(() => world.open(node))
      await Promise.all(
        lines.map(async (line, n) => line.hello(await world.tokenOf([bob, phone, bob][n] as Person)).catch(() => {})),
      )
      if (round % 2 === 0) await new Promise((resolve) => setTimeout(resolve, round % 5))
      lines[1]?.socket.terminate()
    }
    const line = await world.connect(node, phone)
    await line.caughtUp()
    await world.say(alice, group, 'in the end')
    await line.hears('in the end')
    await eventually(() => expect(node.gateway.size).to.equal(2))
  })

  it('comes again when the feed broke off, and misses nothing', async () => {
    const { log } = world
    let broken = false
    const feed: EventStore = {
      ...log,
      async *subscribeToAll(options) {
        for await (const events of log.subscribeToAll(options)) {
          if (!broken && events.some(({ type }) => type === 'MessageSent')) {
            broken = true
            throw new Error('the store went away')
          }
          yield events
        }
      },
    }
    const group = await world.startGroup(alice, [bob])
    const node = await world.startNode({}, { log: feed })
    const line = await world.connect(node, bob)
    const { cursor } = await line.caughtUp()
    await world.say(alice, group, 'one')
    expect(await line.closed()).to.equal(4503)
    const back = await world.connect(node, bob, cursor)
    await world.say(alice, group, 'two')
    await back.hears('two')
    expect(back.sights(group)).to.deep.equal([3, 4])
  })

  it('gets its answers before the server stops, and a stalled one does not hold that up', async () => {
    const group = await world.startGroup(alice, [bob])
    const node = await world.startNode()
    const stalled = await world.connect(node, bob)
    stalled.socket.pause()
    const line = await world.connect(node, alice)
    await line.caughtUp()
    const ids = Array.from({ length: 50 }, () => world.newId())
    for (const messageId of ids)
      line.send({
        type: 'SendMessage',
        id: messageId,
        messageId,
        conversationId: group,
        content: { kind: 'text', text: 'last words' },
      })
    await line.next((frame) => frame.type === 'ok')
    const stopped = node.stop()
    expect(await line.closed()).to.equal(1012)
    expect(line.frames.filter(({ type }) => type === 'ok').length).to.equal(50)
    expect(line.frames.find(({ type }) => type === 'goaway')).to.include({ withinMs: 5_000 })
    await stopped
  })
})
