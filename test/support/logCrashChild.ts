import { createHash } from 'node:crypto'
import { fdatasync } from 'node:fs'
import { join } from 'node:path'
import type { StreamName } from '../../domain/ids.ts'
import { openDataFolder } from '../../infra/embedded/dataFolder.ts'
import { createEmbeddedEventStore, type EmbeddedLogOptions } from '../../infra/embedded/eventStore.ts'
import { newEvent } from './eventStoreSteps.ts'

/**
 * Run as a process that comes to harm: `logCrashChild.ts JOB FOLDER`. Each acknowledgement is a line on standard
 * output, as JSON, which is out when the write returns.
 */

const STREAMS = 20

const [job, folder = ''] = process.argv.slice(2)
const file = join(folder, 'log.sqlite')
const report = (line: unknown): boolean => process.stdout.write(`${JSON.stringify(line)}\n`)
const onFatal = (error: Error): never => {
  report({ fatal: error.message })
  process.exit(70)
}
const open = (options: Partial<EmbeddedLogOptions> = {}) => createEmbeddedEventStore({ file, onFatal, ...options })
type Store = ReturnType<typeof open>

const appendNext = async (store: Store, stream: StreamName, size: number): Promise<void> => {
  const [newest] = await store.readStream(stream, { direction: 'backwards', maxCount: 1 })
  const events = Array.from({ length: size }, () => newEvent('x'.repeat(200)))
  const answer = await store.appendToStream(stream, events, { expectedRevision: newest?.revision ?? 'noStream' })
  report({ stream, ids: events.map(({ id }) => id), ...answer })
}

/** Appends to many streams at once, for ever, with checkpoints as often as can be. */
const appendForEver = async (): Promise<void> => {
  const store = open({ maxWalBytes: 256 * 1024 })
  const write = async (n: number): Promise<void> => {
    const stream = `note-${createHash('md5').update(String(n)).digest('hex')}` as StreamName
    for (let size = 1; ; size = (size % 4) + 1) await appendNext(store, stream, size)
  }
  await Promise.all(Array.from({ length: STREAMS }, (_, n) => write(n)))
}

/** Appends a few events, some alone and some at once. */
const appendFew = async (options: Partial<EmbeddedLogOptions> = {}): Promise<void> => {
  const store = open(options)
  report('open')
  for (let n = 0; n < 3; n++) await appendNext(store, 'note-1' as StreamName, 2)
  await Promise.all(['a', 'b', 'c'].map((name) => appendNext(store, `note-${name}` as StreamName, 1)))
  process.exit(0)
}

/** Appends until the disk refuses twice, then makes do with less. */
const fillDisk = async (): Promise<void> => {
  const store = open()
  const stream = 'note-1' as StreamName
  let at = -1
  const add = async (text: string): Promise<void> => {
    const expectedRevision = at < 0 ? 'noStream' : at
    at = (await store.appendToStream(stream, [newEvent(text)], { expectedRevision })).lastRevision
  }
  const refusals: unknown[] = []
  while (refusals.length < 2) await add('x'.repeat(100_000)).catch(({ code }) => refusals.push(code))
  const before = at
  await add('short').catch(({ code }) => refusals.push(code))
  report({ refusals, before, after: at, read: (await store.readStream(stream, { maxCount: 10_000 })).length })
  process.exit(0)
}

/** The disk fails from the third sync on. */
const failSync = (): Promise<void> => {
  let syncs = 0
  return appendFew({
    sync: (descriptor, done) => {
      if (++syncs < 3) fdatasync(descriptor, done)
      else setImmediate(done, new Error('EIO'))
    },
  })
}

/** Takes the folder and keeps it. */
const holdFolder = (): void => {
  openDataFolder(folder)
  report('held')
  setInterval(() => undefined, 1_000)
}

const jobs = {
  load: appendForEver,
  few: appendFew,
  unsynced: () => appendFew({ sync: (_descriptor, done) => setImmediate(done, null) }),
  full: fillDisk,
  failing: failSync,
  hold: holdFolder,
}
await jobs[job as keyof typeof jobs]()
