import { expect } from 'chai'
import { before, describe, it } from 'mocha'
import { type Device, eventually, newId } from '../../../support/device.ts'
import { anybody, call, codeOf, groupOf, send } from './call.ts'

describe('Receipts over HTTP', () => {
  let alice: Device
  let bob: Device
  let carol: Device

  before(async () => {
    ;[alice, bob, carol] = (await Promise.all([anybody(), anybody(), anybody()])) as [Device, Device, Device]
  })

  const statuses = async (conversationId: string, messageId: string, atLeast: string) => {
    const params = { conversationId, messageId }
    const { receipts } = (await call(alice, 'listMessageReceipts', { params, query: { atLeast } })).body
    return Object.fromEntries(receipts.map(({ userId, status }) => [userId, status]))
  }

  it('say by whom a message was received and read', async () => {
    const { conversationId } = await groupOf(alice, bob, carol)
    await bob.connect()
    bob.acknowledges = false
    const { messageId, position, seq } = await send(alice, conversationId, 'hello')
    expect(await statuses(conversationId, messageId, position)).to.deep.equal({
      [bob.userId]: 'sent',
      [carol.userId]: 'sent',
    })
    bob.send({ type: 'ack', cursor: (await bob.hears('hello')).cursor })
    const read = await call(carol, 'markRead', { params: { conversationId }, body: { upTo: seq } })
    expect(read.status).to.equal(202)
    await eventually(async () =>
      expect(await statuses(conversationId, messageId, position)).to.deep.equal({
        [bob.userId]: 'delivered',
        [carol.userId]: 'read',
      }),
    )
    bob.disconnect()
    const { watermarks } = (await call(bob, 'listReceipts', { params: { conversationId } })).body
    expect(watermarks).to.deep.include({ userId: carol.userId, delivered: 1, read: 1 })
    await eventually(async () =>
      expect((await call(carol, 'getConversation', { params: { conversationId } })).body).to.include({
        read: 1,
        unread: 0,
      }),
    )
  })

  it('stay private where the reader wants it, but for the own devices', async () => {
    const reader = await anybody()
    await call(reader, 'changePrivacy', { body: { readReceipts: false, lastSeen: true } })
    const { conversationId } = await groupOf(alice, reader)
    const { messageId, position } = await send(alice, conversationId, 'hello')
    await call(reader, 'markRead', { params: { conversationId }, body: { upTo: 1 } })
    await eventually(async () =>
      expect((await call(reader, 'getConversation', { params: { conversationId } })).body.unread).to.equal(0),
    )
    expect(await statuses(conversationId, messageId, position)).to.deep.equal({ [reader.userId]: 'sent' })
  })

  it('are refused beyond the newest message, and for messages that are none', async () => {
    const { conversationId } = await groupOf(alice, bob)
    const params = { conversationId }
    expect(await codeOf(call(bob, 'markRead', { params, body: { upTo: 1 } }))).to.equal('ReadBeyondLast')
    expect(await codeOf(call(bob, 'markRead', { params, body: { upTo: -1 } }))).to.equal('InvalidRequest')
    const message = { params: { ...params, messageId: newId() } }
    expect(await codeOf(call(bob, 'listMessageReceipts', message))).to.equal('NotFound')
  })
})
