import { expect } from 'chai'
import { afterEach, beforeEach, describe, it } from 'mocha'
import { hashHandle, normaliseHandle } from '../../../api/auth/handleHash.ts'
import { createRegistration, type Registration } from '../../../api/auth/registration.ts'
import type { CodeSender } from '../../../api/ports.ts'
import { activeDevice } from '../../../domain/account/state.ts'
import { accountStream, handleStream, type UserId } from '../../../domain/ids.ts'
import { type Backend, openBackend } from '../../support/backend.ts'
import { newDeviceKey } from '../../support/people.ts'
import { expectRefusal } from '../../support/refusal.ts'

const handleKey = new Uint8Array(32).fill(7)
const MINUTE = 60_000
const request = { handle: 'Alice', displayName: 'Alice A.', address: 'alice@example.org', source: '192.0.2.1' }
const device = { name: 'Phone', publicKey: newDeviceKey().publicKey }

describe('normaliseHandle', () => {
  it('ignores case and space around', () => {
    expect(normaliseHandle(' Alice_1.x ')).to.equal('alice_1.x')
  })
  for (const typed of ['', 'ab', '1abc', '_abc', 'a b c', 'älice', 'a'.repeat(33), 'abc\n.', 'a-b-c']) {
    it(`knows what cannot be one: ${JSON.stringify(typed)}`, () => {
      expect(normaliseHandle(typed)).to.equal(undefined)
    })
  }
})

