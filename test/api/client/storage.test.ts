import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import { describe, it } from 'mocha'
import { createMemoryData, openMemoryStorage } from '../../../api/client/storage/memory.ts'
import { openSqliteStorage } from '../../../api/client/storage/sqlite.ts'
import { Database } from '../../../infra/embedded/sqlite.ts'
import { itIsAClientStorage } from './storage.contract.ts'

const createFolder = () => {
  const folder = mkdtempSync(join(tmpdir(), 'parley-client-'))
  return { file: join(folder, 'client.db'), dispose: async () => rmSync(folder, { recursive: true, force: true }) }
}

itIsAClientStorage('memory', async () => {
  const data = createMemoryData()
  return { open: () => openMemoryStorage(data), dispose: async () => undefined }
})

itIsAClientStorage('SQLite', async () => {
  const { file, dispose } = createFolder()
  return { open: () => openSqliteStorage(file, Database), dispose }
})

describe('ClientStorage: SQLite', () => {
  it('is closed to other processes, and open again when its owner died', async () => {
    const { file, dispose } = createFolder()
    const storage = await openSqliteStorage(file, Database)
    await storage.commit([{ key: 'a', value: 1 }])
    const module = new URL('../../../api/client/storage/sqlite.ts', import.meta.url)
    const driver = new URL('../../../infra/embedded/sqlite.ts', import.meta.url)
    const script = `
      const { openSqliteStorage } = await import(${JSON.stringify(module.href)})
      const { Database } = await import(${JSON.stringify(driver.href)})
      const storage = await openSqliteStorage(${JSON.stringify(file)}, Database).catch((error) => error.code)
      if (typeof storage === 'string') console.log(storage)
      else {
        await storage.commit([{ key: 'a', value: 2 }])
        process.kill(process.pid, 'SIGKILL')
      }`
    const elsewhere = () =>
      spawnSync(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', script], { encoding: 'utf8' })
    expect(elsewhere().stdout.trim()).to.equal('StorageLocked')
    await storage.close()
    expect(elsewhere().signal).to.equal('SIGKILL')
    const again = await openSqliteStorage(file, Database)
    expect(await again.get(['a'])).to.deep.equal([2])
    await again.close()
    await dispose()
  })
})
