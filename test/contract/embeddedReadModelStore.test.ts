import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { expect } from 'chai'
import { afterEach, beforeEach, describe, it } from 'mocha'
import { createEmbeddedReadModelStore } from '../../infra/embedded/readModelStore.ts'
import { Database } from '../../infra/embedded/sqlite.ts'
import type { ReadModelStore } from '../../projections/readModelStore.ts'
import { readModelStoreContract } from './readModelStore.contract.ts'
import { doc, standing } from './readModels.ts'

const CHILD = fileURLToPath(new URL('../support/readModelChild.ts', import.meta.url))
const MODEL = 'notes@1'
const INDEXES = [{ name: 'byTitle', fields: ['title'] }]

/** Runs the child until it has reported so many steps, kills it with -9, and gives the last step it reported. */
const killAfter = async (job: 'commits' | 'swaps', folder: string, steps: number): Promise<number> => {
  const child = spawn(process.execPath, ['--import', 'tsx', CHILD, job, folder], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const exited = once(child, 'exit')
  let last = 0
  let reported = 0
  for await (const line of createInterface(child.stdout)) {
    last = Number(line)
    reported++
    if (reported === steps) child.kill('SIGKILL')
  }
  expect(await exited).to.deep.equal([null, 'SIGKILL'])
  return last
}

describe('EmbeddedReadModelStore', () => {
  let folder: string
  let store: ReadModelStore & { close(): Promise<void> }
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'parley-models-'))
    store = createEmbeddedReadModelStore({ folder })
  })
  afterEach(async () => {
    await store.close()
    rmSync(folder, { recursive: true })
  })

  readModelStoreContract(async () => ({
    store,
    reopen: async () => {
      await store.close()
      store = createEmbeddedReadModelStore({ folder })
      return store
    },
    dispose: async () => undefined,
  }))

  /** Checkpoint and number of documents as another connection sees them: what a crash now would leave. */
  const durable = (): { position: string | undefined; documents: number } => {
    const other = new Database(join(folder, `${MODEL}.sqlite`), { readonly: true })
    try {
      return {
        position: other.prepare<[], string>('SELECT position FROM checkpoint').pluck().get(),
        documents: other.prepare<[], number>('SELECT count(*) FROM documents').pluck().get() ?? -1,
      }
    } finally {
      other.close()
    }
  }

  it('gathers commits, and makes them durable without being asked', async () => {
    await store.open(MODEL, INDEXES)
    await store.commit(MODEL, [doc('a', 1, { title: 'A' })], standing(1))
    await store.commit(MODEL, [doc('b', 2, { title: 'B' })], standing(2))
    expect(durable()).to.deep.equal({ position: undefined, documents: 0 })
    while (durable().documents === 0) await new Promise((resolve) => setTimeout(resolve, 20))
    expect(durable()).to.deep.equal({ position: standing(2).position, documents: 2 })
  })

  it('makes them durable when asked', async () => {
    await store.open(MODEL, INDEXES)
    await store.flush()
    await store.commit(MODEL, [doc('a', 1, { title: 'A' })], standing(1))
    await store.flush()
    expect(durable()).to.deep.equal({ position: standing(1).position, documents: 1 })
  })

  it('takes back all of a commit that fails, and nothing before it', async () => {
    const circular: Record<string, unknown> = {}
    circular.self = circular
    await store.open(MODEL, INDEXES)
    await store.commit(MODEL, [doc('a', 1, { title: 'A' })], standing(1))
    const failing = store.commit(MODEL, [doc('a', 2, { title: 'B' }), doc('b', 2, circular)], standing(2))
    expect(await failing.catch((error: unknown) => error)).to.be.instanceOf(TypeError)
    expect(await store.get(MODEL, ['a', 'b'])).to.deep.equal([doc('a', 1, { title: 'A' })])
  })

  it('keeps its write-ahead log short however much is written', async () => {
    await store.open(MODEL, INDEXES)
    const long = 'x'.repeat(20_000)
    for (let step = 1; step <= 100; step++) {
      const documents = Array.from({ length: 50 }, (_, n) => doc(`${step % 7}/${n}`, step, { title: `t${n}`, long }))
      await store.commit(MODEL, documents, standing(step))
      await store.flush()
    }
    const { size } = statSync(join(folder, `${MODEL}.sqlite-wal`))
    expect(size).to.be.lessThan(24 * 1024 * 1024)
  })

  for (const steps of [1, 7, 40]) {
    it(`holds exactly the documents of its checkpoint after kill -9 (${steps} flushes)`, async () => {
      const flushed = await killAfter('commits', folder, steps)
      await store.open(MODEL, INDEXES)
      const checkpoint = await store.checkpoint(MODEL)
      const reached = Number.parseInt(checkpoint?.position ?? '', 16)
      expect(reached).to.be.at.least(flushed)
      const documents = await store.scan(MODEL, undefined, 1_000_000)
      expect(documents).to.have.length(20 * reached)
      expect(new Set(documents.map(({ position }) => position)).size).to.equal(reached)
      expect(checkpoint).to.deep.equal({ ...standing(reached), eventId: `event-${reached}` })
    })

    it(`holds one whole model after kill -9 among swaps (${steps} swaps)`, async () => {
      const swapped = await killAfter('swaps', folder, steps)
      await store.open(MODEL, INDEXES)
      const reached = Number.parseInt((await store.checkpoint(MODEL))?.position ?? '', 16)
      expect(reached).to.be.within(swapped, swapped + 1)
      const titles = (await store.query(MODEL, { index: 'byTitle', limit: 99 })).map((found) => found.doc?.title)
      expect(titles).to.deep.equal(Array(20).fill(`t${reached}`))
    })
  }

  it('refuses, once a full disk took back what was visible, until it is opened again', async () => {
    const limited = [
      '-c',
      'ulimit -f 800 && exec "$0" "$@"',
      process.execPath,
      '--import',
      'tsx',
      CHILD,
      'full',
      folder,
    ]
    const child = spawn('sh', limited, { stdio: ['ignore', 'pipe', 'inherit'] })
    const { refusals, checkpoint, documents } = JSON.parse(await text(child.stdout))
    expect(refusals).to.deep.equal([
      'Unavailable: Look at the disk of the read models.',
      `Unavailable: Open ${MODEL} and go on from its checkpoint.`,
      `Unavailable: Open ${MODEL} and go on from its checkpoint.`,
    ])
    const reached = Number.parseInt(checkpoint.position, 16)
    expect(reached).to.be.greaterThan(1)
    expect(documents).to.equal(20 * reached)
  })
})
