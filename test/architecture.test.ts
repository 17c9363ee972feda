import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect } from 'chai'
import { cruise, type ICruiseResult, type IForbiddenRuleType, type IViolation } from 'dependency-cruiser'
import extractTSConfig from 'dependency-cruiser/config-utl/extract-ts-config'
import { before, describe, it } from 'mocha'

const FOLDERS = ['domain', 'commands', 'projections', 'api', 'infra', 'test']
const OURS = `^(${FOLDERS.join('|')})/`

const IDS_AND_ERRORS = '^domain/(ids|errors)\\.ts$'
const KERNEL = '^domain/((eventsourcing|content)/|(errors|ids|ports)\\.ts$)'
const EVENTS = '^domain/[^/]+/events\\.ts$'
const PORTS = '^((domain|commands|api)/ports|projections/(readModelStore|projection)|domain/eventsourcing/[^/]+)\\.ts$'
const PUBLIC_DOMAIN = '^domain/(?!.*/(decide|state)\\.ts$)'
const SHARED_API = '^api/((protocol|auth)/|[^/]+\\.ts$)'

interface Layer {
  readonly from: string
  readonly except?: string
  /** Modules of ours; `$1` is what the group of `from` matched. */
  readonly mayImport: readonly string[]
}

/** Who may import which of our modules; tests may import all. Every other module is in exactly one layer. */
const LAYERS: Readonly<Record<string, Layer>> = {
  'the kernel of the domain': { from: KERNEL, mayImport: [KERNEL] },
  'an aggregate': { from: '^domain/([^/]+)/', except: KERNEL, mayImport: [KERNEL, '^domain/$1/'] },
  commands: { from: '^commands/', mayImport: ['^commands/', '^domain/'] },
  projections: { from: '^projections/', mayImport: ['^projections/', KERNEL, EVENTS] },
  'api/protocol': { from: '^api/protocol/', mayImport: ['^api/protocol/', '^domain/content/', IDS_AND_ERRORS, EVENTS] },
  'api/client': {
    from: '^api/client/',
    mayImport: ['^api/(client|protocol)/', '^domain/content/', IDS_AND_ERRORS],
  },
  'api/web': { from: '^api/web/', mayImport: ['^api/(web|client|protocol)/', '^domain/content/', IDS_AND_ERRORS] },
  'the server side of api': {
    from: '^api/((?:auth|http|ws)/|[^/]+\\.ts$)',
    mayImport: ['^api/$1', SHARED_API, '^(commands|projections)/', PUBLIC_DOMAIN],
  },
  'api/cli': {
    from: '^api/cli/',
    mayImport: ['^api/(cli|client)/', '^infra/composition/', SHARED_API, '^(commands|projections)/', PUBLIC_DOMAIN],
  },
  'an adapter': { from: '^infra/([^/]+)/', except: '^infra/composition/', mayImport: ['^infra/$1/', PORTS, KERNEL] },
  'infra/composition': { from: '^infra/composition/', mayImport: ['^(domain|commands|projections|api|infra)/'] },
}

/** Where an npm package may be imported. One that is not listed has no home yet: give it one here. */
const PACKAGES: Readonly<Record<string, string>> = {
  'better-sqlite3(-node-api)?': '^(infra/embedded|api/client)/',
  commander: '^api/cli/',
  express: '^api/http/',
  helmet: '^api/http/',
  inversify: '^infra/composition/',
  jose: '^(api/(auth|client)|test)/',
  pino: '^infra/composition/',
  'prom-client': '^infra/prometheus/',
  'rate-limiter-flexible': '^(api/(auth|http|ws)|infra/embedded)/',
  rxjs: '^infra/embedded/',
  uqr: '^api/cli/',
  ws: '^(api/(ws|client)|test)/',
  zod: '^(api/(protocol|http|ws|cli)|infra/composition)/',
  'zod-openapi': '^api/protocol/',
  '(chai|mocha|fast-check|dependency-cruiser|esbuild|playwright-core|@asyncapi/parser)': '^test/',
}

