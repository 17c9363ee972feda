import { expect } from 'chai'
import { after, before, describe, it } from 'mocha'
import { Device, eventually, type Frame } from '../support/device.ts'
import { ServerProcess } from '../support/serverProcess.ts'

/** Alice writes and never reads; everybody else does. In order: each step goes on from the one before. */
describe('Receipts in a group', () => {
  let server: ServerProcess
  let alice: Device
  let bob: Device
  let carol: Device
  let dora: Device
  let talk: string

  before(async () => {
    server = await ServerProcess.start()
    ;[alice, bob, carol, dora] = await Promise.all([
      Device.register(server),
      Device.register(server),
      Device.register(server),
      Device.register(server),
    ])
    for (const device of [alice, bob, carol]) {
      await device.connect()
      await device.caughtUp()
    }
    alice.acknowledges = false
    talk = await alice.startGroup('Three of us', [bob, carol])
  })
  after(() => server.dispose())

  const told = (device: Device): Frame[] =>
    device.frames.filter(({ type, kind, key }) => type === 'state' && kind === 'receipts' && key === talk)
  const newest = (device: Device): Frame => told(device).at(-1)?.data
  const read = (device: Device, upTo: number): void => device.send({ type: 'read', conversationId: talk, upTo })

  it('tell an author who reads nothing what all others have received and read', async () => {
    await alice.say(talk, 'one')
    await bob.say(talk, 'two')
    await carol.hears('two')
    read(bob, 2)
    read(carol, 2)
    await eventually(() => expect(newest(alice)).to.include({ allDelivered: 2, allRead: 2 }))
    expect(await alice.get(`/v1/conversations/${talk}/receipts`)).to.include({ allDelivered: 2, allRead: 2 })
  })

  it('tell the others that she has not', async () => {
    const position = told(alice).at(-1).position
    await bob.next((frame) => frame.type === 'state' && frame.position === position)
    for (const { data } of [...told(bob), ...told(carol)]) {
      expect(data).to.include({ allDelivered: 0, allRead: 0 })
      expect(data).to.have.keys('conversationId', 'advances', 'allDelivered', 'allRead')
    }
    expect(await bob.get(`/v1/conversations/${talk}/receipts`)).to.include({ allDelivered: 0, allRead: 0 })
  })

  it('take nothing back when somebody joins, and wait for them from there on', async () => {
    await alice.command({ type: 'AddMembers', conversationId: talk, userIds: [dora.userId] })
    await bob.say(talk, 'three')
    await carol.hears('three')
    read(bob, 3)
    read(carol, 3)
    const bothRead = new Set<string>()
    await eventually(() => {
      for (const { data } of told(alice))
        for (const { userId, read: upTo } of data.advances) if (upTo === 3) bothRead.add(userId)
      expect(bothRead.size).to.equal(2)
    })
    expect(newest(alice)).to.include({ allDelivered: 2, allRead: 2 })
    const seen = told(alice).map(({ data }) => data.allRead)
    expect(seen, 'never falls').to.deep.equal([...seen].sort())
  })

  it('say the same to a device that comes back, and go on when the newest member has read', async () => {
    await alice.connect()
    await alice.caughtUp()
    expect(newest(alice)).to.include({ allDelivered: 2, allRead: 2 })
    await dora.connect()
    await dora.caughtUp()
    read(dora, 3)
    await eventually(() => expect(newest(alice)).to.include({ allDelivered: 3, allRead: 3 }))
  })
})
