import { Worker } from 'node:worker_threads'
import { DRIVER } from './sqlite.ts'

/** Moves write-ahead logs into their databases on a thread of its own: the syncs it takes would hold up the loop. */
export interface Checkpointer {
  /** Resolves when all that was committed to the database before the call is in its main file, as far as readers allow. */
  checkpoint(file: string): Promise<void>
  close(): Promise<void>
}

// Text, because the same words have to run from TypeScript sources and from a build, bundled or not.
const THREAD = `
const { parentPort, workerData } = require('node:worker_threads')
const Database = require(workerData)
parentPort.on('message', ({ id, file }) => {
  let failure
  try {
    const db = new Database(file, { fileMustExist: true })
    try {
      db.pragma('synchronous = NORMAL')
      db.pragma('wal_checkpoint(PASSIVE)')
    } finally {
      db.close()
    }
  } catch (error) {
    failure = String(error)
  }
  parentPort.postMessage({ id, failure })
})`

interface Answer {
  readonly id: number
  readonly failure?: string
}

interface Waiter {
  resolve(): void
  reject(error: Error): void
}

export const createCheckpointer = (): Checkpointer => {
  const waiting = new Map<number, Waiter>()
  let nextId = 0
  let worker: Worker | undefined

  const failAll = (error: Error): void => {
    worker = undefined
    for (const waiter of waiting.values()) waiter.reject(error)
    waiting.clear()
  }

  const start = (): Worker => {
    const started = new Worker(THREAD, { eval: true, workerData: DRIVER, execArgv: [] })
    started.on('message', ({ id, failure }: Answer) => {
      const waiter = waiting.get(id)
      waiting.delete(id)
      if (waiting.size === 0) started.unref()
      if (failure === undefined) waiter?.resolve()
      else waiter?.reject(new Error(failure))
    })
    started.on('error', failAll)
    started.on('exit', () => failAll(new Error('the checkpointing thread has ended')))
    return started
  }

  return {
    checkpoint(file) {
      const id = nextId++
      worker ??= start()
      worker.ref()
      worker.postMessage({ id, file })
      return new Promise((resolve, reject) => waiting.set(id, { resolve, reject }))
    },
    async close() {
      await worker?.terminate()
    },
  }
}
