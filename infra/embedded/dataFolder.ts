import { randomBytes } from 'node:crypto'
import { chmodSync, closeSync, fsyncSync, mkdirSync, openSync, readFileSync, renameSync, writeSync } from 'node:fs'
import { join, resolve } from 'node:path'
import Database from 'better-sqlite3'
import { DomainError } from '../../domain/errors.ts'

export interface DataFolder {
  /** Absolute path. */
  readonly path: string
  readonly secrets: { readonly tokenKey: Uint8Array; readonly handleKey: Uint8Array }
  release(): void
}

/**
 * Takes the folder for this process; it is made when it is missing, for its owner's eyes only. The lock is the
 * operating system's lock on a file, so it dies with the process, however that ends.
 * Throws `DomainError` Unavailable when another process has the folder.
 */
export const openDataFolder = (folder: string): DataFolder => {
  const path = resolve(folder)
  mkdirSync(path, { recursive: true, mode: 0o700 })
  chmodSync(path, 0o700)
  const lock = new Database(join(path, 'lock'), { timeout: 0 })
  try {
    lock.exec('BEGIN EXCLUSIVE')
  } catch (error) {
    lock.close()
    throw Object.assign(
      new DomainError('Unavailable', `Another process has the data in ${path}; stop it, or choose another folder.`),
      { cause: error },
    )
  }
  return { path, secrets: openSecrets(join(path, 'secrets.json')), release: () => lock.close() }
}

interface SecretsFile {
  readonly tokenKey: string
  readonly handleKey: string
}

/** Keys that live as long as the data; made at the first start. */
const openSecrets = (file: string): DataFolder['secrets'] => {
  const { tokenKey, handleKey } = readSecrets(file) ?? makeSecrets(file)
  return { tokenKey: Buffer.from(tokenKey, 'base64url'), handleKey: Buffer.from(handleKey, 'base64url') }
}

const readSecrets = (file: string): SecretsFile | undefined => {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as SecretsFile
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}

const makeSecrets = (file: string): SecretsFile => {
  const newKey = () => randomBytes(32).toString('base64url')
  const secrets = { tokenKey: newKey(), handleKey: newKey() }
  // Whole or not at all: half a file of keys would lock everybody out for good.
  const draft = `${file}.new`
  const descriptor = openSync(draft, 'w', 0o600)
  writeSync(descriptor, `${JSON.stringify(secrets, undefined, 2)}\n`)
  fsyncSync(descriptor)
  closeSync(descriptor)
  renameSync(draft, file)
  return secrets
}
