import { expect } from 'chai'
import { type BuildResult, build } from 'esbuild'
import { after, before, describe, it } from 'mocha'
import type { Browser } from 'playwright-core'
import type { Client } from '../../../api/client/index.ts'
import { eventually } from '../../support/device.ts'
import { ServerProcess } from '../../support/serverProcess.ts'
import { hasChromium, launchChromium } from './chromium.ts'
import { person, texts } from './clients.ts'

/** In the page: the client's barrel, and the client that was opened. */
declare global {
  var parley: typeof import('../../../api/client/index.ts')
  var client: Client
}

const bundled: Promise<BuildResult<{ write: false; metafile: true }>> = build({
  entryPoints: ['api/client/index.ts'],
  bundle: true,
  write: false,
  metafile: true,
  format: 'iife',
  globalName: 'parley',
  platform: 'browser',
  external: ['ws', 'better-sqlite3'],
})

describe('The bundle of the client', () => {
  it('is made of our own modules alone, without the schemas', async () => {
    const inputs = Object.keys((await bundled).metafile.inputs)
    expect(inputs).to.include('api/client/createClient.ts')
    expect(inputs.filter((input) => !/^(api\/client|api\/protocol|domain)\//.test(input))).to.deep.equal([])
  })
})

describe('The client in a browser', function () {
  this.timeout(60_000)
  if (!hasChromium) {
    it('IS NOT TESTED ANY FURTHER: there is no /usr/bin/chromium here', function () {
      this.skip()
    })
    return
  }
  let server: ServerProcess
  let browser: Browser

  before(async () => {
    server = await ServerProcess.start()
    browser = await launchChromium()
  })
  after(async () => {
    await browser.close()
    await server.dispose()
  })

  it('signs up, talks, and finds everything again when the tab is loaded anew', async () => {
    const bob = await person(server)
    // The page's own policy has no say about what a test brings along.
    const page = await (await browser.newContext({ bypassCSP: true })).newPage()
    const load = async () => {
      await page.goto(`${server.url}/healthz`)
      await page.addScriptTag({ content: (await bundled).outputFiles[0]?.text ?? '' })
    }
    await load()
    const registrationId = await page.evaluate(async (url) => {
      const storage = await globalThis.parley.openIndexedDbStorage('device')
      const account = { handle: 'alice', displayName: 'Alice', address: 'alice@example.org' }
      const started = await globalThis.parley.startRegistration({ url, storage }, account)
      await storage.close()
      return started.registrationId
    }, server.url)
    const code = await eventually(() => server.codeFor('alice@example.org'))
    const id = await page.evaluate(
      async ({ url, registration, peer }) => {
        const storage = await globalThis.parley.openIndexedDbStorage('device')
        await globalThis.parley.completeRegistration({ url, storage }, registration)
        globalThis.client = await globalThis.parley.createClient({ url, storage })
        globalThis.client.connect()
        await globalThis.client.live()
        const conversationId = await globalThis.client.startDirect(peer)
        await globalThis.client.send(conversationId, 'Hello from a tab').stored
        // The answer may come before the event: what is found again is what had arrived.
        while (globalThis.client.conversation(conversationId)?.lastSeq !== 1)
          await new Promise((resolve) => setTimeout(resolve, 10))
        return conversationId
      },
      { url: server.url, registration: { registrationId, code, deviceName: 'tab' }, peer: bob.userId },
    )
    await eventually(async () => expect(await texts(bob, id)).to.deep.equal(['Hello from a tab']))
    await load()
    await bob.send(id, 'Hello tab').stored
    const seen = await page.evaluate(
      async ({ url, conversationId }) => {
        const storage = await globalThis.parley.openIndexedDbStorage('device')
        const client = await globalThis.parley.createClient({ url, storage })
        const offline = client.conversation(conversationId)?.lastSeq
        client.connect()
        await client.live()
        const { items } = await client.timeline(conversationId)
        return {
          offline,
          texts: items.flatMap((item) =>
            item.kind === 'message' && item.content?.kind === 'text' ? [item.content.text] : [],
          ),
        }
      },
      { url: server.url, conversationId: id },
    )
    expect(seen).to.deep.equal({ offline: 1, texts: ['Hello from a tab', 'Hello tab'] })
    await bob.close()
  })
})
