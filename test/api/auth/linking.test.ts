import { expect } from 'chai'
import { afterEach, beforeEach, describe, it } from 'mocha'
import { createLinking, type Linking } from '../../../api/auth/linking.ts'
import { activeDevice } from '../../../domain/account/state.ts'
import { accountStream } from '../../../domain/ids.ts'
import { type Backend, openBackend } from '../../support/backend.ts'
import { linkDevice, newDeviceKey, type Person, registerPerson, revokeDevice } from '../../support/people.ts'
import { expectRefusal } from '../../support/refusal.ts'

describe('Linking', () => {
  let backend: Backend
  let linking: Linking
  let alice: Person
  const { publicKey } = newDeviceKey()

  beforeEach(async () => {
    backend = await openBackend()
    linking = createLinking(backend)
    alice = await registerPerson(backend, 'alice')
  })
  afterEach(() => backend.close())

  const tokenOf = async ({ userId, deviceId }: Person) =>
    (await linking.createLinkToken({ userId, deviceId, expiresAt: 0 })).token

  it('brings a further device into the account', async () => {
    const { userId, deviceId } = await linking.redeem({ token: await tokenOf(alice), name: 'Laptop', publicKey })
    expect(userId).to.equal(alice.userId)
    expect(activeDevice(await backend.dispatch.account(userId), deviceId)).to.include({ publicKey, name: 'Laptop' })
  })
  it('gives the same answer and no second device when the answer got lost', async () => {
    const token = await tokenOf(alice)
    const first = await linking.redeem({ token, name: 'Laptop', publicKey })
    expect(await linking.redeem({ token, name: 'Laptop', publicKey })).to.deep.equal(first)
    expect(await backend.eventsOf(accountStream(alice.userId))).to.have.length(3)
  })
  it('links one device per token', async () => {
    const token = await tokenOf(alice)
    await linking.redeem({ token, name: 'Laptop', publicKey })
    await expectRefusal(
      linking.redeem({ token, name: 'Laptop', publicKey: newDeviceKey().publicKey }),
      'InvalidLinkToken',
    )
  })
  it('links one device per token also when two redeem it at once', async () => {
    const token = await tokenOf(alice)
    const outcomes = await Promise.allSettled(
      [newDeviceKey(), newDeviceKey()].map((key) => linking.redeem({ token, name: 'X', publicKey: key.publicKey })),
    )
    expect(outcomes.filter(({ status }) => status === 'fulfilled')).to.have.length(1)
  })
  it('takes a token within five minutes', async () => {
    const token = await tokenOf(alice)
    backend.advance(5 * 60_000)
    await expectRefusal(linking.redeem({ token, name: 'Laptop', publicKey }), 'InvalidLinkToken')
  })
  it('takes no token that was made up', async () => {
    await expectRefusal(linking.redeem({ token: 'x', name: 'Laptop', publicKey }), 'InvalidLinkToken')
  })
  it('takes no token of a device that was revoked since', async () => {
    const laptop = await linkDevice(backend, alice)
    const token = await tokenOf(laptop)
    await revokeDevice(backend, laptop)
    await expectRefusal(linking.redeem({ token, name: 'Tablet', publicKey }), 'InvalidLinkToken')
  })
  it('is refused when the account has too many devices', async () => {
    await linkDevice(backend, alice)
    await linkDevice(backend, alice)
    await expectRefusal(linking.redeem({ token: await tokenOf(alice), name: 'X', publicKey }), 'Forbidden')
  })
  it('takes Ed25519 keys only', async () => {
    await expectRefusal(
      linking.redeem({ token: await tokenOf(alice), name: 'X', publicKey: 'short' }),
      'InvalidRequest',
    )
  })
})
