import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createEmbeddedEventStore } from '../../infra/embedded/eventStore.ts'
import { eventStoreContract } from './eventStore.contract.ts'

const failed = (error: Error): never => {
  throw error
}

eventStoreContract('embedded', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'parley-log-'))
  const store = createEmbeddedEventStore({ file: join(folder, 'log.sqlite'), onFatal: failed })
  return {
    store,
    async close() {
      await store.close()
      rmSync(folder, { recursive: true })
    },
  }
})
