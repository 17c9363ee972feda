import { expect } from 'chai'
import { before, describe, it } from 'mocha'
import { type Device, newId } from '../../../support/device.ts'
import { anybody, call, codeOf, groupOf, send } from './call.ts'

const words = (text: string) => ({ kind: 'text', text }) as const

describe('Messages over HTTP', () => {
  let alice: Device
  let bob: Device
  let carol: Device

  before(async () => {
    ;[alice, bob, carol] = (await Promise.all([anybody(), anybody(), anybody()])) as [Device, Device, Device]
  })

  type Query = NonNullable<Parameters<typeof call<'listMessages'>>[2]['query']>

  const read = async (device: Device, conversationId: string, query: Query) =>
    (await call(device, 'listMessages', { params: { conversationId }, query })).body

  const textsOf = ({ items }: Awaited<ReturnType<typeof read>>) =>
    items.flatMap((item) =>
      item.type === 'event' && item.eventType === 'MessageSent'
        ? [(item.data.content as { text?: string } | undefined)?.text ?? null]
        : [],
    )

  it('are sent once, whatever happens on the way', async () => {
    const { conversationId } = await groupOf(alice, bob)
    const messageId = newId()
    const answers = await Promise.all(Array.from({ length: 4 }, () => send(alice, conversationId, 'hello', messageId)))
    for (const { revision, seq } of answers) expect({ revision, seq }).to.deep.equal({ revision: 3, seq: 1 })
    expect(await codeOf(send(alice, conversationId, 'other', messageId))).to.equal('IdempotencyConflict')
    expect(await codeOf(send(alice, conversationId, ' '))).to.equal('ContentInvalid')
    expect(await codeOf(send(alice, conversationId, 'x'.repeat(70_000)))).to.equal('ContentTooLarge')
    expect(await codeOf(send(alice, conversationId, 'x'.repeat(140_000)))).to.equal('PayloadTooLarge')
  })

  it('answer others, and are there for those who ask with the position', async () => {
    const { conversationId } = await groupOf(alice, bob)
    const question = await send(alice, conversationId, 'when?')
    const replyTo = { messageId: question.messageId, revision: question.revision }
    const body = { messageId: newId(), content: words('at six'), replyTo }
    const { position } = (await call(bob, 'sendMessage', { params: { conversationId }, body })).body
    const page = await read(alice, conversationId, { atLeast: position, limit: 1 })
    expect(page.items).to.have.length(1)
    expect(page.items[0]).to.deep.include({
      type: 'event',
      stream: `conversation-${conversationId}`,
      revision: 4,
      eventType: 'MessageSent',
      actor: { userId: bob.userId, deviceId: bob.deviceId },
      data: { messageId: body.messageId, seq: 2, replyTo, content: words('at six') },
    })
    const unknown = { ...body, messageId: newId(), replyTo: { ...replyTo, revision: 0 } }
    expect(await codeOf(call(bob, 'sendMessage', { params: { conversationId }, body: unknown }))).to.equal('NotFound')
  })

  it('are edited by their author, and deleted for everyone', async () => {
    const { conversationId } = await groupOf(alice, bob)
    const { messageId, revision } = await send(bob, conversationId, 'helo')
    const params = { conversationId, messageId }
    const edit = { params, body: { revision, content: words('hello') } }
    expect(await codeOf(call(alice, 'editMessage', edit))).to.equal('NotAuthor')
    const edited = (await call(bob, 'editMessage', edit)).body
    expect(textsOf(await read(alice, conversationId, { atLeast: edited.position }))).to.deep.equal(['hello'])
    const wrong = { params, body: { revision: 0, content: words('x') } }
    expect(await codeOf(call(bob, 'editMessage', wrong))).to.equal('NotFound')

    const key = newId()
    const deleted = (await call(alice, 'deleteMessage', { params, query: { revision } }, key)).body
    const again = (await call(alice, 'deleteMessage', { params, query: { revision } }, key)).body
    expect(again.revision).to.equal(deleted.revision)
    const page = await read(bob, conversationId, { atLeast: deleted.position })
    expect(textsOf(page)).to.deep.equal([null])
    expect(JSON.stringify(page)).to.not.match(/hel+o/)
    expect(await codeOf(call(bob, 'editMessage', edit))).to.equal('MessageDeleted')
    const other = await send(alice, conversationId, 'mine')
    const notBobs = { params: { conversationId, messageId: other.messageId }, query: { revision: other.revision } }
    expect(await codeOf(call(bob, 'deleteMessage', notBobs))).to.equal('NotAuthor')
  })

  it('are read in pages that fit together in both directions', async () => {
    const { conversationId } = await groupOf(alice, bob)
    let atLeast = ''
    for (let i = 0; i < 10; i++) atLeast = (await send(alice, conversationId, `m${i}`)).position
    const revisionsOf = ({ items }: Awaited<ReturnType<typeof read>>) =>
      items.flatMap((item) => (item.type === 'event' ? [item.revision] : []))
    const walk = async (query: Query, towards: 'next' | 'previous') => {
      const seen: number[][] = []
      let page = await read(bob, conversationId, { ...query, atLeast, limit: 4 })
      for (;;) {
        seen.push(revisionsOf(page))
        const cursor = page[towards]
        if (cursor === undefined) return seen
        page = await read(bob, conversationId, { atLeast, limit: 4, cursor })
      }
    }
    expect(await walk({}, 'previous')).to.deep.equal([[9, 10, 11, 12], [5, 6, 7, 8], [1, 2, 3, 4], [0]])
    expect(await walk({ direction: 'forwards', from: 2 }, 'next')).to.deep.equal([
      [2, 3, 4, 5],
      [6, 7, 8, 9],
      [10, 11, 12],
    ])
    const middle = await read(bob, conversationId, { from: 6, atLeast, limit: 3 })
    expect(revisionsOf(middle)).to.deep.equal([4, 5, 6])
    expect(middle.lastRevision).to.equal(12)
    const after = await read(bob, conversationId, { cursor: middle.next, limit: 2 })
    expect(revisionsOf(after)).to.deep.equal([7, 8])
    expect(await read(bob, conversationId, { direction: 'forwards', from: 13 })).to.deep.include({ items: [] })
    expect(await codeOf(read(bob, conversationId, { cursor: 'nonsense' }))).to.equal('InvalidCursor')
  })

  it('are seen by members from the time they joined until they left', async () => {
    const { conversationId } = await groupOf(alice, bob)
    const params = { conversationId }
    await send(alice, conversationId, 'before')
    await call(alice, 'addMembers', { params, body: { userIds: [carol.userId] } })
    await send(alice, conversationId, 'during')
    await call(alice, 'removeMember', { params: { ...params, userId: carol.userId } })
    const { position: atLeast } = await send(alice, conversationId, 'after')
    const page = await read(carol, conversationId, { atLeast })
    expect(textsOf(page)).to.deep.equal(['during'])
    expect(page).to.include({ lastRevision: 6 }).and.not.have.any.keys('next', 'previous')
    const early = await read(carol, conversationId, { direction: 'forwards', from: 0 })
    expect(early.items[0]).to.include({ revision: 4 })

    const again = await call(alice, 'addMembers', { params, body: { userIds: [carol.userId] } })
    const whole = await read(carol, conversationId, { atLeast: again.body.position })
    expect(whole.items.map((item) => (item.type === 'void' ? `${item.from}-${item.to}` : item.revision))).to.deep.equal(
      [4, 5, 6, '7-7', 8],
    )
  })
})
