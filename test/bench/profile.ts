// Shows where the processor time of a profile went: node --import tsx test/bench/profile.ts FILE.cpuprofile [LINES]
import { readFileSync } from 'node:fs'

interface Profile {
  readonly nodes: readonly {
    readonly id: number
    readonly callFrame: { readonly functionName: string; readonly url: string; readonly lineNumber: number }
    readonly children?: readonly number[]
  }[]
  readonly samples: readonly number[]
  readonly timeDeltas: readonly number[]
}

const [file = '', lines = '40'] = process.argv.slice(2)
const { nodes, samples, timeDeltas } = JSON.parse(readFileSync(file, 'utf8')) as Profile
const byId = new Map(nodes.map((node) => [node.id, node]))

const selfUs = new Map<number, number>()
for (const [i, id] of samples.entries()) selfUs.set(id, (selfUs.get(id) ?? 0) + (timeDeltas[i] ?? 0))

const parents = new Map(nodes.flatMap(({ id, children = [] }) => children.map((child) => [child, id] as const)))

/** What is not written in JavaScript has no place: it is named after its caller. */
const nameOf = (id: number): string => {
  const { functionName, url, lineNumber } = byId.get(id)?.callFrame ?? { functionName: '', url: '', lineNumber: 0 }
  const name = functionName || '(anonymous)'
  if (url !== '') return `${name} ${url.replace(/^.*\/(dist|node_modules)\//, '')}:${lineNumber + 1}`
  const caller = parents.get(id)
  return caller === undefined || name.startsWith('(') ? name : `${name} < ${nameOf(caller)}`
}
/** File or package that a frame's own time counts for. */
const moduleOf = (name: string): string =>
  /([^ ]+):\d+$/.exec(name)?.[1]?.replace(/^((?!api|commands|domain|infra|projections)(@[^/]+\/)?[^/]+)\/.*/, '$1') ??
  name

const waits = (name: string): boolean => /^\((idle|program|root)\)/.test(name)

const self = new Map<string, number>()
/** With all that it called; what calls itself counts once. */
const total = new Map<string, number>()
const modules = new Map<string, number>()
const add = (sums: Map<string, number>, name: string, us: number): void => {
  sums.set(name, (sums.get(name) ?? 0) + us)
}
for (const [id, us] of selfUs) {
  add(self, nameOf(id), us)
  add(modules, moduleOf(nameOf(id)), us)
  const callers = new Set<string>()
  for (let at: number | undefined = id; at !== undefined; at = parents.get(at)) callers.add(nameOf(at))
  for (const caller of callers) add(total, caller, us)
}

const busy = [...self].reduce((sum, [name, us]) => (/^\((idle|root)\)/.test(name) ? sum : sum + us), 0)
const print = (title: string, sums: ReadonlyMap<string, number>): void => {
  console.log(`\n${title}, of ${Math.round(busy / 1_000)} ms busy`)
  const shown = [...sums].filter(([name]) => !waits(name) || name.startsWith('(program)')).sort(([, a], [, b]) => b - a)
  for (const [name, us] of shown.slice(0, Number(lines)))
    console.log(`${((us * 100) / busy).toFixed(1).padStart(6)} %  ${name}`)
}
print('self', self)
print('with callees', total)
print('by file or package', modules)
