import { expect } from 'chai'
import { before, describe, it } from 'mocha'
import { type Device, newId } from '../../../support/device.ts'
import { anybody, call, codeOf, groupOf, send } from './call.ts'

describe('Conversations over HTTP', () => {
  let alice: Device
  let bob: Device
  let carol: Device
  let dave: Device

  before(async () => {
    ;[alice, bob, carol, dave] = (await Promise.all([anybody(), anybody(), anybody(), anybody()])) as [
      Device,
      Device,
      Device,
      Device,
    ]
  })

  const view = async (device: Device, conversationId: string, atLeast?: string) =>
    (await call(device, 'getConversation', { params: { conversationId }, query: { atLeast } })).body

  it('are one per pair of users, whoever starts it', async () => {
    const first = await call(alice, 'startConversation', { body: { kind: 'direct', userId: bob.userId } })
    expect(first).to.deep.include({ status: 201 })
    expect(first.body.created).to.equal(true)
    const second = await call(bob, 'startConversation', { body: { kind: 'direct', userId: alice.userId } })
    expect(second).to.deep.include({ status: 200 })
    expect(second.body).to.deep.include({ conversationId: first.body.conversationId, created: false })
    const seen = await view(bob, first.body.conversationId, first.body.position)
    expect(seen).to.deep.include({ kind: 'direct', mode: 'plain', role: 'member', active: true, unread: 0 })
    expect(seen.peers).to.have.members([alice.userId, bob.userId])
  })

  it('are started once per Idempotency-Key', async () => {
    const key = newId()
    const body = { kind: 'group', title: 'Once' } as const
    const first = await call(alice, 'startConversation', { body }, key)
    const again = await call(alice, 'startConversation', { body }, key)
    expect(again.status).to.equal(201)
    expect(again.body.conversationId).to.equal(first.body.conversationId)
    const other = { ...body, title: 'Twice' }
    expect(await codeOf(call(alice, 'startConversation', { body: other }, key))).to.equal('IdempotencyConflict')
  })

  it('are refused with users who are none, with oneself, encrypted, or with too many', async () => {
    const start = (body: Parameters<typeof call<'startConversation'>>[2]['body']) =>
      codeOf(call(alice, 'startConversation', { body }))
    expect(await start({ kind: 'direct', userId: newId() })).to.equal('NotFound')
    expect(await start({ kind: 'direct', userId: alice.userId })).to.equal('InvalidRequest')
    expect(await start({ kind: 'direct', userId: carol.userId, mode: 'encrypted' })).to.equal('EncryptionUnavailable')
    const members = await Promise.all([anybody(), anybody(), anybody(), anybody()])
    const userIds = members.map(({ userId }) => userId)
    expect(await start({ kind: 'group', title: 'All', members: userIds })).to.equal('GroupFull')
  })

  it('are renamed by admins, and show their members', async () => {
    const { conversationId } = await groupOf(alice, bob)
    const params = { conversationId }
    const { position } = (await call(alice, 'changeDetails', { params, body: { title: 'Biking' } })).body
    expect(await view(bob, conversationId, position)).to.include({ title: 'Biking', kind: 'group', role: 'member' })
    expect(await codeOf(call(bob, 'changeDetails', { params, body: { title: 'x' } }))).to.equal('NotAdmin')
    const { members } = (await call(bob, 'listMembers', { params, query: { atLeast: position } })).body
    expect(members.map(({ userId, role }) => ({ userId, role }))).to.have.deep.members([
      { userId: alice.userId, role: 'admin' },
      { userId: bob.userId, role: 'member' },
    ])
  })

  it('show their members in pages, in both directions', async () => {
    const { conversationId, position } = await groupOf(alice, bob, carol)
    const page = async (cursor?: string) => {
      const query = { limit: 2, atLeast: position, ...(cursor !== undefined && { cursor }) }
      const { members, next, previous } = (await call(alice, 'listMembers', { params: { conversationId }, query })).body
      return { ids: members.map(({ userId }) => userId), next, previous }
    }
    const first = await page()
    const second = await page(first.next)
    expect([...first.ids, ...second.ids]).to.have.members([alice.userId, bob.userId, carol.userId])
    expect(second.next).to.equal(undefined)
    expect((await page(second.previous)).ids).to.deep.equal(first.ids)
    expect(await codeOf(page('nonsense'))).to.equal('InvalidCursor')
  })

  it('take members in and let them go', async () => {
    const { conversationId } = await groupOf(alice, bob)
    const params = { conversationId }
    const carolIn = { ...params, userId: carol.userId }
    await call(alice, 'addMembers', { params, body: { userIds: [carol.userId] } })
    expect(await codeOf(call(alice, 'addMembers', { params, body: { userIds: [carol.userId] } }))).to.equal(
      'AlreadyMember',
    )
    expect(await codeOf(call(bob, 'addMembers', { params, body: { userIds: [dave.userId] } }))).to.equal('NotAdmin')

    await call(alice, 'changeRole', { params: carolIn, body: { role: 'admin' } })
    const { position } = (await call(carol, 'removeMember', { params: { ...params, userId: bob.userId } })).body
    expect(await codeOf(call(carol, 'removeMember', { params: { ...params, userId: bob.userId } }))).to.equal(
      'NotAMember',
    )
    expect(await view(bob, conversationId, position)).to.include({ active: false })
    expect(await codeOf(call(bob, 'listMembers', { params }))).to.equal('NotFound')

    await call(alice, 'leaveConversation', { params, body: {} })
    expect(await codeOf(call(alice, 'sendMessage', { params, body: text('gone') }))).to.equal('NotFound')
    const demote = { params: carolIn, body: { role: 'member' } } as const
    expect(await codeOf(call(carol, 'changeRole', demote))).to.equal('LastAdmin')
  })

  it('are not left by the last admin without a successor', async () => {
    const { conversationId } = await groupOf(alice, bob)
    const params = { conversationId }
    expect(await codeOf(call(alice, 'leaveConversation', { params, body: {} }))).to.equal('LastAdmin')
    const { position } = (await call(alice, 'leaveConversation', { params, body: { successor: bob.userId } })).body
    expect(await view(bob, conversationId, position)).to.include({ role: 'admin' })
  })

  it('that are direct have no admins, titles or others', async () => {
    const body = { kind: 'direct', userId: dave.userId } as const
    const { conversationId } = (await call(alice, 'startConversation', { body })).body
    const params = { conversationId }
    expect(await codeOf(call(alice, 'changeDetails', { params, body: { title: 'x' } }))).to.equal('NotForDirect')
    expect(await codeOf(call(alice, 'addMembers', { params, body: { userIds: [bob.userId] } }))).to.equal(
      'NotForDirect',
    )
    expect(await codeOf(call(alice, 'leaveConversation', { params, body: {} }))).to.equal('NotForDirect')
  })

  it('of others answer as if there were none', async () => {
    const { conversationId, position: atLeast } = await groupOf(alice, bob)
    const { messageId } = await send(alice, conversationId, 'psst')
    const answers = async (id: string) => {
      const params = { conversationId: id }
      const message = { ...params, messageId }
      const member = { ...params, userId: bob.userId }
      return Promise.all(
        [
          call(dave, 'getConversation', { params, query: { atLeast } }),
          call(dave, 'listMembers', { params, query: { atLeast } }),
          call(dave, 'listMessages', { params, query: { atLeast } }),
          call(dave, 'listReceipts', { params, query: { atLeast } }),
          call(dave, 'listMessageReceipts', { params: message, query: { atLeast } }),
          call(dave, 'sendMessage', { params, body: text('hi') }),
          call(dave, 'editMessage', { params: message, body: { revision: 3, content: { kind: 'text', text: 'x' } } }),
          call(dave, 'deleteMessage', { params: message, query: { revision: 3 } }),
          call(dave, 'markRead', { params, body: { upTo: 1 } }),
          call(dave, 'changeDetails', { params, body: { title: 'x' } }),
          call(dave, 'addMembers', { params, body: { userIds: [dave.userId] } }),
          call(dave, 'changeRole', { params: member, body: { role: 'admin' } }),
          call(dave, 'removeMember', { params: member }),
          call(dave, 'leaveConversation', { params, body: {} }),
        ].map((request) =>
          request.then(
            () => 'accepted',
            (error: Error) => error.message,
          ),
        ),
      )
    }
    const forbidden = await answers(conversationId)
    expect(forbidden).to.deep.equal(await answers(newId()))
    for (const answer of forbidden) expect(answer).to.match(/^NotFound/)
  })

  it('are listed by activity, in pages', async () => {
    const erin = await anybody()
    const ids: string[] = []
    for (const title of ['one', 'two', 'three']) {
      const { conversationId } = (await call(erin, 'startConversation', { body: { kind: 'group', title } })).body
      ids.push(conversationId)
    }
    const { position } = await send(erin, ids[0] ?? '', 'newest')
    const page = async (cursor?: string) => {
      const query = { limit: 2, atLeast: position, ...(cursor !== undefined && { cursor }) }
      return (await call(erin, 'listInbox', { query })).body
    }
    const first = await page()
    expect(first.conversations.map(({ title }) => title)).to.deep.equal(['one', 'three'])
    expect(first.conversations[0]?.last).to.deep.include({ seq: 1, content: { kind: 'text', text: 'newest' } })
    expect(first.previous).to.equal(undefined)
    const second = await page(first.next)
    expect(second.conversations.map(({ title }) => title)).to.deep.equal(['two'])
    expect((await page(second.previous)).conversations).to.deep.equal(first.conversations)
  })
})

const text = (words: string) => ({ messageId: newId(), content: { kind: 'text', text: words } }) as const
