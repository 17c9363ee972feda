import { closeSync, fsyncSync, openSync } from 'node:fs'

/** Beyond a power cut, a file exists only when the folder that names it was synced after it was made. */
export const syncFolder = (folder: string): void => {
  const handle = openSync(folder, 'r')
  fsyncSync(handle)
  closeSync(handle)
}
