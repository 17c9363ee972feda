import { expect } from 'chai'
import { afterEach, describe, it } from 'mocha'
import { DomainError } from '../../../domain/errors.ts'
import { asAlice, ask, expectProblem, RENAME, rename, start, stop, USER } from './startApp.ts'

describe('HTTP refuses', () => {
  afterEach(stop)

  const cases: readonly {
    readonly what: string
    readonly path?: string
    readonly init: RequestInit
    readonly status: number
    readonly code: string
    readonly detail?: RegExp
  }[] = [
    {
      what: 'a field that is missing, by its name',
      init: asAlice('PATCH', {}),
      status: 400,
      code: 'InvalidRequest',
      detail: /^body\.title: /,
    },
    {
      what: 'an empty body',
      init: asAlice('PATCH'),
      status: 400,
      code: 'InvalidRequest',
      detail: /^body\.title: /,
    },
    { what: 'a body that is no object', init: asAlice('PATCH', '7'), status: 400, code: 'InvalidRequest' },
    { what: 'JSON that is none', init: asAlice('PATCH', '{"title"'), status: 400, code: 'InvalidRequest' },
    {
      what: 'a path that cannot be',
      path: '/v1/conversations/7',
      init: asAlice('PATCH', { title: 'x' }),
      status: 400,
      code: 'InvalidRequest',
      detail: /^path\.conversationId: /,
    },
    {
      what: 'a path that is badly encoded',
      path: '/v1/conversations/%zz',
      init: asAlice('PATCH', { title: 'x' }),
      status: 400,
      code: 'InvalidRequest',
    },
    {
      what: 'a parameter that is no number',
      path: `${RENAME}/messages?limit=many`,
      init: asAlice('GET'),
      status: 400,
      code: 'InvalidRequest',
      detail: /^query\.limit: /,
    },
    {
      what: 'a parameter that is given twice',
      path: `${RENAME}?atLeast=a&atLeast=b`,
      init: asAlice('GET'),
      status: 400,
      code: 'InvalidRequest',
      detail: /^query\.atLeast: /,
    },
    {
      what: 'a mutation without Idempotency-Key',
      init: asAlice('PATCH', { title: 'x' }, { 'idempotency-key': '' }),
      status: 400,
      code: 'InvalidRequest',
      detail: /^Idempotency-Key: /,
    },
    {
      what: 'an Idempotency-Key that is no UUIDv7',
      init: asAlice('PATCH', { title: 'x' }, { 'idempotency-key': USER }),
      status: 400,
      code: 'InvalidRequest',
      detail: /^Idempotency-Key: /,
    },
    {
      what: 'another media type',
      init: asAlice('PATCH', 'title=x', { 'content-type': 'application/x-www-form-urlencoded' }),
      status: 415,
      code: 'UnsupportedMediaType',
    },
    {
      what: 'another charset',
      init: asAlice('PATCH', { title: 'x' }, { 'content-type': 'application/json; charset=latin1' }),
      status: 415,
      code: 'UnsupportedMediaType',
    },
    {
      what: 'a body that is too large',
      init: asAlice('PATCH', { title: 'x'.repeat(2_000) }),
      status: 413,
      code: 'PayloadTooLarge',
    },
    {
      what: 'who does not say who they are',
      init: asAlice('PATCH', { title: 'x' }, { authorization: 'Basic YWxpY2U6' }),
      status: 401,
      code: 'NotAuthenticated',
    },
    {
      what: 'a token that has expired',
      init: asAlice('PATCH', { title: 'x' }, { authorization: 'Bearer bob' }),
      status: 401,
      code: 'TokenExpired',
    },
    { what: 'a path that is none', path: '/v1/nothing', init: asAlice('GET'), status: 404, code: 'NotFound' },
    { what: 'a page that is none', path: '/nothing', init: {}, status: 404, code: 'NotFound' },
    { what: 'another method', init: asAlice('PUT', {}), status: 405, code: 'MethodNotAllowed' },
  ]
  for (const { what, path = RENAME, init, status, code, detail } of cases)
    it(what, async () => {
      const { url } = await start(rename)
      const answer = await ask(url + path, init)
      expectProblem(answer, status, code)
      if (detail !== undefined) expect(answer.body.detail).to.match(detail)
    })

  it('and asks for authentication where that is what is missing', async () => {
    const { url } = await start(rename)
    const answer = await ask(url + RENAME, { method: 'PATCH' })
    expect(answer.headers.get('www-authenticate')).to.equal('Bearer')
  })

  it('what the domain refuses, and says when to try again', async () => {
    const { url } = await start({
      async changeDetails() {
        throw new DomainError('Busy', 'Too much waits; try again in a moment.')
      },
    })
    const answer = await ask(url + RENAME, asAlice('PATCH', { title: 'x' }))
    expectProblem(answer, 503, 'Busy')
    expect(answer.body.retryable).to.equal(true)
    expect(answer.headers.get('retry-after')).to.equal('1')
  })

  it('without a word of what failed inside', async () => {
    const { url, lines } = await start({
      async changeDetails() {
        throw new Error('secret')
      },
    })
    const answer = await ask(url + RENAME, asAlice('PATCH', { title: 'x' }))
    expectProblem(answer, 500, 'Internal')
    expect(JSON.stringify(answer.body)).to.not.include('secret')
    expect(lines.map((line) => 'message' in line && line.message)).to.deep.equal(['a request failed', 'request'])
  })
})
