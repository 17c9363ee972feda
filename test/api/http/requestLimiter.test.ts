import { expect } from 'chai'
import { describe, it } from 'mocha'
import { createRequestLimiter, sourceOf } from '../../../api/http/requestLimiter.ts'

describe('RequestLimiter', () => {
  it('counts by key and says how long to wait', async () => {
    const limiter = createRequestLimiter(2)
    expect([await limiter.take('a'), await limiter.take('a'), await limiter.take('b')]).to.deep.equal([0, 0, 0])
    expect(await limiter.take('a')).to.be.within(1, 60_000)
  })
})

describe('sourceOf', () => {
  const cases: readonly (readonly [string, string])[] = [
    ['192.0.2.7', '192.0.2.7'],
    ['::ffff:192.0.2.7', '192.0.2.7'],
    ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2'],
    ['2001:db8:1:2::6', '2001:db8:1:2'],
    ['2001:db8::6', '2001:db8:0:0'],
    ['::1', '0:0:0:0'],
    ['fe80::', 'fe80:0:0:0'],
  ]
  for (const [address, source] of cases)
    it(`takes ${address} for ${source}`, () => {
      expect(sourceOf(address)).to.equal(source)
    })
})
