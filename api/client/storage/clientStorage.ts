/** Anything that JSON can hold. */
export type StoredValue = null | boolean | number | string | object

/** One change: puts a value, deletes a key, or deletes all keys from `from` up to but without `to`. */
export type StorageWrite =
  | { readonly key: string; readonly value: StoredValue }
  | { readonly key: string; readonly value?: undefined }
  | { readonly from: string; readonly to: string }

/** A part of the keys, in their order. */
export interface StorageRange {
  /** Included. */
  readonly from: string
  /** Not included. */
  readonly to: string
  /** Highest key first. Default: false. */
  readonly reverse?: boolean
  /** Default: all. */
  readonly limit?: number
}

export interface StoredEntry {
  readonly key: string
  readonly value: StoredValue
}

/**
 * What a device keeps: an ordered map from ASCII keys to JSON values, in the hands of one process or tab at a time.
 * Whoever opens one that is open elsewhere gets a `ClientError` StorageLocked; the lock dies with its owner.
 */
export interface ClientStorage {
  /** In the order of the keys; `undefined` where there is none. */
  get(keys: readonly string[]): Promise<readonly (StoredValue | undefined)[]>
  list(range: StorageRange): Promise<readonly StoredEntry[]>
  /**
   * All of the writes, in their order, or none of them. Durable when it resolves, and visible to every later read;
   * commits happen in the order of their calls.
   */
  commit(writes: readonly StorageWrite[]): Promise<void>
  /** Waits for commits under way, then gives the lock back. */
  close(): Promise<void>
}
