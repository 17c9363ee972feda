import { expect } from 'chai'
import fc from 'fast-check'
import { describe, it } from 'mocha'
import { CommandWindow } from '../../commands/commandWindow.ts'
import type { CommandId } from '../../domain/ids.ts'

const CAPACITY = 1_024
const idOf = (n: number) => `01990000-0000-7000-8000-${String(n).padStart(12, '0')}` as CommandId
const filled = (count: number, from = 0): CommandWindow => {
  const window = new CommandWindow()
  for (let n = from; n < from + count; n++) window.add(idOf(n), n)
  return window
}

describe('CommandWindow', () => {
  it('remembers the last 1,024 commands, each with the revision of its first event', () => {
    const window = filled(CAPACITY)
    window.add(idOf(5), 9_999)
    expect(window.revisionOf(idOf(5))).to.equal(5)
    expect(window.revisionOf(idOf(0))).to.equal(0)
    expect(window.oldestRevision()).to.equal(0)
    window.add(idOf(CAPACITY), CAPACITY)
    expect(window.revisionOf(idOf(0))).to.equal(undefined)
    expect(window.revisionOf(idOf(1))).to.equal(1)
    expect(window.oldestRevision()).to.equal(1)
  })

  it('has no oldest revision while it is empty', () => {
    expect(new CommandWindow().oldestRevision()).to.equal(-1)
  })

  it('tells ids that it may have forgotten from those that were never seen', () => {
    const window = filled(CAPACITY)
    expect(window.mayHaveLeft(idOf(0))).to.equal(false)
    window.add(idOf(CAPACITY), CAPACITY)
    expect(window.mayHaveLeft(idOf(0))).to.equal(true)
    expect(window.mayHaveLeft(idOf(1))).to.equal(false)
  })

  it('keeps the newest id that ever left, whatever the order in which they came', () => {
    const window = new CommandWindow()
    window.add(idOf(7_000), 0)
    for (let n = 1; n < CAPACITY + 9; n++) window.add(idOf(n), n)
    expect(window.mayHaveLeft(idOf(7_000))).to.equal(true)
    expect(window.mayHaveLeft(idOf(7_001))).to.equal(false)
  })

  it('never takes for new what it was given before, and is the same after a snapshot at any moment', () => {
    const ids = fc.array(fc.nat(5_000), { minLength: 1_000, maxLength: 3_000, size: 'max' })
    fc.assert(
      fc.property(ids, fc.nat(2_999), (given, cut) => {
        let window = new CommandWindow()
        given.forEach((n, revision) => {
          if (revision === cut) window = CommandWindow.restore(JSON.parse(JSON.stringify(window.snapshot())))
          window.add(idOf(n), revision)
        })
        const uncut = new CommandWindow()
        given.forEach((n, revision) => void uncut.add(idOf(n), revision))
        expect(window.snapshot()).to.deep.equal(uncut.snapshot())
        for (const n of given)
          expect(window.revisionOf(idOf(n)) !== undefined || window.mayHaveLeft(idOf(n))).to.equal(true)
        expect(window.snapshot().ids.length).to.be.at.most(CAPACITY)
      }),
      { numRuns: 20 },
    )
  })
})
