import type Database from 'better-sqlite3'

const PAGE_BYTES = 4_096
const FRAME_HEADER_BYTES = 24

/** Bytes of the write-ahead log in use; the file itself keeps its size when SQLite starts it over. */
export const pendingWalBytes = (db: Database.Database): number => {
  const [state] = db.pragma('wal_checkpoint(NOOP)') as { log: number; checkpointed: number }[]
  if (state === undefined || state.log === state.checkpointed) return 0
  return state.log * (PAGE_BYTES + FRAME_HEADER_BYTES)
}
