import type { HandleHash } from '../../domain/ids.ts'
import { keyedHash } from './secrets.ts'

const HANDLE = /^[a-z][a-z0-9_.]{2,31}$/

/** The handle as it is kept, whatever way it was typed; `undefined` for what cannot be one. */
export const normaliseHandle = (typed: string): string | undefined => {
  const handle = typed.trim().toLowerCase()
  return HANDLE.test(handle) ? handle : undefined
}

/** Names the handle's stream; takes a normalised handle. */
export const hashHandle = (handleKey: Uint8Array, handle: string): HandleHash =>
  keyedHash(handleKey, handle) as HandleHash
