import { cpus, release, totalmem } from 'node:os'

/** What one round measured, by `subject: measure`. */
export type Numbers = Record<string, number>

/** Puts measures under the name of their subject. */
export const note = (numbers: Numbers, subject: string, measured: Numbers): void => {
  for (const [measure, value] of Object.entries(measured)) numbers[`${subject}: ${measure}`] = value
}

interface Goal {
  readonly text: string
  readonly limit: readonly ['at least' | 'at most', number]
  /** Of the numbers of one round; NaN where they were not measured. */
  readonly value: (of: (name: string) => number) => number
}

const ratio =
  (name: string, to: string): Goal['value'] =>
  (of) =>
    of(name) / of(to)

const GOALS: readonly Goal[] = [
  ...(
    [
      [100, 0.45, 2.5],
      [1_600, 0.75, 2],
    ] as const
  ).flatMap(([underWay, rate, p99]): Goal[] => [
    {
      text: `W1 at ${underWay}: messages/s, of the relay that syncs`,
      limit: ['at least', rate],
      value: ratio(`W1 at ${underWay}, parley: messages/s`, `W1 at ${underWay}, relay+sync: messages/s`),
    },
    {
      text: `W1 at ${underWay}: p99, of the relay that syncs`,
      limit: ['at most', p99],
      value: ratio(`W1 at ${underWay}, parley: p99 ms`, `W1 at ${underWay}, relay+sync: p99 ms`),
    },
  ]),
  {
    text: 'W2: deliveries/s, of the relay that syncs',
    limit: ['at least', 1.3],
    value: ratio('W2, parley: deliveries/s', 'W2, relay+sync: deliveries/s'),
  },
  { text: 'W3: KiB a connection', limit: ['at most', 15], value: (of) => of('W3, parley: KiB/connection') },
  {
    text: 'W4: messages/s, of W1 at 1,600 of the relay that syncs',
    limit: ['at least', 1],
    value: ratio('W4, parley: messages/s', 'W1 at 1600, relay+sync: messages/s'),
  },
  {
    text: "W5: logins/s, of the relay's bare connects/s",
    limit: ['at least', 0.4],
    value: ratio('W5, parley: logins/s', 'W5, relay: connects/s'),
  },
  {
    text: 'W6: events/s, of reading and parsing alone',
    limit: ['at least', 0.4],
    value: ratio('W6, parley: events/s', 'W6, reading alone: events/s'),
  },
  {
    text: 'W6: memory growth while rebuilding, MiB',
    limit: ['at most', 64],
    value: (of) => of('W6, parley: MiB more'),
  },
  { text: 'W7: start on the large log, s', limit: ['at most', 2], value: (of) => of('W7, parley: s') },
  {
    text: 'group size: CPU of a message among 1,024, of one among 2',
    limit: ['at most', 1.25],
    value: ratio('group of 1024, parley: cpu ms/1,000', 'group of 2, parley: cpu ms/1,000'),
  },
  {
    text: 'log size: CPU of a message on the large log, of one on the small',
    limit: ['at most', 1.25],
    value: ratio('large log, parley: cpu ms/1,000', 'small log, parley: cpu ms/1,000'),
  },
]

export interface Report {
  readonly machine: string
  readonly command: string
  readonly at: string
  readonly rounds: readonly Numbers[]
  readonly medians: Numbers
  readonly goals: readonly { readonly goal: string; readonly value: number; readonly reached: boolean }[]
}

export const makeReport = (rounds: readonly Numbers[], command: string): Report => {
  const names = [...new Set(rounds.flatMap((round) => Object.keys(round)))]
  const medians = Object.fromEntries(names.map((name) => [name, median(rounds.map((round) => round[name]))]))
  const goals = GOALS.map(({ text, limit: [sense, limit], value }) => {
    const reached = median(rounds.map((round) => value((name) => round[name] ?? medians[name] ?? Number.NaN)))
    return {
      goal: `${text}: ${sense} ${limit}`,
      value: reached,
      reached: sense === 'at least' ? reached >= limit : reached <= limit,
    }
  }).filter(({ value }) => !Number.isNaN(value))
  const machine = `${cpus().length} x ${cpus()[0]?.model}, ${Math.round(totalmem() / 2 ** 30)} GiB, Linux ${release()}, Node ${process.version}`
  return { machine, command, at: new Date().toISOString(), rounds, medians, goals }
}

const median = (values: readonly (number | undefined)[]): number => {
  const sorted = values
    .filter((value) => value !== undefined && !Number.isNaN(value))
    .sort((a, b) => Number(a) - Number(b))
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN
}

/** As Markdown: what was measured, then how it compares. */
export const formatReport = ({ machine, command, at, rounds, medians, goals }: Report): string => {
  const subjects = new Map<string, string[]>()
  for (const [name, value] of Object.entries(medians)) {
    const [subject = '', measure = ''] = name.split(': ')
    subjects.set(subject, [...(subjects.get(subject) ?? []), `${shown(value)} ${measure}`])
  }
  const bound = rounds.flatMap((round) => Object.keys(round).filter((name) => isBound(name, round)))
  return [
    `${machine}; ${at}; \`${command}\`; medians of ${rounds.length}`,
    '',
    '| measured | |',
    '|---|---|',
    ...[...subjects].map(([subject, measures]) => `| ${subject} | ${measures.join(', ')} |`),
    '',
    '| goal | measured | |',
    '|---|---|---|',
    ...goals.map(
      ({ goal, value, reached }) => `| ${goal} | ${shown(value)} | ${reached ? 'reached' : '**not yet**'} |`,
    ),
    '',
    ...[...new Set(bound)].map((name) => `The load was the bottleneck, so this is too low: ${name.split(':')[0]}\n`),
  ].join('\n')
}

/** Part of its core beyond which the load would measure itself. */
const LOAD_LIMIT = 0.9
const isBound = (name: string, round: Numbers): boolean =>
  name.endsWith(': load cpu') && (round[name] ?? 0) > LOAD_LIMIT

const shown = (value: number): string =>
  value >= 100 ? Math.round(value).toLocaleString('en') : value.toPrecision(3).replace(/\.?0+$/, '')
