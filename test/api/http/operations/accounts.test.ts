import { expect } from 'chai'
import { before, describe, it } from 'mocha'
import { eventually, newId } from '../../../support/device.ts'
import { newDeviceKey } from '../../../support/people.ts'
import type { ServerProcess } from '../../../support/serverProcess.ts'
import { anybody, call, codeOf, sharedServer } from './call.ts'

describe('Accounts over HTTP', () => {
  let server: ServerProcess
  let handle: string
  let address: string

  before(async () => {
    server = await sharedServer()
    handle = `h${newId().replaceAll('-', '').slice(-12)}`
    address = `${handle}@example.org`
  })

  /** The log comes by another way than the answer. */
  const codeFor = (sentTo: string): Promise<string> => eventually(() => server.codeFor(sentTo))
  const started = async (own: string = handle) => {
    const body = { handle: own, displayName: 'Hana', address: `${own}@example.org` }
    return (await call(undefined, 'startRegistration', { body })).body.registrationId
  }
  const register = (registrationId: string, code: string, publicKey = newDeviceKey().publicKey) =>
    call(undefined, 'registerAccount', { body: { registrationId, code, device: { name: 'Phone', publicKey } } })

  it('register with the code that was sent, and repeat it', async () => {
    const registrationId = await started()
    const { publicKey } = newDeviceKey()
    const first = await register(registrationId, await codeFor(address), publicKey)
    const again = await register(registrationId, await codeFor(address), publicKey)
    expect(first.status).to.equal(201)
    expect(again.body).to.deep.equal(first.body)
    expect(await codeOf(register(registrationId, await codeFor(address)))).to.equal('IdempotencyConflict')
  })

  it('are refused with another code', async () => {
    const own = `${handle}x`
    const registrationId = await started(own)
    const wrong = (await codeFor(`${own}@example.org`)) === '000000' ? '000001' : '000000'
    expect(await codeOf(register(registrationId, wrong))).to.equal('InvalidCode')
    expect(await codeOf(register('nothing', wrong))).to.equal('InvalidCode')
    expect(await codeOf(register(registrationId, 'abc'))).to.equal('InvalidRequest')
  })

  it('are refused with a handle that is taken, or is none', async () => {
    expect(await codeOf(started())).to.equal('HandleTaken')
    expect(await codeOf(started('7up'))).to.equal('InvalidRequest')
  })
})

describe('Sessions over HTTP', () => {
  it('begin with the device key, and are renewed once per token', async () => {
    const device = await anybody()
    const challenge = await call(undefined, 'createChallenge', { body: { deviceId: device.deviceId } })
    const { nonce } = challenge.body
    const body = { nonce, ...device.sign(nonce) }
    const session = await call(undefined, 'createSession', { body })
    expect(session.status).to.equal(201)
    expect(session.body).to.include({ userId: device.userId, deviceId: device.deviceId })
    expect(await codeOf(call(undefined, 'createSession', { body }))).to.equal('NotAuthenticated')

    const { refreshToken } = session.body
    const renewed = await call(undefined, 'refreshSession', { body: { refreshToken } })
    expect(await codeOf(call(undefined, 'refreshSession', { body: { refreshToken } }))).to.equal('NotAuthenticated')
    const rest = { body: { refreshToken: renewed.body.refreshToken } }
    expect(await codeOf(call(undefined, 'refreshSession', rest))).to.equal('NotAuthenticated')
  })

  it('are refused to other keys and origins', async () => {
    const device = await anybody()
    const fresh = async () =>
      (await call(undefined, 'createChallenge', { body: { deviceId: device.deviceId } })).body.nonce
    const nonce = await fresh()
    const signature = newDeviceKey().sign({ ...device.sign(nonce), nonce } as never)
    const forged = { nonce, ...device.sign(nonce), signature }
    expect(await codeOf(call(undefined, 'createSession', { body: forged }))).to.equal('InvalidSignature')
    const next = await fresh()
    const elsewhere = { nonce: next, ...device.sign(next), origin: 'https://evil.example' }
    expect(await codeOf(call(undefined, 'createSession', { body: elsewhere }))).to.equal('OriginNotAllowed')
  })
})

describe('Devices over HTTP', () => {
  it('are linked, listed, renamed and revoked', async () => {
    const phone = await anybody()
    const { token } = (await call(phone, 'createLinkToken', {})).body
    const { publicKey } = newDeviceKey()
    const body = { token, name: 'Laptop', publicKey }
    const linked = (await call(undefined, 'linkDevice', { body })).body
    expect((await call(undefined, 'linkDevice', { body })).body).to.deep.equal(linked)
    expect(linked.userId).to.equal(phone.userId)
    expect(await codeOf(call(undefined, 'linkDevice', { body: { ...body, ...newDeviceKey() } }))).to.equal(
      'InvalidLinkToken',
    )

    const params = { deviceId: linked.deviceId }
    const key = newId()
    const renamed = await call(phone, 'renameDevice', { params, body: { name: 'Desk' } }, key)
    const repeated = await call(phone, 'renameDevice', { params, body: { name: 'Desk' } }, key)
    expect(repeated.body.revision).to.equal(renamed.body.revision)
    expect(await codeOf(call(phone, 'renameDevice', { params, body: { name: 'Sofa' } }, key))).to.equal(
      'IdempotencyConflict',
    )
    const { devices } = (await call(phone, 'listDevices', {})).body
    expect(devices.map(({ deviceId, name, current }) => ({ deviceId, name, current }))).to.deep.equal([
      { deviceId: phone.deviceId, name: 'test device', current: true },
      { deviceId: linked.deviceId, name: 'Desk', current: false },
    ])

    await call(phone, 'revokeDevice', { params })
    expect((await call(phone, 'listDevices', {})).body.devices).to.have.length(1)
    expect(await codeOf(call(phone, 'renameDevice', { params, body: { name: 'x' } }))).to.equal('NotFound')
  })

  it('that were revoked are cut off at once', async () => {
    const phone = await anybody()
    const laptop = await phone.link()
    await call(laptop, 'getMe', {})
    await call(phone, 'revokeDevice', { params: { deviceId: laptop.deviceId } })
    expect(await codeOf(call(laptop, 'getMe', {}))).to.equal('DeviceRevoked')
  })

  it('cannot all be revoked, nor be more than allowed, nor be those of others', async () => {
    const phone = await anybody()
    const stranger = await anybody()
    const own = { params: { deviceId: phone.deviceId } }
    expect(await codeOf(call(phone, 'revokeDevice', own))).to.equal('LastDevice')
    expect(await codeOf(call(stranger, 'revokeDevice', own))).to.equal('NotFound')
    await phone.link()
    await phone.link()
    const { token } = (await call(phone, 'createLinkToken', {})).body
    const body = { token, name: 'One more', publicKey: newDeviceKey().publicKey }
    expect(await codeOf(call(undefined, 'linkDevice', { body }))).to.equal('Forbidden')
  })
})

describe('Idempotency-Key', () => {
  it('that lies in the future is refused', async () => {
    const phone = await anybody()
    const body = { displayName: 'Ines' }
    const ahead = (Date.now() + 3_600_000).toString(16).padStart(12, '0')
    const key = `${ahead.slice(0, 8)}-${ahead.slice(8)}${newId().slice(13)}`
    expect(await codeOf(call(phone, 'changeProfile', { body }, key))).to.equal('InvalidId')
  })
})