describe('Registration', () => {
  let backend: Backend
  let registration: Registration
  let sent: { address: string; code: string }[]

  const openRegistration = () => {
    const codes: CodeSender = { send: async (address, code) => void sent.push({ address, code }) }
    return createRegistration({ ...backend, codes }, { handleKey, maxStartsPerAddress: 3, maxStartsPerSource: 4 })
  }
  beforeEach(async () => {
    backend = await openBackend()
    sent = []
    registration = openRegistration()
  })
  afterEach(() => backend.close())

  const start = async (changes: Partial<typeof request> = {}) => {
    const { registrationId } = await registration.start({ ...request, ...changes })
    return { registrationId, code: sent.at(-1)?.code ?? '' }
  }
  const wrong = (code: string) => String((Number(code) + 1) % 1_000_000).padStart(6, '0')

  it('sends a code of six digits to the address', async () => {
    const { expiresAt } = await registration.start(request)
    expect(sent).to.have.length(1)
    expect(sent[0]?.address).to.equal('alice@example.org')
    expect(sent[0]?.code).to.match(/^[0-9]{6}$/)
    expect(expiresAt).to.equal(backend.clock() + 10 * MINUTE)
  })
  it('makes an account with its handle and first device', async () => {
    const { userId, deviceId } = await registration.complete({ ...(await start()), device })
    const handleHash = hashHandle(handleKey, 'alice')
    expect(await backend.eventsOf(accountStream(userId))).to.deep.equal([
      {
        type: 'AccountRegistered',
        data: { userId, handleHash, details: { handle: 'alice', displayName: 'Alice A.' } },
      },
      { type: 'DeviceLinked', data: { deviceId, publicKey: device.publicKey, details: { name: 'Phone' } } },
    ])
    expect(await backend.eventsOf(handleStream(handleHash))).to.deep.equal([
      { type: 'HandleReserved', data: { userId, until: new Date(backend.clock() + 10 * MINUTE).toISOString() } },
      { type: 'HandleClaimed', data: { userId } },
    ])
  })
  it('gives the same answer and changes nothing when the answer got lost', async () => {
    const started = await start()
    const first = await registration.complete({ ...started, device })
    backend = await backend.restart()
    registration = openRegistration()
    expect(await registration.complete({ ...started, device })).to.deep.equal(first)
    expect(await backend.eventsOf(accountStream(first.userId))).to.have.length(2)
    expect(await backend.eventsOf(handleStream(hashHandle(handleKey, 'alice')))).to.have.length(2)
  })
  it('is completed by one key', async () => {
    const started = await start()
    const { userId, deviceId } = await registration.complete({ ...started, device })
    await expectRefusal(
      registration.complete({ ...started, device: { name: 'Phone', publicKey: newDeviceKey().publicKey } }),
      'IdempotencyConflict',
    )
    expect(activeDevice(await backend.dispatch.account(userId), deviceId)?.publicKey).to.equal(device.publicKey)
  })

  describe('code', () => {
    it('is needed', async () => {
      const { registrationId, code } = await start()
      await expectRefusal(registration.complete({ registrationId, code: wrong(code), device }), 'InvalidCode')
      await registration.complete({ registrationId, code, device })
    })
    it('is that of this registration', async () => {
      const [first, second] = [await start(), await start({ handle: 'bob' })]
      const code = first.code === second.code ? wrong(second.code) : first.code
      await expectRefusal(registration.complete({ registrationId: second.registrationId, code, device }), 'InvalidCode')
    })
    it('may be tried five times, then the right one does not help any more', async () => {
      const { registrationId, code } = await start()
      for (let attempt = 1; attempt <= 5; attempt++)
        await expectRefusal(registration.complete({ registrationId, code: wrong(code), device }), 'InvalidCode')
      await expectRefusal(registration.complete({ registrationId, code, device }), 'InvalidCode')
    })
    it('may be tried five times also when all tries come at once', async () => {
      const { registrationId, code } = await start()
      const tries = Array.from({ length: 5 }, () =>
        expectRefusal(registration.complete({ registrationId, code: wrong(code), device }), 'InvalidCode'),
      )
      await Promise.all([
        ...tries,
        expectRefusal(registration.complete({ registrationId, code, device }), 'InvalidCode'),
      ])
    })
    it('is void after ten minutes', async () => {
      const started = await start()
      backend.advance(10 * MINUTE)
      await expectRefusal(registration.complete({ ...started, device }), 'InvalidCode')
    })
    it('is of no use for a registration that was never started', async () => {
      await expectRefusal(
        registration.complete({ registrationId: backend.newId(), code: '000000', device }),
        'InvalidCode',
      )
    })
  })

  describe('start', () => {
    it('is refused for what cannot be a handle', async () => {
      await expectRefusal(registration.start({ ...request, handle: 'a!' }), 'InvalidRequest')
      expect(sent).to.deep.equal([])
    })
    it('is refused when the handle is taken, however it is typed', async () => {
      await registration.complete({ ...(await start()), device })
      await expectRefusal(registration.start({ ...request, handle: 'ALICE', address: 'b@example.org' }), 'HandleTaken')
    })
    it('is limited per address', async () => {
      for (let n = 0; n < 3; n++)
        await start({ source: `192.0.2.${n}`, address: n === 1 ? ' ALICE@example.org' : request.address })
      await expectRefusal(registration.start({ ...request, source: '192.0.2.9' }), 'RateLimited')
      backend.advance(60 * MINUTE)
      await start({ source: '192.0.2.9' })
    })
    it('is limited per source', async () => {
      for (let n = 0; n < 4; n++) await start({ address: `${n}@example.org` })
      await expectRefusal(registration.start({ ...request, address: '9@example.org' }), 'RateLimited')
      await start({ address: '9@example.org', source: '192.0.2.2' })
    })
  })

  it('of two for one handle, one gets it', async () => {
    const [first, second] = [await start(), await start({ address: 'b@example.org' })]
    const outcomes = await Promise.allSettled(
      [first, second].map((started) => registration.complete({ ...started, device })),
    )
    const users = outcomes.flatMap((outcome) => (outcome.status === 'fulfilled' ? [outcome.value.userId] : []))
    expect(users).to.have.length(1)
    const claimedBy = (await backend.dispatch.handle(hashHandle(handleKey, 'alice'))).claimedBy
    expect(claimedBy).to.equal(users[0] as UserId)
  })
  it('takes Ed25519 keys only', async () => {
    await expectRefusal(
      registration.complete({ ...(await start()), device: { name: 'Phone', publicKey: 'short' } }),
      'InvalidRequest',
    )
  })
})
