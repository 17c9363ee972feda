import { createCheckpointer } from './checkpointer.ts'
import type { Sqlite } from './sqlite.ts'
import { createWalGauge } from './wal.ts'

/** What may wait in the write-ahead log before it is moved in the background. */
const MOVE_BYTES = 8 * 1024 * 1024

export interface LogCheckpoints {
  /** Called after each commit: moves in the background what has gathered. */
  keepUp(): void
  /** Resolves when the next commit may be made; `undefined` when there is nothing to wait for. */
  room(): Promise<void> | undefined
  close(): Promise<void>
}

/**
 * Keeps the write-ahead log short. SQLite starts it over only when all of it was moved, which never happens while
 * commits go on: above `maxBytes` the next one waits until the little that was not moved yet is, too.
 */
export const createLogCheckpoints = (db: Sqlite, maxBytes: number): LogCheckpoints => {
  const checkpointer = createCheckpointer()
  const measure = createWalGauge(db)
  let moving: Promise<void> | undefined

  const move = (): Promise<void> => {
    moving ??= checkpointer
      .checkpoint(db.name)
      // What could not be moved is tried again after the next commit.
      .catch(() => undefined)
      .finally(() => {
        moving = undefined
      })
    return moving
  }

  return {
    keepUp() {
      if (moving === undefined && measure().unmoved >= MOVE_BYTES) void move()
    },
    room() {
      const { bytes, unmoved } = measure()
      if (unmoved === 0 || bytes < maxBytes) return undefined
      return moving === undefined ? move() : moving.then(move)
    },
    async close() {
      await moving
      await checkpointer.close()
    },
  }
}
