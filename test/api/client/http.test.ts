import { expect } from 'chai'
import { describe, it } from 'mocha'
import { createHttp } from '../../../api/client/http.ts'
import { systemTimers } from '../../../api/client/timers.ts'
import { OPERATIONS } from '../../../api/protocol/operations.ts'
import { failureOf } from './failure.ts'

interface Asked {
  readonly method: string
  readonly url: string
  readonly headers: Headers
  readonly body: unknown
}

/** Answers one after the other; an error stands for a network that failed. */
const httpWith = (answers: readonly (Response | Error)[], token?: (renew: boolean) => Promise<string>) => {
  const asked: Asked[] = []
  const pauses: number[] = []
  let ids = 0
  const http = createHttp({
    url: 'https://chat.example',
    fetch: async (input, init) => {
      const body = init?.body
      const headers = new Headers(init?.headers)
      asked.push({ method: String(init?.method), url: String(input), headers, body: body && JSON.parse(String(body)) })
      const answer = answers[asked.length - 1] ?? new Error('no answer left')
      if (answer instanceof Error) throw answer
      return answer
    },
    timers: {
      ...systemTimers,
      random: () => 0.5,
      pause: async (ms) => {
        pauses.push(ms)
      },
    },
    newId: () => `id-${++ids}`,
    ...(token && { token }),
  })
  return { http, asked, pauses }
}

const problem = (status: number, code: string) =>
  new Response(JSON.stringify({ code, detail: 'Do this.', status }), { status })
const answer = (body: object) => new Response(JSON.stringify(body), { status: 200 })

const conversationId = '01890000-0000-8000-8000-000000000004'
const RENAME = { params: { conversationId }, body: { title: 'Ünïcode' } }

describe('Http', () => {
  it('sends parameters, query, body, token and an idempotency key where they belong', async () => {
    const { http, asked } = httpWith([answer({ revision: 1, conversationId }), answer({})], async () => 'secret')
    await http.call('changeDetails', RENAME)
    await http.call('listMessages', { params: { conversationId }, query: { from: 3, direction: 'forwards' } })
    expect(asked.map(({ method, url }) => `${method} ${url}`)).to.deep.equal([
      `PATCH https://chat.example/v1/conversations/${conversationId}`,
      `GET https://chat.example/v1/conversations/${conversationId}/messages?from=3&direction=forwards`,
    ])
    expect(asked[0]?.body).to.deep.equal({ title: 'Ünïcode' })
    expect(asked[0]?.headers.get('authorization')).to.equal('Bearer secret')
    expect(asked[0]?.headers.get('idempotency-key')).to.equal('id-1')
    expect(asked[1]?.headers.has('idempotency-key')).to.equal(false)
  })

  it('repeats with the same key what failed for a passing reason', async () => {
    const { http, asked, pauses } = httpWith([
      new TypeError('cut off'),
      problem(503, 'Busy'),
      new Response('<html>', { status: 502 }),
      answer({ revision: 7, conversationId }),
    ])
    expect(await http.call('changeDetails', RENAME)).to.include({ revision: 7 })
    expect(asked.map(({ headers }) => headers.get('idempotency-key'))).to.deep.equal(Array(4).fill('id-1'))
    expect(pauses).to.have.length(3)
  })

  it('gives up in the end', async () => {
    const { http, asked } = httpWith(Array(9).fill(new TypeError('cut off')))
    expect(await failureOf(http.call('changeDetails', RENAME))).to.include({ code: 'Unreachable', retryable: true })
    expect(asked).to.have.length(4)
  })

  it('does not repeat refusals, nor when it was asked too often', async () => {
    for (const [status, code] of [
      [409, 'NotForDirect'],
      [429, 'RateLimited'],
    ] as const) {
      const { http, asked } = httpWith([problem(status, code)])
      expect(await failureOf(http.call('changeDetails', RENAME))).to.include({ code, message: 'Do this.' })
      expect(asked).to.have.length(1)
    }
  })

  it('does not repeat what would have a second effect', async () => {
    const body = { handle: 'alice', displayName: 'Alice', address: 'alice@example.org' }
    const { http, asked } = httpWith([new TypeError('cut off'), answer({})])
    expect(await failureOf(http.call('startRegistration', { body }))).to.include({ code: 'Unreachable' })
    expect(asked).to.have.length(1)
  })

  it('asks once for another token when the server says that it has expired', async () => {
    const renewals: boolean[] = []
    const token = async (renew: boolean) => {
      renewals.push(renew)
      return renew ? 'new' : 'old'
    }
    const { http, asked } = httpWith([problem(401, 'TokenExpired'), problem(401, 'TokenExpired')], token)
    expect(await failureOf(http.call('getMe', {}))).to.include({ code: 'TokenExpired' })
    expect(renewals).to.deep.equal([false, true])
    expect(asked.map(({ headers }) => headers.get('authorization'))).to.deep.equal(['Bearer old', 'Bearer new'])
  })

  it('ends with the reason of the signal', async () => {
    const { http } = httpWith([new TypeError('cut off')])
    const reason = new Error('enough')
    expect(await failureOf(http.call('getMe', {}, { signal: AbortSignal.abort(reason) }))).to.equal(reason)
  })

  it('has the method and path of every operation of the protocol', async () => {
    for (const [name, { method, path }] of Object.entries(OPERATIONS)) {
      const { http, asked } = httpWith([answer({})])
      const params = Object.fromEntries([...path.matchAll(/\{(\w+)\}/g)].map(([, key]) => [key, `{${key}}`]))
      await http.call(name as keyof typeof OPERATIONS, { params } as never)
      expect(asked[0]?.method).to.equal(method)
      expect(decodeURIComponent(new URL(asked[0]?.url ?? '').pathname)).to.equal(path)
    }
  })
})
