import type { Sqlite } from './sqlite.ts'

const PAGE_BYTES = 4_096
const FRAME_HEADER_BYTES = 24

export interface WalLength {
  /** In use; the file itself keeps its size when SQLite starts it over. */
  readonly bytes: number
  /** Those of them that no checkpoint has moved yet. */
  readonly unmoved: number
}

/** Measures the write-ahead log of an open database, cheaply enough to ask after each commit. */
export const createWalGauge = (db: Sqlite): (() => WalLength) => {
  const state = db.prepare<[], [busy: number, frames: number, moved: number]>('PRAGMA wal_checkpoint(NOOP)').raw()
  return () => {
    const [, frames, moved] = state.get() ?? [0, 0, 0]
    const frameBytes = PAGE_BYTES + FRAME_HEADER_BYTES
    return { bytes: frames * frameBytes, unmoved: (frames - moved) * frameBytes }
  }
}
