import { expect } from 'chai'
import { after, before, beforeEach, describe, it } from 'mocha'
import { CLOSE_CODES } from '../../../api/protocol/errorTables.ts'
import { eventually, type Frame } from '../../support/device.ts'
import { failureOf } from './failure.ts'
import { FaultyLine, type Tamper } from './faultyLine.ts'
import { createWorld, Person, type World } from './world.ts'

const HEARTBEAT_MS = 1_000

/** What a client does when the line, the server or its own process fails, each for itself. */
describe('The client', function () {
  this.timeout(60_000)
  let lines: [FaultyLine, FaultyLine, FaultyLine]
  let world: World
  let alice: Person
  let bob: Person
  let talk: string

  before(async () => {
    lines = [await FaultyLine.open(), await FaultyLine.open(), await FaultyLine.open()]
    world = await createWorld(lines, {
      PARLEY_HEARTBEAT_MS: String(HEARTBEAT_MS),
      PARLEY_MAX_BEHIND: '40',
      PARLEY_RING_EVENTS: '16',
      PARLEY_ACCESS_TOKEN_MS: '60000',
    })
    alice = await world.register(lines[0])
    bob = await world.register(lines[1])
    await Promise.all([alice.live(), bob.live()])
    talk = await alice.client.startDirect(bob.client.userId)
    await bob.hears('conversation', ({ conversation }) => conversation.conversationId === talk)
  })
  beforeEach(() => {
    for (const line of lines) line.tamper = (frame) => [frame]
  })
  after(async () => {
    await Promise.all([alice.close(), bob.close()])
    await world.dispose()
  })

  const say = (text: string, by = alice) => by.client.send(talk, text).stored

  /** Applies to the first frames that match. */
  const once = (matches: (frame: Frame) => boolean, becomes: (frame: Frame) => readonly Frame[], times = 1): Tamper => {
    let left = times
    return (frame) => {
      if (left === 0 || !matches(frame)) return [frame]
      left--
      return becomes(frame)
    }
  }
  const isMessage = ({ eventType }: Frame) => eventType === 'MessageSent'

  it('knows at once what it sends, and whether it was stored, delivered and read', async () => {
    const { messageId, stored } = alice.client.send(talk, 'ticks')
    await alice.hears('message', ({ message }) => message.messageId === messageId && message.status === 'sending')
    const { seq = 0 } = await stored
    await bob.hearsText('ticks')
    const statusIs = (status: string) =>
      eventually(async () => {
        const { items } = await alice.client.timeline(talk)
        const item = items.find((each) => each.kind === 'message' && each.messageId === messageId)
        expect(item).to.include({ seq, status })
      })
    await statusIs('delivered')
    expect(bob.client.conversation(talk)).to.include({ unread: seq })
    await bob.client.markRead(talk)
    expect(bob.client.conversation(talk)).to.include({ unread: 0 })
    await statusIs('read')
  })

  it('sends again what was not answered, which has one effect', async () => {
    const attempts: string[] = []
    let losing = true
    alice.line.tamper = (frame, from) => {
      if (from === 'client' && frame.type === 'SendMessage') attempts.push(frame.messageId)
      const lost = losing && from === 'server' && (frame.type === 'ok' || isMessage(frame))
      if (attempts.length > 1) losing = false
      return lost ? [] : [frame]
    }
    const { messageId, stored } = alice.client.send(talk, 'unanswered')
    await stored
    expect(attempts).to.deep.equal([messageId, messageId])
    const { seq } = await say('after it')
    await bob.hearsText('after it')
    expect((await bob.texts(talk)).filter((text) => text === 'unanswered')).to.have.length(1)
    expect(bob.client.conversation(talk)).to.include({ lastSeq: seq })
  })

  it('sends one after the other in a conversation, so that none overtakes another', async () => {
    let under = 0
    let most = 0
    alice.line.tamper = (frame, from) => {
      if (from === 'client' && frame.type === 'SendMessage') most = Math.max(most, ++under)
      if (from === 'server' && frame.type === 'ok') under--
      return [frame]
    }
    await Promise.all(['one', 'two', 'three'].map((text) => say(`in order: ${text}`)))
    expect(most).to.equal(1)
    await bob.hearsText('in order: three')
    expect((await bob.texts(talk)).slice(-3)).to.deep.equal(['in order: one', 'in order: two', 'in order: three'])
  })

  it('fills a gap, and tells what was missing once and in order', async () => {
    bob.line.tamper = once(isMessage, () => [], 3)
    for (const text of ['lost 1', 'lost 2', 'lost 3', 'found']) await say(text)
    await bob.hearsText('found')
    expect(bob.told.filter((text) => /^lost|^found/.test(text))).to.deep.equal(['lost 1', 'lost 2', 'lost 3', 'found'])
  })

  it('leaves out what comes twice, and puts in order what does not come in order', async () => {
    let kept: Frame | undefined
    bob.line.tamper = (frame) => {
      if (!isMessage(frame)) return [frame]
      if (kept === undefined) {
        kept = frame
        return []
      }
      return [frame, kept, frame]
    }
    await say('swapped 1')
    await say('swapped 2')
    await bob.hearsText('swapped 2')
    bob.line.tamper = (frame) => [frame]
    await say('swapped 3')
    await bob.hearsText('swapped 3')
    expect(bob.told.filter((text) => text.startsWith('swapped'))).to.deep.equal(['swapped 1', 'swapped 2', 'swapped 3'])
  })

  it('acknowledges only what it has stored', async () => {
    const acks: string[] = []
    let cursor = ''
    bob.line.tamper = (frame, from) => {
      if (from === 'client' && frame.type === 'ack') acks.push(frame.cursor)
      if (isMessage(frame)) cursor = frame.cursor
      return [frame]
    }
    bob.stalled = true
    await say('stalled')
    await eventually(() => expect(cursor).to.not.equal(''))
    await new Promise((resolve) => setTimeout(resolve, 50))
    expect(acks.filter((ack) => ack >= cursor)).to.deep.equal([])
    expect(bob.told).to.not.include('stalled')
    bob.stalled = false
    await bob.hearsText('stalled')
    await eventually(() => expect(acks).to.include(cursor))
  })

  it('is told of a refusal, which holds up nothing else', async () => {
    const nowhere = '01890000-0000-8000-8000-0000000000ff'
    const { messageId, stored } = alice.client.send(nowhere, 'to nobody')
    expect(await failureOf(stored)).to.include({ name: 'ClientError', code: 'NotFound' })
    await alice.hears('messageChanged', ({ message }) => message.messageId === messageId && message.status === 'failed')
    await say('to somebody')
    await alice.client.discard(messageId)
  })

  it('sends what it was told while it was away, in order, also by a process that died', async () => {
    alice.line.down = true
    alice.line.cut()
    const sent = [1, 2, 3, 4, 5].map((number) => alice.client.send(talk, `offline ${number}`))
    const shown = await eventually(async () => {
      const { items } = await alice.client.timeline(talk)
      const waiting = items.filter((item) => item.kind === 'message' && item.status === 'sending')
      expect(waiting).to.have.length(5)
      return waiting
    })
    expect(shown.map((item) => item.kind === 'message' && item.messageId)).to.deep.equal(
      sent.map(({ messageId }) => messageId),
    )
    await alice.crash()
    alice.line.down = false
    await alice.live()
    await bob.hearsText('offline 5')
    const offline = (texts: readonly string[]) => texts.filter((text) => text.startsWith('offline'))
    const expected = [1, 2, 3, 4, 5].map((number) => `offline ${number}`)
    expect(offline(await bob.texts(talk))).to.deep.equal(expected)
    expect(offline(await alice.texts(talk))).to.deep.equal(expected)
  })

  it('repeats how far it has read after it was cut off', async () => {
    const { seq = 0 } = await say('read me')
    await bob.hearsText('read me')
    bob.line.tamper = (frame, from) => (from === 'client' && frame.type === 'read' ? [] : [frame])
    await bob.client.markRead(talk, seq)
    await new Promise((resolve) => setTimeout(resolve, 60))
    bob.line.tamper = (frame) => [frame]
    bob.line.cut()
    await alice.hears('receipts', ({ receipts }) => receipts.by[bob.client.userId]?.read === seq)
  })

  it('loads the inbox when it is too far behind, and fills conversations when they are looked at', async () => {
    await bob.client.close()
    const { length } = await alice.texts(talk)
    for (let i = 0; i < 60; i++) await say(`behind ${i}`)
    await alice.client.edit(await lastOf(alice), 'behind, edited')
    let resumed = ''
    bob.line.tamper = (frame) => {
      if (frame.type === 'welcome') resumed = frame.resumed
      return [frame]
    }
    await bob.crash()
    await bob.live()
    expect(resumed).to.equal('snapshot')
    expect(bob.client.conversation(talk)).to.include({ unread: 60 })
    expect(await bob.texts(talk)).to.deep.equal(await alice.texts(talk))
    expect(await bob.texts(talk)).to.have.length(length + 60)
    await say('live again')
    await bob.hearsText('live again')
    expect((await bob.texts(talk)).slice(-2)).to.deep.equal(['behind, edited', 'live again'])
  })

  const lastOf = async (person: Person) => {
    const { items } = await person.client.timeline(talk)
    const message = items.findLast((item) => item.kind === 'message')
    if (message?.kind !== 'message' || message.revision === undefined) throw new Error('no message')
    return { ...message, revision: message.revision }
  }

  it('comes to know that it was added, also when it is cut off right before', async () => {
    const group = await alice.client.startGroup('Added', [])
    await alice.client.send(group, 'before bob').stored
    let cut = false
    bob.line.tamper = (frame) => {
      if (frame.eventType !== 'MemberAdded' || cut) return [frame]
      // What came right before, that there is something bob may not see, is stored.
      cut = true
      setTimeout(() => bob.line.cut(), 20)
      return []
    }
    await alice.client.addMembers(group, [bob.client.userId])
    await bob.hears('conversation', ({ conversation }) => conversation.conversationId === group)
    expect(bob.client.conversation(group)).to.include({ title: 'Added', active: true, unread: 0 })
    await alice.client.send(group, 'after bob').stored
    await bob.hearsText('after bob')
    expect(await bob.texts(group)).to.deep.equal(['after bob'])
  })

  it('forgets what it held of another log', async () => {
    await say('in both logs')
    await bob.hearsText('in both logs')
    await bob.close()
    for (const [key, value] of bob.data.values)
      if (key.startsWith('timeline/')) bob.data.values.set(key, value.replace('in both logs', 'in the old log'))
    // The line makes every cursor one of another incarnation.
    const incarnation = /[0-9a-f]{8}(?=-[0-9a-f]{16})/
    let real = ''
    bob.line.tamper = (frame, from) => {
      if (typeof frame.cursor !== 'string') return [frame]
      if (from === 'server') real = incarnation.exec(frame.cursor)?.[0] ?? real
      const cursor = from === 'server' ? frame.cursor.replace(real, 'ffffffff') : other(frame.cursor)
      return [{ ...frame, cursor }]
    }
    const other = (cursor: string) =>
      cursor.startsWith('ffffffff') ? cursor.replace('ffffffff', real) : cursor.replace(incarnation, '00000000')
    bob.line.rewrite = (url) => url.replace('ffffffff', real)
    await bob.crash()
    await bob.live()
    expect(await bob.texts(talk)).to.deep.equal(await alice.texts(talk))
    expect(await bob.texts(talk)).to.include('in both logs')

    bob.line.rewrite = (url) => url
    bob.line.tamper = (frame) => [frame]
    await bob.crash()
    await bob.live()
  })

  it('renews its session in band', async () => {
    const renewals = new Map<string, string>()
    alice.line.tamper = (frame, from) => {
      if (from === 'client' && frame.type === 'renew') renewals.set(frame.id, 'asked')
      if (from === 'server' && renewals.has(frame.id)) renewals.set(frame.id, frame.type)
      return [frame]
    }
    // With sessions as short as the notice, the notice comes at once.
    alice.line.cut()
    await eventually(() => expect([...renewals.values()]).to.include('ok'))
  })

  it('comes back when the line falls silent', async () => {
    const { opened } = bob.line
    bob.line.tamper = (frame, from) => (from === 'server' ? [] : [frame])
    await eventually(() => expect(bob.line.opened).to.be.above(opened))
    bob.line.tamper = (frame) => [frame]
    await bob.client.live()
    await say('after the silence')
    await bob.hearsText('after the silence')
  })

  it('comes back when the server goes away and is started again', async () => {
    await world.server.end('SIGTERM')
    const sending = say('while it was away')
    await world.server.launch()
    await sending
    await bob.hearsText('while it was away')
  })

  it('stops when the same device connects from elsewhere', async () => {
    const copy = { values: new Map(alice.data.values), open: false }
    const twin = await Person.open(lines[2], copy)
    await twin.live()
    const stopped = await alice.hears('connection', ({ reason }) => reason?.by === 'server')
    expect(stopped).to.deep.include({ phase: 'stopped' })
    expect(stopped.reason).to.include({ code: CLOSE_CODES.Replaced.code })
    await twin.close()
    await alice.live()
  })

  it('stops when its device is revoked', async () => {
    const second = await alice.link(lines[2])
    await second.live()
    await alice.client.directory.revokeDevice(second.client.deviceId)
    const { reason } = await second.hears('connection', ({ phase }) => phase === 'stopped')
    expect(reason).to.include({ by: 'server', code: CLOSE_CODES.DeviceRevoked.code })
    expect(await failureOf(second.client.live())).to.include({ code: 'Stopped' })
    await second.close()
  })

  it('tells a further device everything, own messages included', async () => {
    const second = await alice.link(lines[2])
    await second.live()
    await say('from the first')
    await second.hearsText('from the first')
    expect(await second.texts(talk)).to.deep.equal(await alice.texts(talk))
    await second.close()
  })
})
