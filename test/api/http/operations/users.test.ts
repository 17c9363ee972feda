import { expect } from 'chai'
import { before, describe, it } from 'mocha'
import { type Device, newId } from '../../../support/device.ts'
import { anybody, call, codeOf, groupOf } from './call.ts'

describe('Users over HTTP', () => {
  let alice: Device
  let bob: Device
  let handle: string

  before(async () => {
    alice = await anybody()
    bob = await anybody()
    handle = (await call(bob, 'getMe', {})).body.handle
  })

  it('have a profile that they replace as a whole', async () => {
    await call(alice, 'changeProfile', { body: { displayName: 'Alice', about: 'On the road' } })
    expect((await call(alice, 'getMe', {})).body).to.include({ displayName: 'Alice', about: 'On the road' })
    const { position } = (await call(alice, 'changeProfile', { body: { displayName: 'Alice L.' } })).body
    expect((await call(alice, 'getMe', {})).body)
      .to.include({ displayName: 'Alice L.' })
      .and.not.have.property('about')
    const request = { params: { userId: alice.userId }, query: { atLeast: position } }
    expect((await call(bob, 'getUser', request)).body).to.deep.equal({
      userId: alice.userId,
      handle: (await call(alice, 'getMe', {})).body.handle,
      displayName: 'Alice L.',
    })
  })

  it('are found by their exact handle, however it is typed, and by their ids', async () => {
    const find = async (query: { handle?: string; userIds?: string }) =>
      (await call(alice, 'findUsers', { query })).body.users.map(({ userId }) => userId)
    expect(await find({ handle: ` ${handle.toUpperCase()} ` })).to.deep.equal([bob.userId])
    expect(await find({ handle: handle.slice(0, -1) })).to.deep.equal([])
    expect(await find({ handle: 'no handle' })).to.deep.equal([])
    const userIds = [alice.userId, bob.userId, newId()].join(',')
    expect(await find({ userIds })).to.have.members([alice.userId, bob.userId])
  })

  it('are not found without being asked for properly', async () => {
    const find = (query: object) => codeOf(call(alice, 'findUsers', { query }))
    expect(await find({})).to.equal('InvalidRequest')
    expect(await find({ handle, userIds: bob.userId })).to.equal('InvalidRequest')
    expect(await find({ userIds: 'bob' })).to.equal('InvalidRequest')
    expect(await codeOf(call(alice, 'getUser', { params: { userId: newId() } }))).to.equal('NotFound')
  })

  it('see of each other whether they are online when they share a conversation', async () => {
    const carol = await anybody()
    const dave = await anybody()
    const atLeast = (await groupOf(carol, dave)).position
    const seen = async () =>
      (await call(carol, 'getUser', { params: { userId: dave.userId }, query: { atLeast } })).body
    await dave.connect()
    expect(await seen())
      .to.deep.include({ online: true })
      .and.not.have.property('lastSeen')
    const stranger = await call(alice, 'getUser', { params: { userId: dave.userId } })
    expect(stranger.body).to.not.have.any.keys('online', 'lastSeen')

    await call(dave, 'changePrivacy', { body: { readReceipts: true, lastSeen: false } })
    const hidden = async (): Promise<void> => {
      if ('online' in (await seen())) return new Promise((again) => setTimeout(again, 20)).then(hidden)
    }
    await hidden()
    expect((await call(dave, 'getMe', {})).body.privacy).to.deep.equal({ readReceipts: true, lastSeen: false })
    dave.disconnect()
  })
})

describe('atLeast', () => {
  it('refuses positions of another log, and what is no position', async () => {
    const alice = await anybody()
    const at = (atLeast: string) => codeOf(call(alice, 'listInbox', { query: { atLeast } }))
    expect(await at('00000000-0000000000000001')).to.equal('InvalidCursor')
    expect(await at('soon')).to.equal('InvalidRequest')
  })

  it('says when a position is not reached in time', async () => {
    const alice = await anybody()
    const { position = '' } = (await call(alice, 'changeProfile', { body: { displayName: 'A' } })).body
    const beyond = position.slice(0, 9) + 'f'.repeat(position.length - 9)
    expect(await codeOf(call(alice, 'listInbox', { query: { atLeast: beyond } }))).to.equal('NotYet')
  })
})
