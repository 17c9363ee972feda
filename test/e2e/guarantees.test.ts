import { expect } from 'chai'
import { after, before, beforeEach, describe, it } from 'mocha'
import { Device, eventually, type Frame, newId } from '../support/device.ts'
import { ServerProcess } from '../support/serverProcess.ts'

describe('The guarantees, on the real server process', function () {
  this.timeout(60_000)
  let server: ServerProcess
  let alice: Device
  let bob: Device
  let carol: Device

  before(async () => {
    server = await ServerProcess.start({ PARLEY_WINDOW: '100', PARLEY_WINDOW_BYTES: '65536' })
    ;[alice, bob, carol] = await Promise.all([
      Device.register(server),
      Device.register(server),
      Device.register(server),
    ])
  })
  after(() => server.dispose())

  beforeEach(() => reconnect(alice, bob, carol))

  const reconnect = async (...devices: Device[]): Promise<void> => {
    await Promise.all(devices.map((device) => device.connect()))
    await Promise.all(devices.map((device) => device.caughtUp()))
  }

  it('G1: loses no acknowledged message when the process is killed at any moment', async () => {
    const talk = await alice.startDirect(bob)
    const acknowledged = new Set<string>()
    for (let round = 0; round < 3; round++) {
      const sends = Array.from({ length: 200 }, (_, i) => `round ${round}, message ${i}`)
      for (const text of sends)
        alice.say(talk, text).then(
          (answer) => answer.type === 'ok' && acknowledged.add(text),
          () => {},
        )
      await eventually(() => expect(acknowledged.size).to.be.greaterThan(round * 60))
      await server.restart()
      await reconnect(alice, bob)
    }
    const there = new Set(bob.texts(talk))
    expect([...acknowledged].filter((text) => !there.has(text))).to.deep.equal([])
    expect(bob.problems).to.deep.equal([])
  })

  it('G2: gives the same command one effect and its original answer', async () => {
    const talk = await alice.startGroup('Same again', [bob, carol])
    const messageId = newId()
    const first = await bob.say(talk, 'once', messageId)
    const again = await bob.say(talk, 'once', messageId)
    const { position: _, ...original } = first
    expect({ ...again, id: first.id }).to.deep.equal(original)

    const concurrent = newId()
    const phone = await bob.link()
    await phone.connect()
    const answers = await Promise.all(
      Array.from({ length: 20 }, (_each, i) => (i % 2 ? bob : phone).say(talk, 'both at once', concurrent)),
    )
    expect(new Set(answers.map(({ revision, seq }) => `${revision}/${seq}`)).size).to.equal(1)

    expect(await bob.say(talk, 'something else', messageId)).to.include({ code: 'IdempotencyConflict' })
    expect(await carol.say(talk, 'once', messageId)).to.include({ code: 'IdempotencyConflict' })

    await server.restart()
    await reconnect(alice, bob, carol)
    expect(await bob.say(talk, 'once', messageId)).to.include({ revision: first.revision, seq: first.seq })

    await bob.command({ type: 'LeaveConversation', conversationId: talk })
    expect(await bob.say(talk, 'once', messageId)).to.include({ revision: first.revision, seq: first.seq })
    expect(await bob.say(talk, 'new', newId())).to.include({ code: 'NotFound' })
    expect(alice.texts(talk)).to.deep.equal(['once', 'both at once'])
  })

  it('G2: recalls a command that the window has forgotten', async () => {
    const talk = await alice.startDirect(bob)
    const messageId = newId()
    const first = await alice.say(talk, 'long ago', messageId)
    for (let i = 0; i < 6; i++)
      await Promise.all(Array.from({ length: 200 }, (_, j) => alice.say(talk, `filler ${i}/${j}`)))
    const again = await eventually(async () => {
      const answer = await alice.say(talk, 'long ago', messageId)
      if (answer.code === 'Busy') throw new Error('Busy')
      return answer
    })
    expect(again).to.include({ type: 'ok', revision: first.revision, seq: first.seq })
    expect(await alice.say(talk, 'forged', messageId)).to.include({ code: 'IdempotencyConflict' })
  })

  it('G3: shows every device one order, without gaps', async () => {
    const talk = await alice.startGroup('One order', [bob, carol])
    const everyone = [alice, bob, carol]
    await Promise.all(
      everyone.flatMap((device, d) => Array.from({ length: 100 }, (_, i) => device.say(talk, `${d}/${i}`))),
    )
    await eventually(() => {
      for (const device of everyone) expect(device.texts(talk)).to.have.length(300)
    })
    expect(bob.texts(talk)).to.deep.equal(alice.texts(talk))
    expect(carol.texts(talk)).to.deep.equal(alice.texts(talk))
    for (const device of everyone) expect(device.problems).to.deep.equal([])
    for (const d of [0, 1, 2])
      expect(alice.texts(talk).filter((text) => text?.startsWith(`${d}/`))).to.deep.equal(
        Array.from({ length: 100 }, (_, i) => `${d}/${i}`),
      )
  })

  it('G4: gives an offline device all that waits for it', async () => {
    const talk = await alice.startDirect(bob)
    await reconnect(bob)
    bob.disconnect()
    const before = bob.texts(talk).length
    for (let i = 0; i < 50; i++)
      await Promise.all(Array.from({ length: 200 }, (_, j) => alice.say(talk, `waiting ${i}/${j}`)))
    await reconnect(bob)
    expect(bob.texts(talk).length - before).to.equal(10_000)
    expect(bob.problems).to.deep.equal([])
    expect(bob.frames.filter((frame) => frame.type === 'caughtUp')).to.have.length(1)
  })

  it('G5: keeps a stalled device within its window, and loses nothing', async () => {
    const talk = await alice.startDirect(bob)
    await reconnect(bob)
    const before = bob.texts(talk).length
    bob.acknowledges = false
    bob.socket.pause()
    const rss = await residentMemory(server.pid)
    for (let i = 0; i < 20; i++)
      await Promise.all(Array.from({ length: 100 }, (_, j) => alice.say(talk, `${i}/${j} ${'x'.repeat(2_000)}`)))
    expect((await residentMemory(server.pid)) - rss).to.be.below(64 * 1024 * 1024)
    bob.acknowledges = true
    bob.socket.resume()
    await eventually(() => expect(bob.frames.filter((frame) => frame.type === 'event')).to.not.have.length(0))
    await reconnect(bob)
    expect(bob.texts(talk).length - before).to.equal(2_000)
    expect(bob.problems).to.deep.equal([])
  })

  it('G6: shows the intervals of membership and nothing else', async () => {
    const talk = await alice.startGroup('Comings and goings', [carol])
    await alice.say(talk, 'before Bob')
    await alice.command({ type: 'AddMembers', conversationId: talk, userIds: [bob.userId] })
    const seen = await alice.say(talk, 'with Bob')
    await alice.command({ type: 'RemoveMember', conversationId: talk, userId: bob.userId })
    const unseen = await alice.say(talk, 'behind his back')
    await alice.command({ type: 'AddMembers', conversationId: talk, userIds: [bob.userId] })
    const edit = { type: 'EditMessage', conversationId: talk }
    await alice.command({
      ...edit,
      messageId: unseen.messageId,
      revision: unseen.revision,
      content: { kind: 'text', text: 'edited behind' },
    })
    await alice.command({
      ...edit,
      messageId: seen.messageId,
      revision: seen.revision,
      content: { kind: 'text', text: 'edited with Bob' },
    })
    const { position } = await alice.say(talk, 'Bob again')
    await bob.hears('Bob again')
    const live = sightings(bob, talk)
    const everything = ['with Bob', 'edited with Bob', 'Bob again']
    expect(live).to.deep.equal(everything)
    expect(JSON.stringify(bob.frames)).to.not.include('behind')

    const later = await bob.link()
    await later.connect()
    const page = await later.get(`/v1/conversations/${talk}/messages?limit=100&atLeast=${position}`)
    expect(JSON.stringify(page)).to.include('Bob again').and.to.include('edited with Bob')
    expect(JSON.stringify(page)).to.not.include('behind').and.to.not.include('before Bob')
    expect(bob.problems).to.deep.equal([])
  })

  it('G6: never delivers what was deleted for everyone', async () => {
    const talk = await alice.startDirect(bob)
    await reconnect(bob)
    bob.disconnect()
    const secret = await alice.say(talk, 'a secret of mine')
    const { position } = await alice.command({
      type: 'DeleteMessage',
      conversationId: talk,
      messageId: secret.messageId,
      revision: secret.revision,
    })
    await reconnect(bob)
    const deleted = bob.frames.find((frame) => frame.type === 'event' && frame.revision === secret.revision)
    expect(deleted.data).to.have.keys('messageId', 'seq', 'deletedAt')
    expect(JSON.stringify(bob.frames)).to.not.include('a secret of mine')
    const page = await bob.get(`/v1/conversations/${talk}/messages?limit=100&atLeast=${position}`)
    const inbox = await bob.get(`/v1/inbox?atLeast=${position}`)
    expect(JSON.stringify([page, inbox])).to.not.include('a secret of mine')
  })

  it('G8: counts unread by arithmetic, the same on all own devices', async () => {
    const talk = await alice.startGroup('Counting', [bob, carol])
    const phone = await bob.link()
    await phone.connect()
    for (let i = 1; i <= 5; i++) await alice.say(talk, `number ${i}`)
    const entryOf = async (device: Device): Promise<Frame> => {
      const { conversations } = await device.get('/v1/inbox')
      return conversations.find((entry: Frame) => JSON.stringify(entry).includes(talk))
    }
    await eventually(async () => expect((await entryOf(bob)).unread).to.equal(5))
    bob.send({ type: 'read', conversationId: talk, upTo: 3 })
    await phone.next(
      (frame) => frame.type === 'state' && frame.key === talk && JSON.stringify(frame).includes('"read":3'),
    )
    await eventually(async () => expect((await entryOf(phone)).unread).to.equal(2))
    expect((await entryOf(alice)).unread).to.equal(0)
    await phone.say(talk, 'answered')
    await eventually(async () => expect((await entryOf(bob)).unread).to.equal(0))
    await alice.next((frame) => frame.type === 'state' && frame.key === talk && frame.data.allDelivered >= 5)
    bob.send({ type: 'read', conversationId: talk, upTo: 99 })
    expect(await bob.next((frame) => frame.code === 'ReadBeyondLast')).to.include({ type: 'error' })
  })

  it('says goodbye before it stops, answers what is under way, and loses nothing', async () => {
    const talk = await alice.startDirect(bob)
    const answers = Array.from({ length: 50 }, (_, i) => alice.say(talk, `last words ${i}`))
    await answers[0]
    expect(await server.end('SIGTERM')).to.equal(0)
    for (const { type } of await Promise.all(answers)) expect(type).to.equal('ok')
    for (const device of [alice, bob, carol]) {
      expect(device.frames.find(({ type }) => type === 'goaway')).to.include({ withinMs: 5_000 })
      expect(device.closedWith).to.equal(1012)
    }
    await server.launch()
    await reconnect(bob)
    expect(bob.texts(talk).slice(-50)).to.deep.equal(Array.from({ length: 50 }, (_, i) => `last words ${i}`))
  })
})

/** What a device was shown of a conversation, in order. */
const sightings = (device: Device, conversationId: string): string[] =>
  device.frames
    .filter((frame) => frame.type === 'event' && frame.stream === `conversation-${conversationId}`)
    .map((frame) => frame.data.content?.text)
    .filter((text) => text !== undefined)

const residentMemory = async (pid: number): Promise<number> => {
  const { readFile } = await import('node:fs/promises')
  const status = await readFile(`/proc/${pid}/status`, 'utf8')
  return Number(/VmRSS:\s+(\d+)/.exec(status)?.[1]) * 1024
}
