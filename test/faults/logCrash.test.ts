import { spawn } from 'node:child_process'
import { once } from 'node:events'
import {
  appendFileSync,
  copyFileSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { expect } from 'chai'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, it } from 'mocha'
import type { AppendResult } from '../../domain/eventsourcing/eventStore.ts'
import type { EventId, StreamName } from '../../domain/ids.ts'
import { createEmbeddedEventStore } from '../../infra/embedded/eventStore.ts'
import { Database } from '../../infra/embedded/sqlite.ts'
import { eventStoreSteps, idsOf, newEvent, newEvents, newStream } from '../support/eventStoreSteps.ts'

const CHILD = fileURLToPath(new URL('../support/logCrashChild.ts', import.meta.url))

interface Acknowledged extends AppendResult {
  readonly stream: StreamName
  readonly ids: readonly EventId[]
}

/** Lets the child append until so much was acknowledged, kills it with -9, and gives all that was acknowledged. */
const killAfter = async (folder: string, count: number): Promise<Acknowledged[]> => {
  const child = spawn(process.execPath, ['--import', 'tsx', CHILD, 'load', folder], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const exited = once(child, 'exit')
  const acknowledged: Acknowledged[] = []
  for await (const line of createInterface(child.stdout)) {
    // The last line may be cut off: nobody has read it as an acknowledgement.
    if (!line.endsWith('}')) break
    acknowledged.push(JSON.parse(line))
    if (acknowledged.length === count) child.kill('SIGKILL')
  }
  expect(await exited).to.deep.equal([null, 'SIGKILL'])
  return acknowledged
}

const failed = (error: Error): never => {
  throw error
}

describe('The log after a crash', () => {
  let folder: string
  let file: string
  let store: ReturnType<typeof createEmbeddedEventStore>
  const open = (path = file): void => {
    store = createEmbeddedEventStore({ file: path, onFatal: failed })
  }
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'parley-crash-'))
    file = join(folder, 'log.sqlite')
  })
  afterEach(() => rmSync(folder, { recursive: true }))

  const { append, readAllFrom, readWhole } = eventStoreSteps(() => store)

  it('holds all that was acknowledged, and nothing torn, however often it is killed', async function () {
    this.timeout(60_000)
    const acknowledged: Acknowledged[] = []
    for (const kill of [1, 30, 200, 700]) {
      acknowledged.push(...(await killAfter(folder, kill + Math.floor(Math.random() * kill))))
      open()
      const byStream = new Map<StreamName, EventId[]>()
      const positions = new Map<EventId, string>()
      let before = ''
      for (const { stream, revision, id, position } of await readAllFrom('start')) {
        const ids = byStream.get(stream) ?? []
        expect(revision, 'revisions are dense').to.equal(ids.length)
        expect(position > before, 'positions ascend').to.equal(true)
        byStream.set(stream, [...ids, id])
        positions.set(id, position)
        before = position
      }
      expect(positions.size, 'ids are unique').to.equal([...byStream.values()].flat().length)
      for (const { stream, ids, firstRevision, lastRevision, position } of acknowledged) {
        expect(byStream.get(stream)?.slice(firstRevision, lastRevision + 1)).to.deep.equal(ids)
        expect(positions.get(ids.at(-1) as EventId)).to.equal(position)
      }
      await store.close()
    }
    const db = new Database(file)
    expect(db.pragma('integrity_check', { simple: true })).to.equal('ok')
    db.close()
  })

  it('makes durable what the dead had not synced before anybody reads it', async () => {
    await killAfter(folder, 5)
    expect(statSync(`${file}-wal`).size).to.be.greaterThan(0)
    open()
    expect(statSync(`${file}-wal`).size).to.equal(0)
    await store.close()
  })

  it('loses nothing acknowledged before the point where its write-ahead log is damaged', async () => {
    open()
    const stream = newStream()
    const events = newEvents(60)
    const ends: number[] = []
    for (const [n, event] of events.entries()) {
      await append(stream, [event, newEvent('x'.repeat(100 * n))], n === 0 ? 'noStream' : 2 * n - 1)
      ends.push(statSync(`${file}-wal`).size)
    }
    for (const suffix of ['', '-wal']) copyFileSync(file + suffix, `${file}.crashed${suffix}`)
    await store.close()

    const damages = {
      torn: (wal: string, at: number) => truncateSync(wal, at),
      'a flipped byte': (wal: string, at: number) => {
        const bytes = readFileSync(wal)
        bytes[at] = (bytes[at] as number) ^ 0x40
        writeSync(openSync(wal, 'r+'), bytes)
      },
      garbage: (wal: string, at: number) => {
        truncateSync(wal, at)
        appendFileSync(wal, Buffer.alloc(9_000, 0xa5))
      },
    } as const
    const kinds = Object.keys(damages) as (keyof typeof damages)[]
    const at = fc.integer({ min: 32, max: (ends.at(-1) as number) - 1 })
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...kinds), at, async (kind, offset) => {
        const copy = join(folder, 'copy.sqlite')
        for (const suffix of ['', '-wal']) copyFileSync(`${file}.crashed${suffix}`, copy + suffix)
        damages[kind](`${copy}-wal`, offset)
        open(copy)
        const found = await readWhole(stream)
        const kept = ends.filter((end) => end <= offset).length
        expect(found).to.have.length(2 * kept)
        const firsts = found.filter(({ revision }) => revision % 2 === 0)
        expect(idsOf(firsts)).to.deep.equal(idsOf(events.slice(0, kept)))
        await append(stream, newEvents(1), kept === 0 ? 'noStream' : 2 * kept - 1)
        await store.close()
      }),
      { numRuns: 25 },
    )
  })

  it('refuses what a full disk does not take, and goes on with what it takes', async () => {
    const limited = [
      '-c',
      'ulimit -f 2000 && exec "$0" "$@"',
      process.execPath,
      '--import',
      'tsx',
      CHILD,
      'full',
      folder,
    ]
    const child = spawn('sh', limited, { stdio: ['ignore', 'pipe', 'inherit'] })
    const { refusals, before, after, read } = JSON.parse(await text(child.stdout))
    expect(refusals).to.deep.equal(['Unavailable', 'Unavailable'])
    expect(before).to.be.greaterThan(3)
    expect(after).to.equal(before + 1)
    expect(read).to.equal(after + 1)
    open()
    expect(await readAllFrom('start')).to.have.length(read)
    await store.close()
  })

  it('ends with its process when a sync fails, without moving what may be lost into the database', async () => {
    const child = spawn(process.execPath, ['--import', 'tsx', CHILD, 'failing', folder], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    const exited = once(child, 'exit')
    const lines = (await text(child.stdout)).trim().split('\n')
    expect(await exited).to.deep.equal([70, null])
    expect(lines.slice(1).map((line) => JSON.parse(line).lastRevision)).to.deep.equal([1, 3, undefined])
    expect(JSON.parse(lines[3] as string)).to.deep.equal({ fatal: 'EIO' })
    const database = statSync(file).size
    expect(statSync(`${file}-wal`).size).to.be.greaterThan(database)
    open()
    expect((await readAllFrom('start')).length).to.be.at.least(4)
    await store.close()
  })
})
