import { expect } from 'chai'
import { after, before, describe, it } from 'mocha'
import { Device, newId } from '../support/device.ts'
import { ServerProcess } from '../support/serverProcess.ts'

/** One message through the whole system: the real server process, real sockets, real storage. */
describe('A message', () => {
  let server: ServerProcess
  let alice: Device
  let bob: Device
  let talk: string

  before(async () => {
    server = await ServerProcess.start()
    alice = await Device.register(server)
    bob = await Device.register(server)
    await Promise.all([alice.connect(), bob.connect()])
    talk = await alice.startDirect(bob)
  })
  after(() => server.dispose())

  it('is answered when it is stored, with its place in the conversation', async () => {
    const messageId = newId()
    const answer = await alice.say(talk, 'Hello, Bob', messageId)
    expect(answer).to.include({ type: 'ok', messageId, revision: 3, seq: 1 })
    expect(answer.position).to.match(/^[0-9a-f]{8}-[0-9a-f]{16}$/)
  })

  it('reaches the other side, and all own devices', async () => {
    const heard = await bob.hears('Hello, Bob')
    expect(heard).to.deep.include({
      stream: `conversation-${talk}`,
      revision: 3,
      actor: { userId: alice.userId, deviceId: alice.deviceId },
    })
    expect((await alice.hears('Hello, Bob')).cursor).to.equal(heard.cursor)
  })

  it('is reported as delivered, then as read', async () => {
    const receipt = (watermark: 'delivered' | 'read') =>
      alice.next(
        (frame) =>
          frame.type === 'state' &&
          frame.data.advances.some(
            (advance: Record<string, unknown>) => advance.userId === bob.userId && advance[watermark] === 1,
          ),
      )
    await receipt('delivered')
    bob.send({ type: 'read', conversationId: talk, upTo: 1 })
    await receipt('read')
  })

  it('stands in the inbox and in the timeline at once for who asks for at least its position', async () => {
    const { position } = await bob.say(talk, 'Hello, Alice')
    const inbox = await alice.get(`/v1/inbox?atLeast=${position}`)
    expect(inbox.conversations[0]).to.deep.include({ unread: 1 })
    const page = await alice.get(`/v1/conversations/${talk}/messages?atLeast=${position}`)
    expect(JSON.stringify(page)).to.include('Hello, Alice').and.to.include('Hello, Bob')
  })

  it('survives the death of the server', async () => {
    const { seq } = await alice.say(talk, 'Are you still there?')
    await server.restart()
    await Promise.all([alice.connect(), bob.connect()])
    await bob.caughtUp()
    expect(bob.texts(talk)).to.deep.equal(['Hello, Bob', 'Hello, Alice', 'Are you still there?'])
    expect((await bob.say(talk, 'I am')).seq).to.equal(seq + 1)
    expect([...alice.problems, ...bob.problems]).to.deep.equal([])
  })
})
