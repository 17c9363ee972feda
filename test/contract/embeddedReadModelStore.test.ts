import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe } from 'mocha'
import { createEmbeddedReadModelStore } from '../../infra/embedded/readModelStore.ts'
import { readModelStoreContract } from './readModelStore.contract.ts'

describe('EmbeddedReadModelStore', () => {
  readModelStoreContract(async () => {
    const folder = mkdtempSync(join(tmpdir(), 'parley-models-'))
    let store = createEmbeddedReadModelStore({ folder })
    return {
      store,
      reopen: async () => {
        await store.close()
        store = createEmbeddedReadModelStore({ folder })
        return store
      },
      dispose: async () => {
        await store.close()
        rmSync(folder, { recursive: true })
      },
    }
  })
})
