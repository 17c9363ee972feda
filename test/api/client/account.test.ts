import { expect } from 'chai'
import { after, before, describe, it } from 'mocha'
import { completeRegistration, linkDevice, loadIdentity, startRegistration } from '../../../api/client/account.ts'
import { createHttp, type Http } from '../../../api/client/http.ts'
import { createNewId } from '../../../api/client/newId.ts'
import { createTokens } from '../../../api/client/session.ts'
import type { ClientStorage } from '../../../api/client/storage/clientStorage.ts'
import { openMemoryStorage } from '../../../api/client/storage/memory.ts'
import { systemTimers } from '../../../api/client/timers.ts'
import { eventually } from '../../support/device.ts'
import { ServerProcess } from '../../support/serverProcess.ts'
import { failureOf } from './failure.ts'

/** Signing up and in, against the real server. */
describe('The account of a client', () => {
  let server: ServerProcess
  before(async () => {
    server = await ServerProcess.start()
  })
  after(() => server.dispose())

  const newId = createNewId()
  let people = 0

  const register = async (storage: ClientStorage, request: typeof fetch = fetch) => {
    const handle = `person${people++}`
    const address = `${handle}@example.org`
    const options = { url: server.url, storage, fetch: request }
    const { registrationId } = await startRegistration(options, { handle, displayName: 'A person', address })
    const code = await eventually(() => server.codeFor(address))
    const complete = () => completeRegistration(options, { registrationId, code, deviceName: 'laptop' })
    return { handle, complete }
  }

  const logIn = async (storage: ClientStorage, request: typeof fetch = fetch): Promise<Http> => {
    const deps = { url: server.url, fetch: request, timers: systemTimers, newId }
    const identity = await loadIdentity(storage)
    const token = createTokens({ http: createHttp(deps), identity, origin: server.url, now: Date.now })
    return createHttp({ ...deps, token })
  }

  it('begins with a registration, whose device then signs in with its key', async () => {
    const storage = await openMemoryStorage()
    const { handle, complete } = await register(storage)
    const identity = await complete()
    expect(await loadIdentity(storage)).to.deep.equal(identity)
    const http = await logIn(storage)
    expect(await http.call('getMe', {})).to.include({ userId: identity.userId, handle })
    const { devices } = await http.call('listDevices', {})
    expect(devices).to.have.length(1)
    expect(devices[0]).to.include({ deviceId: identity.deviceId, name: 'laptop', current: true })
  })

  it('is the same one when the answer to the registration got lost', async () => {
    const storage = await openMemoryStorage()
    let lost: { userId: string } | undefined
    const { complete } = await register(storage, async (input, init) => {
      const response = await fetch(input, init)
      if (!String(input).endsWith('/v1/accounts') || lost !== undefined) return response
      lost = (await response.json()) as { userId: string }
      throw new TypeError('cut off')
    })
    expect((await complete()).userId).to.equal(lost?.userId)
  })

  it('gets further devices by a token, which can be renamed and revoked', async () => {
    const first = await openMemoryStorage()
    const { userId } = await (await register(first)).complete()
    const http = await logIn(first)
    const { token } = await http.call('createLinkToken', {})
    const second = await openMemoryStorage()
    const linked = await linkDevice({ url: server.url, storage: second }, { token, deviceName: 'phone' })
    expect(linked.userId).to.equal(userId)
    const elsewhere = await logIn(second)
    expect(await elsewhere.call('getMe', {})).to.include({ userId })

    const params = { deviceId: linked.deviceId }
    const { position } = await http.call('renameDevice', { params, body: { name: 'old phone' } })
    expect(position).to.be.a('string')
    await http.call('revokeDevice', { params })
    expect(await failureOf(elsewhere.call('getMe', {}))).to.include({ code: 'DeviceRevoked', retryable: false })
    expect(await failureOf((await logIn(second)).call('getMe', {}))).to.include({ code: 'DeviceRevoked' })
  })

  it('is refused where the storage belongs to a device already, and asked for where it belongs to none', async () => {
    const storage = await openMemoryStorage()
    expect(await failureOf(loadIdentity(storage))).to.include({ code: 'NotSignedIn' })
    const { complete } = await register(storage)
    await complete()
    expect(await failureOf(complete())).to.include({ code: 'AlreadySignedIn' })
  })

  it('shows the refusals of the server', async () => {
    const storage = await openMemoryStorage()
    const { complete } = await register(storage)
    await complete()
    const other = await openMemoryStorage()
    const options = { url: server.url, storage: other }
    const account = { handle: `person${people - 1}`, displayName: 'Another', address: 'another@example.org' }
    expect(await failureOf(startRegistration(options, account))).to.include({
      name: 'ClientError',
      code: 'HandleTaken',
      retryable: false,
    })
  })

  it('signs in once for callers that come together', async () => {
    const storage = await openMemoryStorage()
    await (await register(storage)).complete()
    let logins = 0
    const http = await logIn(storage, (input, init) => {
      if (String(input).endsWith('/v1/sessions')) logins++
      return fetch(input, init)
    })
    await Promise.all([http.call('getMe', {}), http.call('listDevices', {}), http.call('listInbox', {})])
    expect(logins).to.equal(1)
  })

  it('signs in again when its token is refused', async () => {
    const storage = await openMemoryStorage()
    await (await register(storage)).complete()
    let refusals = 1
    const http = await logIn(storage, async (input, init) => {
      const asksMe = String(input).endsWith('/v1/users/me')
      if (!asksMe || refusals-- <= 0) return fetch(input, init)
      return new Response(JSON.stringify({ code: 'TokenExpired', detail: 'Sign in again.' }), { status: 401 })
    })
    expect(await http.call('getMe', {})).to.have.property('userId')
  })
})
