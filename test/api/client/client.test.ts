import { expect } from 'chai'
import { after, afterEach, before, describe, it } from 'mocha'
import { type Client, openMemoryStorage } from '../../../api/client/index.ts'
import { createMemoryData } from '../../../api/client/storage/memory.ts'
import { eventually } from '../../support/device.ts'
import { ServerProcess } from '../../support/serverProcess.ts'
import { link, listen, online, person, texts } from './clients.ts'

describe('Client', function () {
  this.timeout(60_000)
  let server: ServerProcess
  let clients: Client[] = []

  const someone = async (): Promise<Client> => {
    const client = await person(server)
    clients.push(client)
    return client
  }
  const talk = async (): Promise<[Client, Client, string]> => {
    const [alice, bob] = await Promise.all([someone(), someone()])
    return [alice, bob, await alice.startDirect(bob.userId)]
  }

  before(async () => {
    server = await ServerProcess.start({ PARLEY_WINDOW: '16', PARLEY_RING_EVENTS: '64' })
  })
  afterEach(async () => {
    await Promise.all(clients.map((client) => client.close()))
    clients = []
  })
  after(() => server.dispose())

  it('brings a message from one to the other, once', async () => {
    const [alice, bob, id] = await talk()
    const heard = listen(bob)
    const { messageId, stored } = alice.send(id, 'Hello Bob')
    expect(await stored).to.include({ conversationId: id, seq: 1 })
    await eventually(() => expect(heard.some((event) => event.type === 'message')).to.equal(true))
    const messages = heard.flatMap((event) => (event.type === 'message' ? [event.message] : []))
    expect(messages).to.have.length(1)
    expect(messages[0]).to.deep.include({ messageId, from: alice.userId, content: { kind: 'text', text: 'Hello Bob' } })
    expect(await texts(alice, id)).to.deep.equal(['Hello Bob'])
    expect(bob.conversation(id)).to.include({ kind: 'direct', peer: alice.userId, unread: 1, active: true })
  })

  it('tells the sender what was delivered and read', async () => {
    const [alice, bob, id] = await talk()
    await alice.send(id, 'one').stored
    const [message] = (await alice.timeline(id)).items.filter((item) => item.kind === 'message')
    if (message === undefined) throw new Error('there is no message')
    await eventually(() => expect(alice.refresh(message).status).to.equal('delivered'))
    await eventually(() => expect(bob.conversation(id)?.unread).to.equal(1))
    await bob.markRead(id)
    expect(bob.conversation(id)?.unread).to.equal(0)
    await eventually(() => expect(alice.refresh(message).status).to.equal('read'))
    expect(alice.receivers(message)).to.deep.equal([{ userId: bob.userId, status: 'read' }])
  })

  it('edits and deletes messages', async () => {
    const [alice, bob, id] = await talk()
    for (const text of ['one', 'two', 'three']) await alice.send(id, text).stored
    const [one, two] = (await alice.timeline(id)).items.filter((item) => item.kind === 'message')
    if (one === undefined || two === undefined) throw new Error('there are no messages')
    await alice.edit(one, 'eins')
    await alice.delete(two)
    await eventually(async () => {
      expect(await texts(alice, id)).to.deep.equal(['eins', null, 'three'])
      expect(await texts(bob, id)).to.deep.equal(['eins', null, 'three'])
    })
  })

  it('administers a group', async () => {
    const [alice, bob, carol] = await Promise.all([someone(), someone(), someone()])
    const id = await alice.startGroup('Friends', [bob.userId])
    await alice.send(id, 'before Carol').stored
    await alice.addMembers(id, [carol.userId])
    await alice.rename(id, 'Best friends')
    await alice.changeRole(id, bob.userId, 'admin')
    await alice.send(id, 'with Carol').stored
    await eventually(() => expect(bob.conversation(id)).to.include({ title: 'Best friends', role: 'admin', unread: 2 }))
    await eventually(() =>
      expect(carol.conversation(id)).to.include({ title: 'Best friends', kind: 'group', unread: 1 }),
    )
    expect(await texts(carol, id)).to.deep.equal(['with Carol'])
    expect((await alice.directory.members(id)).map(({ userId }) => userId)).to.have.members(
      [alice, bob, carol].map(({ userId }) => userId),
    )
    await bob.removeMember(id, carol.userId)
    await eventually(() => expect(carol.conversation(id)?.active).to.equal(false))
    await bob.leave(id)
    await alice.send(id, 'alone').stored
    expect(await texts(carol, id)).to.deep.equal(['with Carol'])
  })

  it('refuses for good what the server refuses', async () => {
    const [alice, , id] = await talk()
    const { messageId, stored } = alice.send(id, '   ')
    const error = await stored.then(
      () => undefined,
      (reason: unknown) => reason,
    )
    expect(error).to.include({ code: 'ContentInvalid' })
    const [message] = (await alice.timeline(id)).items.filter((item) => item.kind === 'message')
    expect(message).to.include({ messageId, status: 'failed' })
    await alice.discard(messageId)
    expect(await texts(alice, id)).to.deep.equal([])
  })

  it('catches up with everything after being away', async () => {
    const [alice, bob, id] = await talk()
    const data = createMemoryData()
    const storage = await link(server, bob, await openMemoryStorage(data))
    const second = await online(server, storage)
    await second.close()
    for (let at = 0; at < 150; at++) alice.send(id, `message ${at}`)
    const expected = Array.from({ length: 150 }, (_, at) => `message ${at}`)
    await eventually(async () => expect(await texts(bob, id)).to.deep.equal(expected), 20_000)
    const back = await online(server, await openMemoryStorage(data))
    clients.push(back)
    expect(await texts(back, id)).to.deep.equal(expected)
    expect(back.conversation(id)).to.include({ unread: 150, lastSeq: 150 })
  })

  it('begins with the inbox on a new device, and reads history when it is asked for', async () => {
    const [alice, bob, id] = await talk()
    const expected = Array.from({ length: 120 }, (_, at) => `message ${at}`)
    for (const text of expected) alice.send(id, text)
    await eventually(async () => expect(await texts(bob, id)).to.deep.equal(expected), 20_000)
    const second = await online(server, await link(server, bob, await openMemoryStorage()))
    clients.push(second)
    expect(second.conversation(id)).to.include({ unread: 120, lastSeq: 120, kind: 'direct', peer: alice.userId })
    const newest = await second.timeline(id, { limit: 20 })
    expect(newest.items.map((item) => (item.kind === 'message' ? item.seq : undefined))).to.deep.equal(
      Array.from({ length: 20 }, (_, at) => 101 + at),
    )
    await alice.send(id, 'live').stored
    await eventually(() => expect(second.conversation(id)?.lastSeq).to.equal(121))
    expect(await texts(second, id)).to.deep.equal([...expected, 'live'])
  })

  it('tells who is typing and who is there', async () => {
    const [alice, bob, id] = await talk()
    await eventually(() => expect(bob.conversation(id)?.active).to.equal(true))
    const heard = listen(bob)
    bob.watchPresence([alice.userId])
    alice.setTyping(id, true)
    const typing = { type: 'typing', conversationId: id, userId: alice.userId, active: true }
    await eventually(() => expect(heard).to.deep.include(typing))
    await eventually(() => expect(heard).to.deep.include({ type: 'presence', userId: alice.userId, online: true }))
  })

  it('lists, renames and revokes devices', async () => {
    const alice = await someone()
    const second = await online(server, await link(server, alice, await openMemoryStorage()))
    clients.push(second)
    await alice.directory.renameDevice(second.deviceId, 'tablet')
    await eventually(async () => {
      const names = (await alice.directory.devices()).map(({ name }) => name)
      expect(names).to.have.members(['first device', 'tablet'])
    })
    await alice.directory.revokeDevice(second.deviceId)
    await eventually(() => expect(second.connection.phase).to.equal('stopped'))
    expect(second.connection.reason).to.include({ by: 'server', code: 4403 })
  })
})
