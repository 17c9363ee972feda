import { expect } from 'chai'
import fc from 'fast-check'
import { describe, it } from 'mocha'
import { addRun, holds, missingIn, type Run, type Runs } from '../../../api/client/runs.ts'

const MAX = 40
const run: fc.Arbitrary<Run> = fc
  .tuple(fc.nat(MAX), fc.nat(6))
  .map(([from, length]) => ({ from, to: Math.min(MAX, from + length) }))

const numbersIn = ({ from, to }: Run): number[] => Array.from({ length: to - from + 1 }, (_, i) => from + i)
const add = (runs: readonly Run[]): Runs => runs.reduce<Runs>(addRun, [])

describe('Runs', () => {
  it('hold what was added, in any order, and nothing else', () => {
    fc.assert(
      fc.property(fc.array(run), (added) => {
        const runs = add(added)
        const numbers = new Set(added.flatMap(numbersIn))
        for (let number = 0; number <= MAX + 1; number++) expect(holds(runs, number)).to.equal(numbers.has(number))
      }),
    )
  })

  it('are as few as can be: ascending, disjoint, never adjacent', () => {
    fc.assert(
      fc.property(fc.array(run), (added) => {
        add(added).forEach(({ from, to }, at, runs) => {
          expect(from).to.be.at.most(to)
          if (at > 0) expect(from).to.be.above((runs[at - 1] as Run).to + 1)
        })
      }),
    )
  })

  it('tell what is missing of a range', () => {
    fc.assert(
      fc.property(fc.array(run), run, (added, range) => {
        const runs = add(added)
        const missing = missingIn(runs, range)
        expect(missing.flatMap(numbersIn)).to.deep.equal(numbersIn(range).filter((number) => !holds(runs, number)))
        expect(missingIn(add([...runs, ...missing]), range)).to.deep.equal([])
      }),
    )
  })
})
