import { mkdirSync, readdirSync, renameSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { DomainError } from '../../domain/errors.ts'
import type { ModelId, ReadModelStore } from '../../projections/readModelStore.ts'
import { createCheckpointer } from './checkpointer.ts'
import { type ModelFile, openModelFile } from './modelFile.ts'
import { Database } from './sqlite.ts'
import { syncFolder } from './syncFolder.ts'

export interface EmbeddedReadModels {
  /** Holds one database per model, named after it; made when it is missing. */
  readonly folder: string
  /** How long commits gather before they become durable. Default 250 ms. */
  readonly durableWithinMs?: number
}

const SUFFIX = '.sqlite'
const MODEL = /^[\w@#.-]+$/
const WAL_LIMIT_BYTES = 16 * 1024 * 1024

const unavailable = (message: string, cause?: unknown): DomainError =>
  Object.assign(new DomainError('Unavailable', message), { cause })

/**
 * Read models in a folder: one SQLite database per model, so that building one never waits for the writes of
 * another, and swapping and dropping are a rename and an unlink, whatever the size.
 */
export const createEmbeddedReadModelStore = ({
  folder,
  durableWithinMs = 250,
}: EmbeddedReadModels): ReadModelStore & { close(): Promise<void> } => {
  mkdirSync(folder, { recursive: true })
  const files = new Map<ModelId, ModelFile>()
  const checkpointing = new Map<ModelId, Promise<void>>()
  const checkpointer = createCheckpointer()
  let timer: NodeJS.Timeout | undefined

  const pathOf = (model: ModelId): string => {
    if (!MODEL.test(model)) throw new RangeError(`${model} cannot name a read model`)
    return join(folder, model + SUFFIX)
  }

  const fileOf = (model: ModelId): ModelFile => {
    const file = files.get(model)
    if (file === undefined || file.lost) throw unavailable(`Open ${model} and go on from its checkpoint.`)
    return file
  }

  const attempt = <T>(operation: () => T): T => {
    try {
      return operation()
    } catch (error) {
      if (error instanceof Database.SqliteError) throw unavailable('Look at the disk of the read models.', error)
      throw error
    }
  }

  const checkpointIfLong = (model: ModelId, file: ModelFile): void => {
    if (checkpointing.has(model) || file.walBytes() < WAL_LIMIT_BYTES) return
    const running = checkpointer.checkpoint(file.path).finally(() => checkpointing.delete(model))
    // A log that could not be moved stays and is tried again after the next commit.
    checkpointing.set(
      model,
      running.catch(() => undefined),
    )
  }

  const settle = (model: ModelId, file: ModelFile): void => {
    if (!file.unsettled) return
    file.settle()
    checkpointIfLong(model, file)
  }

  const settleLater = (): void => {
    timer ??= setTimeout(() => {
      timer = undefined
      for (const [model, file] of files) {
        try {
          settle(model, file)
        } catch {
          // Not durable yet: what is left is tried again, and whoever waits in `flush` is told.
          if (file.unsettled) settleLater()
        }
      }
    }, durableWithinMs).unref()
  }

  const write = async (model: ModelId, operation: (file: ModelFile) => void): Promise<void> => {
    // SQLite starts its log over only when all of it was moved: under load it would grow without end.
    await checkpointing.get(model)
    attempt(() => operation(fileOf(model)))
    settleLater()
  }

  const close = (model: ModelId): void => {
    files.get(model)?.close()
    files.delete(model)
  }

  /** A checkpoint's connection, closing as a file's last one, would take away the log of what replaced that file. */
  const withoutCheckpoints = async (models: readonly ModelId[], operation: () => void): Promise<void> => {
    const running = (): Promise<void>[] => models.flatMap((model) => checkpointing.get(model) ?? [])
    while (running().length > 0) await Promise.all(running())
    attempt(operation)
  }

  return {
    async open(model, indexes) {
      attempt(() => {
        if (files.get(model)?.lost) close(model)
        const file = files.get(model)
        if (file === undefined) files.set(model, openModelFile(pathOf(model), indexes))
        else file.addIndexes(indexes)
      })
    },
    checkpoint: async (model) => attempt(() => fileOf(model).checkpoint()),
    get: async (model, keys) => attempt(() => fileOf(model).get(keys)),
    query: async (model, query) => attempt(() => fileOf(model).query(query)),
    scan: async (model, afterKey, limit) => attempt(() => fileOf(model).scan(afterKey, limit)),
    commit: (model, documents, checkpoint) => write(model, (file) => file.write(documents, checkpoint)),
    prune: (model, position) => write(model, (file) => file.prune(position)),
    swap: (built, live) =>
      // Without a pause: no reader sees anything between. Each file is whole without a log beside it before the
      // rename, so a crash leaves the old model or the new one under the live name.
      withoutCheckpoints([built, live], () => {
        const { indexes } = fileOf(live)
        fileOf(built).fold()
        fileOf(live).fold()
        close(built)
        close(live)
        try {
          renameSync(pathOf(built), pathOf(live))
          syncFolder(folder)
        } finally {
          files.set(live, openModelFile(pathOf(live), indexes))
        }
      }),
    drop: (model) =>
      withoutCheckpoints([model], () => {
        close(model)
        for (const suffix of ['', '-wal', '-shm']) rmSync(pathOf(model) + suffix, { force: true })
      }),
    async models() {
      return readdirSync(folder)
        .filter((name) => name.endsWith(SUFFIX))
        .map((name) => name.slice(0, -SUFFIX.length))
    },
    async flush() {
      attempt(() => {
        for (const model of files.keys()) {
          const file = fileOf(model)
          settle(model, file)
          file.sync()
        }
      })
    },
    async close() {
      clearTimeout(timer)
      await withoutCheckpoints([...files.keys()], () => {
        for (const [model, file] of files) {
          file.settle()
          close(model)
        }
      })
      await checkpointer.close()
    },
  }
}
