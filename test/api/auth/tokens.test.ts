import { expect } from 'chai'
import { decodeJwt, SignJWT } from 'jose'
import { afterEach, beforeEach, describe, it } from 'mocha'
import { createTokens, type Tokens } from '../../../api/auth/tokens.ts'
import { type Backend, openBackend } from '../../support/backend.ts'
import { linkDevice, type Person, registerPerson, revokeDevice } from '../../support/people.ts'
import { expectRefusal } from '../../support/refusal.ts'

const options = { key: new Uint8Array(32).fill(1), issuer: 'parley' }
const MINUTE = 60_000
const DAY = 86_400_000

describe('Tokens', () => {
  let backend: Backend
  let tokens: Tokens
  let alice: Person
  let laptop: Person

  beforeEach(async () => {
    backend = await openBackend()
    tokens = createTokens(backend, options)
    alice = await registerPerson(backend, 'alice')
    laptop = await linkDevice(backend, alice)
  })
  afterEach(() => backend.close())

  const issue = ({ userId, deviceId }: Person) => tokens.issue(userId, deviceId)

  describe('for access', () => {
    it('tell who acts, for 15 minutes', async () => {
      const { accessToken, expiresAt } = await issue(alice)
      const { userId, deviceId } = alice
      expect(await tokens.verify(accessToken)).to.deep.equal({ userId, deviceId, expiresAt })
      expect(expiresAt).to.equal(backend.clock() + 15 * MINUTE)
    })
    it('expire', async () => {
      const { accessToken } = await issue(alice)
      backend.advance(15 * MINUTE)
      await expectRefusal(tokens.verify(accessToken), 'TokenExpired')
    })
    it('are dead once their device is revoked', async () => {
      const { accessToken } = await issue(laptop)
      await tokens.verify(accessToken)
      await revokeDevice(backend, laptop)
      await expectRefusal(tokens.verify(accessToken), 'DeviceRevoked')
    })
    it('are refused when another key has signed them', async () => {
      const other = createTokens(backend, { ...options, key: new Uint8Array(32).fill(2) })
      const { accessToken } = await other.issue(alice.userId, alice.deviceId)
      await expectRefusal(tokens.verify(accessToken), 'NotAuthenticated')
    })
    it('are refused from another issuer', async () => {
      const other = createTokens(backend, { ...options, issuer: 'other' })
      const { accessToken } = await other.issue(alice.userId, alice.deviceId)
      await expectRefusal(tokens.verify(accessToken), 'NotAuthenticated')
    })
    it('are refused when they name a device that the account never had', async () => {
      const { accessToken } = await tokens.issue(alice.userId, laptop.userId as never)
      await expectRefusal(tokens.verify(accessToken), 'NotAuthenticated')
    })
    it('are refused without an end', async () => {
      const endless = await new SignJWT({ sub: alice.userId, did: alice.deviceId })
        .setProtectedHeader({ alg: 'HS256' })
        .setIssuer(options.issuer)
        .setAudience('access')
        .sign(options.key)
      await expectRefusal(tokens.verify(endless), 'NotAuthenticated')
    })
    it('are refused unsigned', async () => {
      const [, claims] = (await issue(alice)).accessToken.split('.')
      const header = Buffer.from('{"alg":"none"}').toString('base64url')
      await expectRefusal(tokens.verify(`${header}.${claims}.`), 'NotAuthenticated')
    })
    for (const nonsense of ['', 'x', 'a.b.c', '\0', 'e30.e30.e30']) {
      it(`are refused when they are none: ${JSON.stringify(nonsense)}`, async () => {
        await expectRefusal(tokens.verify(nonsense), 'NotAuthenticated')
      })
    }
    it('cannot be refresh tokens', async () => {
      await expectRefusal(tokens.verify((await issue(alice)).refreshToken), 'NotAuthenticated')
    })
  })

  describe('for refreshing', () => {
    it('give a new pair', async () => {
      const first = await issue(alice)
      backend.advance(20 * MINUTE)
      const second = await tokens.refresh(first.refreshToken)
      expect((await tokens.verify(second.accessToken)).userId).to.equal(alice.userId)
      expect(second.refreshToken).to.not.equal(first.refreshToken)
      await tokens.refresh(second.refreshToken)
    })
    it('are good for one use, and a second use ends the whole family', async () => {
      const first = await issue(alice)
      const second = await tokens.refresh(first.refreshToken)
      const third = await tokens.refresh(second.refreshToken)
      await expectRefusal(tokens.refresh(first.refreshToken), 'NotAuthenticated')
      await expectRefusal(tokens.refresh(third.refreshToken), 'NotAuthenticated')
    })
    it('leave other families alone', async () => {
      const first = await issue(alice)
      const other = await issue(alice)
      await tokens.refresh(first.refreshToken)
      await expectRefusal(tokens.refresh(first.refreshToken), 'NotAuthenticated')
      await tokens.refresh(other.refreshToken)
    })
    it('used twice at once end their family too', async () => {
      const { refreshToken } = await issue(alice)
      const outcomes = await Promise.allSettled([tokens.refresh(refreshToken), tokens.refresh(refreshToken)])
      const winners = outcomes.filter((outcome) => outcome.status === 'fulfilled')
      expect(winners.length).to.be.lessThan(2)
      for (const { value } of winners) await expectRefusal(tokens.refresh(value.refreshToken), 'NotAuthenticated')
    })
    it('expire after 30 days, counted from the last rotation', async () => {
      const first = await issue(alice)
      backend.advance(29 * DAY)
      const second = await tokens.refresh(first.refreshToken)
      backend.advance(29 * DAY)
      const third = await tokens.refresh(second.refreshToken)
      backend.advance(30 * DAY)
      await expectRefusal(tokens.refresh(third.refreshToken), 'TokenExpired')
    })
    it('are dead once their device is revoked', async () => {
      const { refreshToken } = await issue(laptop)
      await revokeDevice(backend, laptop)
      await expectRefusal(tokens.refresh(refreshToken), 'DeviceRevoked')
    })
    it('survive a restart', async () => {
      const { refreshToken } = await issue(alice)
      backend = await backend.restart()
      await createTokens(backend, options).refresh(refreshToken)
    })
    it('carry 256 random bits, and are nowhere stored as they are', async () => {
      const { refreshToken } = await issue(alice)
      expect(Buffer.from(String(decodeJwt(refreshToken).jti), 'base64url').length).to.equal(32)
      expect(await backend.expiring.get(`refresh/unused/${refreshToken}`)).to.equal(undefined)
    })
    it('cannot be access tokens', async () => {
      await expectRefusal(tokens.refresh((await issue(alice)).accessToken), 'NotAuthenticated')
    })
  })
})
