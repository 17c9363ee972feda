import { randomBytes } from 'node:crypto'
import {
  chmodSync,
  closeSync,
  existsSync,
  fsyncSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  writeSync,
} from 'node:fs'
import { join } from 'node:path'
import { DomainError } from '../../domain/errors.ts'
import { syncFolder } from './syncFolder.ts'

/** Keys that live as long as the data, 32 bytes each. */
export interface Secrets {
  readonly tokenKey: Uint8Array
  readonly handleKey: Uint8Array
}

const FILE = 'secrets.json'
const KEY_BYTES = 32
const KEYS = ['tokenKey', 'handleKey'] as const

/**
 * The keys in a data folder, made at its first start: base64url in `secrets.json`, for its owner's eyes only.
 * Without them nobody is found by handle and no token holds, so they are never made anew beside data.
 */
export const openSecrets = (folder: string): Secrets => {
  const file = join(folder, FILE)
  if (!existsSync(file)) {
    if (readdirSync(folder).some((name) => name.endsWith('.sqlite')))
      throw new DomainError('Unavailable', `${file} is missing beside its data; restore it from a backup.`)
    makeSecrets(folder, file)
  }
  return readSecrets(file)
}

const readSecrets = (file: string): Secrets => {
  chmodSync(file, 0o600)
  try {
    const stored = JSON.parse(readFileSync(file, 'utf8')) as Record<string, unknown>
    const [tokenKey, handleKey] = KEYS.map((name) => Buffer.from(String(stored[name]), 'base64url'))
    if (tokenKey?.length === KEY_BYTES && handleKey?.length === KEY_BYTES) return { tokenKey, handleKey }
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error
  }
  throw new DomainError('Unavailable', `${file} does not hold the keys of its data; restore it from a backup.`)
}

/** Whole or not at all: half a file of keys would lock everybody out for good. */
const makeSecrets = (folder: string, file: string): void => {
  const keys = Object.fromEntries(KEYS.map((name) => [name, randomBytes(KEY_BYTES).toString('base64url')]))
  const draft = `${file}.new`
  const handle = openSync(draft, 'w', 0o600)
  writeSync(handle, `${JSON.stringify(keys, undefined, 2)}\n`)
  fsyncSync(handle)
  closeSync(handle)
  renameSync(draft, file)
  syncFolder(folder)
}
