import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect } from 'chai'
import { afterEach, before, beforeEach, describe, it } from 'mocha'

const CHILD = fileURLToPath(new URL('../support/logCrashChild.ts', import.meta.url))
const CALLS = 'write,writev,pwrite64,pwritev,fdatasync,fsync'

interface Trace {
  /** Acknowledgements, and those of them that left while a write to the log was not synced. */
  readonly acknowledged: number
  readonly early: number
  /** Syncs of the log before the first acknowledgement and between each two. */
  readonly syncs: number
}

/**
 * Reads a trace: a call that takes long is two lines, `PID call(... <unfinished ...>` and `PID <... call resumed>`.
 * A sync covers the writes before it began, once it has ended well.
 */
const examine = (lines: readonly string[]): Trace => {
  const begun = new Map<string, number>()
  let written = 0
  let covered = 0
  let acknowledged = 0
  let early = 0
  let syncs = 0
  for (const line of lines) {
    const [, pid = '', call = ''] = /^(\d+) +(.*)$/.exec(line) ?? []
    const ofLog = /^\w+\(\d+<[^>]*log\.sqlite-wal>/.test(call)
    const isSync = /^(<\.\.\. )?f(data)?sync\b/.test(call)
    if (ofLog && !isSync) written++
    if (ofLog && isSync) begun.set(pid, written)
    if (isSync && call.endsWith('= 0') && begun.has(pid)) {
      covered = begun.get(pid) as number
      begun.delete(pid)
      syncs++
    }
    if (call.startsWith('write(1') && call.includes('lastRevision')) {
      acknowledged++
      if (covered < written) early++
    }
  }
  return { acknowledged, early, syncs }
}

describe('The log, by its system calls', () => {
  let folder: string
  before(function () {
    const probe = spawnSync('strace', ['-f', '-e', 'trace=write', 'true'])
    if (probe.status === 0) return
    process.stderr.write('SKIPPED: strace is not there or may not trace; install it to prove that logs are synced\n')
    this.skip()
  })
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'parley-trace-'))
  })
  afterEach(() => rmSync(folder, { recursive: true }))

  const trace = (job: string): Trace => {
    const output = join(folder, 'trace')
    const child = [process.execPath, '--import', 'tsx', CHILD, job, folder]
    const { status } = spawnSync('strace', ['-f', '-y', '-s', '200', '-e', `trace=${CALLS}`, '-o', output, ...child])
    expect(status).to.equal(0)
    const lines = readFileSync(output, 'utf8').split('\n')
    return examine(lines.slice(lines.findIndex((line) => line.includes('"\\"open\\"\\n"'))))
  }

  it('is synced after its last write and before each acknowledgement', () => {
    const { acknowledged, early, syncs } = trace('few')
    expect({ acknowledged, early }).to.deep.equal({ acknowledged: 6, early: 0 })
    // Those that wait together share one.
    expect(syncs).to.equal(4)
  })

  it('would be seen acknowledging too early if it did not sync', () => {
    expect(trace('unsynced')).to.deep.equal({ acknowledged: 6, early: 6, syncs: 0 })
  })
})
