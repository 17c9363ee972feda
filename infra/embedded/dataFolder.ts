import { chmodSync, mkdirSync, statSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { DomainError } from '../../domain/errors.ts'
import { openSecrets, type Secrets } from './secrets.ts'
import { Database, type Sqlite } from './sqlite.ts'
import { syncFolder } from './syncFolder.ts'

export interface DataFolder {
  /** Absolute path. */
  readonly path: string
  readonly secrets: Secrets
  /** Lets the next owner in; everything in the folder has to be closed by then. */
  release(): void
}

// A lock that nobody refers to would be collected, and released with it.
const held = new Set<Sqlite>()

/**
 * Takes the folder for this process; it is made when it is missing, for its owner's eyes only. The lock is the
 * operating system's, on a file that only says where it is: it dies with the process, however that ends, and what
 * the file looks like then does not matter. Throws `DomainError` Unavailable when another process has the folder,
 * or it cannot be used.
 */
export const openDataFolder = (folder: string): DataFolder => {
  const path = resolve(folder)
  attempt(path, () => makePrivate(path))
  const lock = attempt(path, () => takeLock(path))
  const release = (): void => {
    held.delete(lock)
    lock.close()
  }
  try {
    return { path, secrets: attempt(path, () => openSecrets(path)), release }
  } catch (error) {
    release()
    throw error
  }
}

const makePrivate = (path: string): void => {
  const made = mkdirSync(path, { recursive: true, mode: 0o700 })
  if (made !== undefined) syncFolder(dirname(made))
  if ((statSync(path).mode & 0o077) !== 0) chmodSync(path, 0o700)
}

/** Not to be opened by anything else in this process: closing any descriptor of a file drops the locks on it. */
const takeLock = (path: string): Sqlite => {
  const lock = new Database(join(path, 'lock'), { timeout: 0 })
  try {
    lock.exec('BEGIN EXCLUSIVE')
  } catch (error) {
    lock.close()
    if (!(error instanceof Database.SqliteError && error.code.startsWith('SQLITE_BUSY'))) throw error
    throw unavailable(`Another process has the data in ${path}; stop it, or choose another folder.`, error)
  }
  held.add(lock)
  return lock
}

const attempt = <T>(path: string, operation: () => T): T => {
  try {
    return operation()
  } catch (error) {
    if (error instanceof DomainError) throw error
    const reason = error instanceof Error ? error.message : String(error)
    throw unavailable(`The data folder ${path} cannot be used (${reason}); make it writable, or choose another.`, error)
  }
}

const unavailable = (message: string, cause: unknown): DomainError =>
  Object.assign(new DomainError('Unavailable', message), { cause })
