import { connect } from 'node:net'
import { expect } from 'chai'
import { afterEach, describe, it } from 'mocha'
import {
  asAlice,
  ask,
  CONVERSATION,
  DEVICE,
  expectProblem,
  KEY,
  RENAME,
  rename,
  start,
  stop,
  USER,
} from './startApp.ts'

describe('HTTP', () => {
  afterEach(stop)

  it('hands a handler what was validated, and who asks', async () => {
    let seen: unknown
    const { url } = await start({
      async changeDetails(input, caller) {
        seen = { input, caller }
        return { conversationId: CONVERSATION, revision: 7 }
      },
    })
    const answer = await ask(url + RENAME, asAlice('PATCH', { title: '  Hiking ', more: 1 }))
    expect(answer).to.deep.include({ status: 200, body: { conversationId: CONVERSATION, revision: 7 } })
    expect(answer.headers.get('cache-control')).to.equal('no-store')
    expect(seen).to.deep.equal({
      input: { params: { conversationId: CONVERSATION }, body: { title: 'Hiking' } },
      caller: {
        source: '127.0.0.1',
        session: { userId: USER, deviceId: DEVICE, expiresAt: 0 },
        commandId: KEY,
      },
    })
  })

  it('reads numbers in queries, with their defaults', async () => {
    const queries: unknown[] = []
    const { url } = await start({
      async listMessages({ query }) {
        queries.push(query)
        return { items: [], lastRevision: -1 }
      },
    })
    await ask(`${url}${RENAME}/messages?from=12&limit=5`, asAlice('GET'))
    await ask(`${url}${RENAME}/messages`, asAlice('GET'))
    expect(queries).to.deep.equal([
      { from: 12, limit: 5, direction: 'backwards' },
      { limit: 50, direction: 'backwards' },
    ])
  })

  it('answers 200 instead of 201 where nothing had to be created', async () => {
    let created = true
    const { url } = await start({
      startConversation: async () => ({ conversationId: CONVERSATION, revision: 0, created }),
    })
    const body = { kind: 'direct', userId: USER }
    expect(await ask(`${url}/v1/conversations`, asAlice('POST', body))).to.include({ status: 201 })
    created = false
    expect(await ask(`${url}/v1/conversations`, asAlice('POST', body))).to.include({ status: 200 })
  })

  it('answers without a body where there is none', async () => {
    const { url } = await start({ markRead: async () => undefined })
    const answer = await ask(`${url}${RENAME}/read`, asAlice('POST', { upTo: 3 }))
    expect(answer).to.deep.include({ status: 202, body: undefined })
  })

  it('answers HEAD like GET without the body, and OPTIONS with what there is', async () => {
    const { url } = await start({ listMembers: async () => ({ members: [] }) })
    const head = await ask(`${url}${RENAME}/members`, asAlice('HEAD'))
    expect(head).to.deep.include({ status: 200, body: undefined })
    const options = await ask(`${url}${RENAME}/members`, { method: 'OPTIONS' })
    expect(options.status).to.equal(204)
    expect(options.headers.get('allow')).to.equal('OPTIONS, GET, HEAD, POST')
  })

  it('lets web pages of listed origins in, and no others', async () => {
    const { url } = await start(rename)
    const preflight = { 'access-control-request-method': 'PATCH' }
    const listed = await ask(url + RENAME, {
      method: 'OPTIONS',
      headers: { ...preflight, origin: 'https://chat.example' },
    })
    expect(listed.status).to.equal(204)
    expect(listed.headers.get('access-control-allow-origin')).to.equal('https://chat.example')
    expect(listed.headers.get('access-control-allow-headers')).to.include('Idempotency-Key')
    const other = await ask(url + RENAME, {
      method: 'OPTIONS',
      headers: { ...preflight, origin: 'https://evil.example' },
    })
    expectProblem(other, 403, 'OriginNotAllowed')
    const request = await ask(url + RENAME, asAlice('PATCH', { title: 'x' }, { origin: 'https://evil.example' }))
    expect(request.headers.get('access-control-allow-origin')).to.equal(null)
  })

  it('limits the requests of an account', async () => {
    const { url } = await start(rename, { perMinute: 2 })
    const once = () => ask(url + RENAME, asAlice('PATCH', { title: 'x' }))
    expect([(await once()).status, (await once()).status]).to.deep.equal([200, 200])
    const limited = await once()
    expectProblem(limited, 429, 'RateLimited')
    expect(Number(limited.headers.get('retry-after'))).to.be.within(1, 60)
  })

  it('limits the requests of an address, whoever it says it is, but not the probes', async () => {
    const { url } = await start(rename, { perMinuteAndAddress: 1 })
    const from = (address: string) =>
      ask(url + RENAME, asAlice('PATCH', { title: 'x' }, { 'x-forwarded-for': address }))
    expect((await from('192.0.2.1')).status).to.equal(200)
    expectProblem(await from('192.0.2.2'), 429, 'RateLimited')
    expect((await ask(`${url}/healthz`)).status).to.equal(200)
  })

  it('believes the proxies it is told to trust', async () => {
    const { url } = await start(rename, { perMinuteAndAddress: 1, trustedProxies: 1 })
    const from = (address: string) =>
      ask(url + RENAME, asAlice('PATCH', { title: 'x' }, { 'x-forwarded-for': address }))
    expect((await from('192.0.2.1')).status).to.equal(200)
    expect((await from('192.0.2.2')).status).to.equal(200)
    expectProblem(await from('192.0.2.1'), 429, 'RateLimited')
  })

  it('logs which operation was asked for, and nothing of what was said', async () => {
    const { url, lines } = await start(rename)
    await ask(`${url}${RENAME}?handle=secret`, asAlice('PATCH', { title: 'secret' }))
    await ask(`${url}/v1/accounts`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: '{"code":"secret"}',
    })
    expect(lines.map((line) => ({ ...line, ms: 0 }))).to.deep.equal([
      {
        operation: 'changeDetails',
        method: 'PATCH',
        status: 200,
        code: undefined,
        userId: USER,
        ms: 0,
        message: 'request',
      },
      {
        operation: 'registerAccount',
        method: 'POST',
        status: 400,
        code: 'InvalidRequest',
        userId: undefined,
        ms: 0,
        message: 'request',
      },
    ])
  })

  it('measures requests by operation', async () => {
    const { url } = await start(rename)
    await ask(url + RENAME, asAlice('PATCH', { title: 'x' }))
    const response = await fetch(`${url}/metrics`)
    expect(response.headers.get('content-type')).to.match(/^text\/plain; version=0\.0\.4/)
    const page = await response.text()
    expect(page).to.match(/parley_http_requests_total\{operation="changeDetails",status="200"\} \d+/)
    expect(page).to.match(/parley_http_request_seconds_bucket\{le="5",operation="changeDetails"\} \d+/)
    expect(page).to.include('process_cpu_seconds_total')
  })

  it('says whether it is ready, and what for it waits', async () => {
    const reasons = ['read models are being loaded']
    const { url } = await start({}, { ready: () => reasons })
    expect(await ask(`${url}/readyz`)).to.deep.include({ status: 503, body: { status: 'notReady', reasons } })
    reasons.pop()
    expect(await ask(`${url}/readyz`)).to.deep.include({ status: 200, body: { status: 'ready', reasons: [] } })
    expect(await ask(`${url}/healthz`)).to.deep.include({ status: 200, body: { status: 'ok' } })
  })

  it('serves its documents, and a page of them that loads nothing from elsewhere', async () => {
    const { url } = await start({})
    expect((await ask(`${url}/openapi.json`)).body.openapi).to.equal('3.1.0')
    expect((await ask(`${url}/asyncapi.json`)).body.asyncapi).to.equal('3.0.0')
    const page = await fetch(`${url}/docs`)
    expect(page.headers.get('content-security-policy')).to.include("default-src 'self'").and.not.include('unsafe')
    const html = await page.text()
    expect(html).to.not.match(/(src|href)="(?!\/|#)/)
    expect(html).to.not.match(/<script|<style|style="/)
    expect(html).to.include('id="sendMessage"').and.include('id="client.hello"').and.include('id="LastAdmin"')
    const problem = await fetch(`${url}/problems/LastAdmin`, { redirect: 'manual' })
    expect(problem.headers.get('location')).to.equal('/docs#LastAdmin')
  })

  it('survives a client that leaves in the middle of a body', async () => {
    const { url, port, lines } = await start(rename)
    const socket = connect(port, '127.0.0.1')
    socket.write(`PATCH ${RENAME} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer alice\r\nIdempotency-Key: ${KEY}\r\n`)
    socket.write('Content-Type: application/json\r\nContent-Length: 100\r\n\r\n{"title":')
    await new Promise((sent) => setTimeout(sent, 50))
    socket.destroy()
    expect((await ask(url + RENAME, asAlice('PATCH', { title: 'x' }))).status).to.equal(200)
    expect(lines.filter((line) => 'error' in line)).to.deep.equal([])
  })
})