/** Words that belong to one place, wherever they could also be written. */
const WORDS: Readonly<Record<string, { readonly word: RegExp; readonly within: RegExp; readonly home?: RegExp }>> = {
  'domain reads no clock and throws no dice': {
    word: /\bDate\.now\b|\bnew Date\(\)|\bMath\.random\b|\bcrypto\b|\bperformance\b/,
    within: /^domain\//,
  },
  'read models read no clock and throw no dice': {
    word: /\bDate\.now\b|\bnew Date\(\)|\bMath\.random\b/,
    within: /^projections\//,
    home: /^projections\/projector\.ts$/,
  },
  'timers of the write side live in scheduler.ts': {
    word: /\bset(Timeout|Interval)\b|node:timers/,
    within: /^commands\//,
    home: /^commands\/reactors\/scheduler\.ts$/,
  },
  'process.env is read in config.ts only': {
    word: /\bprocess\.env\b|\bprocess\[|import .*\benv\b.* from 'node:process'/,
    within: /^(domain|commands|projections|api|infra)\//,
    home: /^infra\/composition\/config\.ts$/,
  },
  'no decorators, no reflect-metadata': {
    word: /^\s*@[a-zA-Z]+\(|reflect-metadata/,
    within: /^(domain|commands|projections|api|infra)\//,
  },
}

const npmPath = (name: string): string => `node_modules/(@types/)?${name}/`

const onlyInside = (name: string, { from, except, mayImport }: Layer): IForbiddenRuleType => ({
  name: `${name} imports what its layer may`,
  severity: 'error',
  from: { path: from, ...(except === undefined ? {} : { pathNot: except }) },
  to: { path: OURS, pathNot: [...mayImport] },
})

const forbidden: readonly IForbiddenRuleType[] = [
  ...Object.entries(LAYERS).map(([name, layer]) => onlyInside(name, layer)),
  {
    name: 'api/protocol knows events as types only',
    severity: 'error',
    from: { path: '^api/protocol/' },
    to: { path: EVENTS, dependencyTypesNot: ['type-only'] },
  },
  {
    name: 'infra/composition is imported by api/cli and test only',
    severity: 'error',
    from: { pathNot: '^(api/cli|infra/composition|test)/' },
    to: { path: '^infra/composition/' },
  },
  {
    name: 'domain and api/protocol use nothing of Node',
    severity: 'error',
    // What writes the documents is no part of the contract that clients load.
    from: { path: '^(domain|api/protocol)/', pathNot: '^api/protocol/documents\\.ts$' },
    to: { dependencyTypes: ['core'] },
  },
  ...Object.entries(PACKAGES).map(
    ([name, home]): IForbiddenRuleType => ({
      name: `${name} stays at home`,
      severity: 'error',
      from: { pathNot: home },
      to: { path: npmPath(name) },
    }),
  ),
  {
    name: 'every package has a home',
    severity: 'error',
    from: {},
    to: { path: 'node_modules/', pathNot: Object.keys(PACKAGES).map(npmPath) },
  },
  { name: 'every import is found', severity: 'error', from: {}, to: { couldNotResolve: true } },
  { name: 'there are no cycles', severity: 'error', from: {}, to: { circular: true } },
  { name: 'there are no orphans', severity: 'error', from: { orphan: true }, to: {} },
]

const sources = FOLDERS.flatMap((folder) =>
  readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .map((file) => join(folder, file))
    .filter((file) => /\.m?[jt]s$/.test(file) && !/node_modules/.test(file)),
).sort()

const COMMENT = /^\s*(\/\/|\/?\*)/

describe('Architecture', () => {
  let modules: ICruiseResult['modules']
  let violations: readonly IViolation[]

  before(async function () {
    this.timeout(60_000)
    const { output } = await cruise(
      FOLDERS,
      {
        validate: true,
        ruleSet: { forbidden: [...forbidden] },
        tsPreCompilationDeps: true,
        doNotFollow: { path: 'node_modules' },
        moduleSystems: ['es6', 'cjs'],
        enhancedResolveOptions: { exportsFields: ['exports'], conditionNames: ['import', 'node', 'default', 'types'] },
      },
      {},
      { tsConfig: extractTSConfig('tsconfig.json') },
    )
    if (typeof output === 'string') throw new Error(output)
    modules = output.modules
    violations = output.summary.violations
  })

  it('sees every source file', () => {
    const seen = modules.map(({ source }) => source).filter((source) => new RegExp(OURS).test(source))
    expect(seen.sort()).to.deep.equal(sources)
  })

  it('puts every source file into one layer', () => {
    const layersOf = (file: string): number =>
      Object.values(LAYERS).filter(
        ({ from, except }) => new RegExp(from).test(file) && !(except !== undefined && new RegExp(except).test(file)),
      ).length
    expect(sources.filter((file) => !file.startsWith('test/') && layersOf(file) !== 1)).to.deep.equal([])
  })

  for (const { name } of forbidden)
    it(`holds: ${name}`, () => {
      const broken = violations.filter(({ rule }) => rule.name === name)
      expect(broken.map(({ from, to }) => `${from} -> ${to}`)).to.deep.equal([])
    })

  for (const [rule, { word, within, home }] of Object.entries(WORDS))
    it(`holds: ${rule}`, () => {
      const found = sources
        .filter((file) => within.test(file) && !home?.test(file))
        .flatMap((file) =>
          readFileSync(file, 'utf8')
            .split('\n')
            .flatMap((line, at) =>
              word.test(line) && !COMMENT.test(line) ? [`${file}:${at + 1} ${line.trim()}`] : [],
            ),
        )
      expect(found).to.deep.equal([])
    })
})
