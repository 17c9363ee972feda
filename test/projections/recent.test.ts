import { expect } from 'chai'
import { describe, it } from 'mocha'
import { Recent } from '../../projections/recent.ts'

describe('Recent', () => {
  it('keeps what was used among the last', () => {
    const recent = new Recent<number>(10)
    for (let n = 0; n < 1_000; n++) {
      recent.set(`${n}`, n)
      expect(recent.get('0')).to.equal(0)
    }
    for (let n = 991; n < 1_000; n++) expect(recent.get(`${n}`)).to.equal(n)
  })

  it('forgets what was not', () => {
    const recent = new Recent<number>(10)
    for (let n = 0; n < 1_000; n++) recent.set(`${n}`, n)
    expect(
      Array.from({ length: 1_000 }, (_, n) => recent.get(`${n}`)).filter((n) => n !== undefined).length,
    ).to.be.within(10, 20)
  })

  it('gives the newest value', () => {
    const recent = new Recent<number>(2)
    for (const [key, value] of [
      ['a', 1],
      ['b', 1],
      ['c', 1],
      ['a', 2],
    ] as const)
      recent.set(key, value)
    expect(recent.get('a')).to.equal(2)
    recent.clear()
    expect(recent.get('a')).to.equal(undefined)
  })
})
