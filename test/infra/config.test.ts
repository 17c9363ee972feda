import { readFileSync } from 'node:fs'
import { expect } from 'chai'
import { describe, it } from 'mocha'
import { DomainError } from '../../domain/errors.ts'
import { readConfig } from '../../infra/composition/config.ts'
import { settingsPage } from '../../infra/composition/settingsPage.ts'

const refusal = (environment: Record<string, string>): string => {
  try {
    readConfig({}, environment)
  } catch (error) {
    if (error instanceof DomainError) return error.message
    throw error
  }
  return 'accepted'
}

describe('Configuration', () => {
  it('has a default for everything', () => {
    expect(readConfig({}, {})).to.include({ host: '127.0.0.1', port: 8080, data: './data', maxGroupSize: 1_024 })
  })

  it('comes from the environment, beaten by flags', () => {
    const environment = { PARLEY_PORT: '9000', PARLEY_MAX_GROUP_SIZE: '50' }
    expect(readConfig({ port: '9001' }, environment)).to.include({ port: 9_001, maxGroupSize: 50 })
  })

  it('takes lists of origins', () => {
    const { allowedOrigins } = readConfig({}, { PARLEY_ALLOWED_ORIGINS: 'https://a.example, https://b.example' })
    expect(allowedOrigins).to.deep.equal(['https://a.example', 'https://b.example'])
  })

  it('takes an empty variable as none', () => {
    expect(readConfig({}, { PARLEY_PORT: '' }).port).to.equal(8_080)
  })

  for (const [name, value] of [
    ['PARLEY_PORT', '70000'],
    ['PARLEY_PORT', 'eighty'],
    ['PARLEY_EDIT_WINDOW_MS', '-1'],
    ['PARLEY_LOG_LEVEL', 'loud'],
    ['PARLEY_ALLOWED_ORIGINS', 'nonsense'],
    ['PARLEY_MAX_CONTENT_BYTES', '1.5'],
  ] as const)
    it(`names what is not valid: ${name}=${value}`, () => {
      expect(refusal({ [name]: value })).to.match(new RegExp(`^${name}: `))
    })

  it('needs both TLS files', () => {
    expect(refusal({ PARLEY_TLS_CERT: 'cert.pem' })).to.include('PARLEY_TLS_KEY')
  })

  it('is documented as it is (else: npm run docs)', () => {
    const committed = readFileSync(new URL('../../docs/configuration.md', import.meta.url), 'utf8')
    expect(committed).to.equal(settingsPage())
  })
})
