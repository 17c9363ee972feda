import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { build } from 'esbuild'
import { after, before, describe, it } from 'mocha'
import type { Browser, BrowserContext, Page } from 'playwright-core'
import { ClientError } from '../../../api/client/clientError.ts'
import type { ClientStorage } from '../../../api/client/storage/clientStorage.ts'
import { hasChromium, launchChromium } from './chromium.ts'
import { itIsAClientStorage } from './storage.contract.ts'

const ADAPTER = 'api/client/storage/indexedDb.ts'

/** In the page: the adapter, and the storage that it opened. */
declare global {
  var adapter: { openIndexedDbStorage(name: string): Promise<ClientStorage> }
  var opened: ClientStorage
}

type Outcome = { readonly value: unknown } | { readonly code: string | undefined; readonly message: string }

/** A storage that lives in a tab of a real browser. */
const openIn = async (page: Page): Promise<ClientStorage> => {
  const ask = async (method: 'open' | keyof ClientStorage, argument?: unknown): Promise<never> => {
    const outcome: Outcome = await page.evaluate(
      async ([name, value]) => {
        try {
          if (name === 'open') {
            globalThis.opened = await globalThis.adapter.openIndexedDbStorage('device')
            return { value: undefined }
          }
          const run = globalThis.opened[name] as (argument: unknown) => Promise<unknown>
          return { value: await run(value) }
        } catch (error) {
          const { code, message } = error as { readonly code?: string; readonly message: string }
          return { code, message }
        }
      },
      [method, argument] as const,
    )
    if ('value' in outcome) return outcome.value as never
    throw outcome.code === undefined
      ? new Error(outcome.message)
      : new ClientError(outcome.code as ClientError['code'], outcome.message)
  }
  await ask('open')
  return {
    get: (keys) => ask('get', keys),
    list: (range) => ask('list', range),
    commit: (writes) => ask('commit', writes),
    close: () => ask('close'),
  }
}

describe('In a browser', () => {
  if (!hasChromium) {
    it('ClientStorage: IndexedDB IS NOT TESTED: there is no /usr/bin/chromium here', function () {
      this.skip()
    })
    return
  }
  let server: Server
  let browser: Browser

  before(async () => {
    const { outputFiles } = await build({
      entryPoints: [ADAPTER],
      bundle: true,
      write: false,
      format: 'iife',
      globalName: 'adapter',
    })
    const script = outputFiles[0]?.text ?? ''
    server = createServer((_, response) => {
      response.setHeader('content-type', 'text/html')
      response.end(`<!doctype html><script>${script}</script>`)
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    browser = await launchChromium()
  })
  after(async () => {
    await browser.close()
    server.close()
  })

  itIsAClientStorage('IndexedDB in Chromium', async () => {
    const context: BrowserContext = await browser.newContext()
    return {
      async open() {
        const page = await context.newPage()
        await page.goto(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`)
        return openIn(page)
      },
      dispose: () => context.close(),
    }
  })
})
