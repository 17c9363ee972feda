import { mkdirSync } from 'node:fs'
import { dirname } from 'node:path'
import { DomainError } from '../../domain/errors.ts'
import { Database, type Sqlite } from './sqlite.ts'

/** A SQLite file whose writes are durable when they resolve; those of one loop turn share a commit and its sync. */
export interface StateFile {
  readonly db: Sqlite
  /** Refused as Unavailable, together with all of its turn, when the commit fails. */
  write<T>(operation: () => T): Promise<T>
  read<T>(operation: () => T): Promise<T>
  close(): Promise<void>
}

const unavailable = (cause?: unknown): DomainError =>
  Object.assign(new DomainError('Unavailable', 'The server cannot reach its state. Try again later.'), { cause })

interface Waiting {
  readonly run: () => void
  readonly resolve: () => void
  readonly reject: (error: DomainError) => void
}

export const createStateFile = (file: string): StateFile => {
  mkdirSync(dirname(file), { recursive: true })
  const db = new Database(file)
  db.pragma('journal_mode = WAL')
  db.pragma('synchronous = FULL')
  let waiting: Waiting[] = []

  const runAll = db.transaction((turn: readonly Waiting[]) => {
    for (const { run } of turn) run()
  })

  const commitTurn = (): void => {
    const turn = waiting
    waiting = []
    try {
      runAll.immediate(turn)
    } catch (error) {
      for (const { reject } of turn) reject(unavailable(error))
      return
    }
    for (const { resolve } of turn) resolve()
  }

  return {
    db,
    write<T>(operation: () => T) {
      return new Promise<T>((resolve, reject) => {
        let result: { readonly value: T }
        waiting.push({
          run: () => {
            result = { value: operation() }
          },
          resolve: () => resolve(result.value),
          reject,
        })
        if (waiting.length === 1) setImmediate(commitTurn)
      })
    },
    async read(operation) {
      try {
        return operation()
      } catch (error) {
        throw unavailable(error)
      }
    },
    async close() {
      if (waiting.length > 0) commitTurn()
      db.close()
    },
  }
}
