/** Numbers from `from` to `to`, both included. */
export interface Run {
  readonly from: number
  readonly to: number
}

/** Ascending, disjoint, never adjacent. */
export type Runs = readonly Run[]

export const holds = (runs: Runs, number: number): boolean =>
  runs.some(({ from, to }) => from <= number && number <= to)

export const addRun = (runs: Runs, added: Run): Runs => {
  const last = runs.at(-1)
  // By far the most frequent case: the next one of what is held already.
  if (last !== undefined && added.from === last.to + 1) return [...runs.slice(0, -1), { from: last.from, to: added.to }]
  const before = runs.filter(({ to }) => to < added.from - 1)
  const after = runs.filter(({ from }) => from > added.to + 1)
  const touched = runs.slice(before.length, runs.length - after.length)
  const from = Math.min(added.from, touched[0]?.from ?? added.from)
  const to = Math.max(added.to, touched.at(-1)?.to ?? added.to)
  return [...before, { from, to }, ...after]
}

/** What is missing within `from` to `to`, ascending. */
export const missingIn = (runs: Runs, { from, to }: Run): Runs => {
  const missing: Run[] = []
  let next = from
  for (const run of runs) {
    if (run.to < next) continue
    if (run.from > to) break
    if (run.from > next) missing.push({ from: next, to: run.from - 1 })
    next = run.to + 1
  }
  if (next <= to) missing.push({ from: next, to })
  return missing
}
