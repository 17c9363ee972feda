import { expect } from 'chai'
import { afterEach, beforeEach, describe, it } from 'mocha'
import { verifyLogin } from '../../../api/auth/deviceKey.ts'
import { type Authenticator, createAuthenticator, createLogin, type Login } from '../../../api/auth/login.ts'
import { createTokens, type Tokens } from '../../../api/auth/tokens.ts'
import type { DeviceId } from '../../../domain/ids.ts'
import { type Backend, openBackend } from '../../support/backend.ts'
import { linkDevice, newDeviceKey, type Person, registerPerson, revokeDevice } from '../../support/people.ts'
import { expectRefusal } from '../../support/refusal.ts'

const origin = 'https://chat.example'
const MINUTE = 60_000

describe('verifyLogin', () => {
  const key = newDeviceKey()
  const deviceId = 'de000000-0000-8000-8000-000000000001' as DeviceId
  const login = { origin, deviceId, nonce: 'n' }
  const signature = key.sign(login)

  it('accepts the signature of exactly this login', () => {
    expect(verifyLogin({ ...login, signature }, key.publicKey)).to.equal(true)
  })
  it('refuses it for another origin, device, nonce or key', () => {
    expect(verifyLogin({ ...login, origin: 'https://evil.example', signature }, key.publicKey)).to.equal(false)
    expect(verifyLogin({ ...login, deviceId: 'x' as DeviceId, signature }, key.publicKey)).to.equal(false)
    expect(verifyLogin({ ...login, nonce: 'm', signature }, key.publicKey)).to.equal(false)
    expect(verifyLogin({ ...login, signature }, newDeviceKey().publicKey)).to.equal(false)
  })
  it('refuses nonsense', () => {
    expect(verifyLogin({ ...login, signature: '' }, key.publicKey)).to.equal(false)
    expect(verifyLogin({ ...login, signature: 'A'.repeat(86) }, key.publicKey)).to.equal(false)
    expect(verifyLogin({ ...login, signature }, '')).to.equal(false)
    expect(verifyLogin({ ...login, signature }, 'A'.repeat(43))).to.equal(false)
  })
})

describe('Login', () => {
  let backend: Backend
  let tokens: Tokens
  let authenticator: Authenticator
  let login: Login
  let alice: Person

  beforeEach(async () => {
    backend = await openBackend()
    tokens = createTokens(backend, { key: new Uint8Array(32), issuer: 'parley' })
    authenticator = createAuthenticator({ ...backend, tokens }, { origins: [origin] })
    login = createLogin({ ...backend, authenticator, tokens })
    alice = await registerPerson(backend, 'alice')
  })
  afterEach(() => backend.close())

  const signed = ({ userId, deviceId, key }: Person, nonce: string, at = origin) => ({
    userId,
    deviceId,
    origin: at,
    nonce,
    signature: key.sign({ origin: at, deviceId, nonce }),
  })

  describe('by device key', () => {
    it('makes a session', async () => {
      const { userId, deviceId } = alice
      expect(await authenticator.byDeviceKey(signed(alice, 'n'))).to.deep.equal({
        userId,
        deviceId,
        expiresAt: backend.clock() + 15 * MINUTE,
      })
    })
    it('works at once for a device that was just linked', async () => {
      const laptop = await linkDevice(backend, alice)
      expect((await authenticator.byDeviceKey(signed(laptop, 'n'))).deviceId).to.equal(laptop.deviceId)
    })
    it('is refused under an origin that is not this server’s', async () => {
      await expectRefusal(authenticator.byDeviceKey(signed(alice, 'n', 'https://evil.example')), 'OriginNotAllowed')
    })
    it('is refused with another key', async () => {
      await expectRefusal(authenticator.byDeviceKey(signed({ ...alice, key: newDeviceKey() }, 'n')), 'InvalidSignature')
    })
    it('is refused in the name of somebody else', async () => {
      const bob = await registerPerson(backend, 'bob')
      await expectRefusal(authenticator.byDeviceKey(signed({ ...alice, userId: bob.userId }, 'n')), 'InvalidSignature')
    })
    it('tells a revoked device, but only the owner of its key', async () => {
      const laptop = await linkDevice(backend, alice)
      await revokeDevice(backend, laptop)
      await expectRefusal(authenticator.byDeviceKey(signed(laptop, 'n')), 'DeviceRevoked')
      await expectRefusal(
        authenticator.byDeviceKey(signed({ ...laptop, key: newDeviceKey() }, 'n')),
        'InvalidSignature',
      )
    })
  })

  describe('over HTTP', () => {
    it('gives tokens for a signed challenge', async () => {
      const { nonce, expiresAt } = await login.challenge(alice.deviceId)
      expect(expiresAt).to.equal(backend.clock() + 2 * MINUTE)
      const { accessToken } = await login.login(signed(alice, nonce))
      expect((await authenticator.byToken(accessToken)).userId).to.equal(alice.userId)
    })
    it('takes a challenge once', async () => {
      const { nonce } = await login.challenge(alice.deviceId)
      await login.login(signed(alice, nonce))
      await expectRefusal(login.login(signed(alice, nonce)), 'NotAuthenticated')
    })
    it('takes a challenge within two minutes', async () => {
      const { nonce } = await login.challenge(alice.deviceId)
      backend.advance(2 * MINUTE)
      await expectRefusal(login.login(signed(alice, nonce)), 'NotAuthenticated')
    })
    it('takes the challenge of this device only', async () => {
      const laptop = await linkDevice(backend, alice)
      const { nonce } = await login.challenge(alice.deviceId)
      await expectRefusal(login.login(signed(laptop, nonce)), 'NotAuthenticated')
    })
    it('takes no nonce that the client made', async () => {
      await expectRefusal(login.login(signed(alice, 'mine')), 'NotAuthenticated')
    })
  })
})
