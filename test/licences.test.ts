import { readFileSync } from 'node:fs'
import { expect } from 'chai'
import { describe, it } from 'mocha'

interface Locked {
  readonly license?: string
  readonly dev?: boolean
  readonly link?: boolean
}

/** Everything that ships with the product may be used, changed and passed on without opening what is built around it. */
const PERMITTED = /\b(MIT|Apache-2\.0|ISC|BSD-2-Clause|BSD-3-Clause|0BSD|BlueOak-1\.0\.0)\b/

describe('Licences', () => {
  it('of all packages that ship are permissive', () => {
    const { packages } = JSON.parse(readFileSync('package-lock.json', 'utf8')) as { packages: Record<string, Locked> }
    const shipped = Object.entries(packages).filter(([, { dev, link }]) => dev !== true && link !== true)
    const refused = shipped.filter(
      ([, { license = '' }]) => !license.split(' AND ').every((part) => PERMITTED.test(part)),
    )
    expect(shipped).to.have.length.above(50)
    expect(refused.map(([path, { license }]) => `${path}: ${license}`)).to.deep.equal([])
  })
})
