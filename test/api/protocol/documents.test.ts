import { readFileSync } from 'node:fs'
import { Parser } from '@asyncapi/parser'
import { expect } from 'chai'
import { describe, it } from 'mocha'
import { CLIENT_FRAMES } from '../../../api/protocol/clientFrames.ts'
import { asyncApiDocument, generatedFiles, openApiDocument } from '../../../api/protocol/documents.ts'
import { OPERATIONS } from '../../../api/protocol/operations.ts'
import { SERVER_FRAMES } from '../../../api/protocol/serverFrames.ts'
import { ERROR_CODES } from '../../../domain/errors.ts'

interface OpenApi {
  readonly paths: Record<
    string,
    Record<
      string,
      {
        readonly operationId: string
        readonly parameters?: { readonly in: string; readonly name: string }[]
        readonly responses: Record<string, unknown>
      }
    >
  >
}

const operations = Object.entries((openApiDocument() as OpenApi).paths).flatMap(([path, methods]) =>
  Object.entries(methods).map(([method, operation]) => ({ path, method, ...operation })),
)

describe('Documents of the protocol', () => {
  for (const [name, text] of Object.entries(generatedFiles()))
    it(`are committed as they are generated: ${name} (else: npm run docs)`, () => {
      const committed = readFileSync(new URL(`../../../docs/protocol/${name}`, import.meta.url), 'utf8')
      expect(committed).to.equal(text)
    })

  it('have every operation of the table, each once', () => {
    const described = operations.map(({ operationId, method, path }) => `${operationId} ${method} ${path}`)
    const expected = Object.entries(OPERATIONS).map(
      ([name, { method, path }]) => `${name} ${method.toLowerCase()} ${path}`,
    )
    expect(described).to.have.members(expected)
  })

  it('describe every parameter in a path', () => {
    for (const { path, parameters = [] } of operations) {
      const named = parameters.filter((parameter) => parameter.in === 'path').map(({ name }) => name)
      expect(named, path).to.have.members([...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name))
    }
  })

  it('lead to no schema that is missing, and leave none empty that has a meaning', () => {
    const text = JSON.stringify(openApiDocument())
    expect(new Set(text.match(/"\$ref":"[^"]+"/g))).to.deep.equal(new Set(['"$ref":"#/components/schemas/Problem"']))
    expect(text).to.include('"UserId"').and.not.include('"schema":{}')
  })

  it('are a valid AsyncAPI document with every frame of both sides', async () => {
    const { document, diagnostics } = await new Parser().parse(JSON.stringify(asyncApiDocument()))
    expect(diagnostics.filter(({ severity }) => severity === 0)).to.deep.equal([])
    const messages = document?.messages().all() ?? []
    expect(messages.map((message) => message.id())).to.have.members([
      ...Object.keys(CLIENT_FRAMES).map((type) => `client.${type}`),
      ...Object.keys(SERVER_FRAMES).map((type) => `server.${type}`),
    ])
  })

  it('tell of every error code', () => {
    const page = generatedFiles()['errors.md'] ?? ''
    for (const code of ERROR_CODES) expect(page).to.include(`| \`${code}\` |`)
  })
})
