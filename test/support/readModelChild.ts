import type { EventId, Position } from '../../domain/ids.ts'
import { createEmbeddedReadModelStore } from '../../infra/embedded/readModelStore.ts'
import type { Checkpoint, StoredDoc } from '../../projections/readModelStore.ts'

/** Run as a process to be killed: `readModelChild.ts commits|swaps|full FOLDER`; one line of output per step done. */

const INDEXES = [{ name: 'byTitle', fields: ['title'] }]
const LIVE = 'notes@1'

const at = (position: number): Position => position.toString(16).padStart(16, '0') as Position
const standing = (position: number): Checkpoint => ({
  position: at(position),
  eventId: `event-${position}` as EventId,
  incarnation: 'aaaaaaaa',
})
const documents = (prefix: string, step: number): StoredDoc[] =>
  Array.from({ length: 20 }, (_, n) => ({ key: `${prefix}${n}`, position: at(step), doc: { title: `t${step}` } }))

const [job, folder = ''] = process.argv.slice(2)
const store = createEmbeddedReadModelStore({ folder, durableWithinMs: 5 })
const report = (text: string): boolean => process.stdout.write(`${text}\n`)
await store.open(LIVE, INDEXES)

/** Documents `1/*` to `N/*` belong to checkpoint N. */
const commitForEver = async (): Promise<void> => {
  for (let step = 1; ; step++) {
    await store.commit(LIVE, documents(`${step}/`, step), standing(step))
    if (step % 10 === 0) {
      await store.flush()
      report(`${step}`)
    }
    await new Promise(setImmediate)
  }
}

/** All documents of a generation carry its number, as does its checkpoint. */
const swapForEver = async (): Promise<void> => {
  await store.commit(LIVE, documents('', 1), standing(1))
  await store.flush()
  report('1')
  for (let step = 2; ; step++) {
    const built = `${LIVE}#${step}`
    await store.open(built, INDEXES)
    await store.commit(built, documents('', step), standing(step))
    await store.swap(built, LIVE)
    report(`${step}`)
  }
}

/** Writes until the disk refuses, and once more; then opens again and reports what is there. */
const fillDisk = async (): Promise<void> => {
  const refusals: unknown[] = []
  for (let step = 1; refusals.length < 2; step++) {
    const written = store.commit(LIVE, documents(`${step}/`, step), standing(step)).then(() => store.flush())
    await written.catch(({ code, message }: { code?: unknown; message?: unknown }) =>
      refusals.push(`${code}: ${message}`),
    )
  }
  await store.flush().catch(({ code, message }) => refusals.push(`${code}: ${message}`))
  await store.open(LIVE, INDEXES)
  const checkpoint = await store.checkpoint(LIVE)
  report(JSON.stringify({ refusals, checkpoint, documents: (await store.scan(LIVE, undefined, 1_000_000)).length }))
}

const jobs = { commits: commitForEver, swaps: swapForEver, full: fillDisk }
await jobs[job as keyof typeof jobs]()
