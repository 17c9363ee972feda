import { existsSync } from 'node:fs'
import { expect } from 'chai'
import { build } from 'esbuild'
import { after, before, describe, it } from 'mocha'
import { type Browser, chromium, type Page } from 'playwright-core'
import { eventually } from '../../support/device.ts'
import { ServerProcess } from '../../support/serverProcess.ts'

const CHROMIUM = '/usr/bin/chromium'

/** The page's code as the build bundles it. */
const bundle = async (): Promise<string> => {
  const { outputFiles } = await build({
    entryPoints: ['api/web/quickstart.ts'],
    bundle: true,
    format: 'esm',
    platform: 'browser',
    external: ['ws', 'better-sqlite3', 'node:*'],
    write: false,
  })
  return outputFiles[0]?.text ?? ''
}

describe('The start page', function () {
  this.timeout(90_000)
  let server: ServerProcess
  let browser: Browser
  let script: string

  before(async function () {
    if (!existsSync(CHROMIUM)) {
      console.warn(`      SKIPPED: the start page in a browser; there is no ${CHROMIUM}`)
      this.skip()
    }
    const flags = ['--no-sandbox', '--disable-gpu', '--disable-background-networking']
    ;[server, browser, script] = await Promise.all([
      ServerProcess.start(),
      chromium.launch({ executablePath: CHROMIUM, args: flags }),
      bundle(),
    ])
  })
  after(async () => {
    await browser?.close()
    await server?.dispose()
  })

  const signUp = async (handle: string): Promise<{ page: Page; problems: string[] }> => {
    const page = await (await browser.newContext()).newPage()
    const problems: string[] = []
    page.on('pageerror', (error) => problems.push(error.message))
    page.on('console', (message) => {
      if (message.type() === 'error') problems.push(message.text())
    })
    await page.route('**/quickstart.js', (route) => route.fulfill({ contentType: 'text/javascript', body: script }))
    await page.goto(server.url)
    await page.fill('#signUp input', handle)
    await page.click('#signUp button')
    await page.waitForSelector('#prove:not([hidden])')
    await page.fill('#prove input', await eventually(() => server.codeFor(`${handle}@example.org`)))
    await page.click('#prove button')
    await page.waitForSelector('#open:not([hidden])')
    return { page, problems }
  }

  const talkTo = async (page: Page, handle: string): Promise<void> => {
    await page.fill('#open input', handle)
    await page.click('#open button')
    await page.waitForSelector('#say:not([hidden])')
  }

  const say = async (page: Page, text: string): Promise<void> => {
    await page.fill('#say input', text)
    await page.click('#say button')
  }

  it('lets two people talk, with ticks, and goes on after a reload', async () => {
    const [alice, bob] = await Promise.all([signUp('alice'), signUp('bob')])
    await talkTo(alice.page, 'bob')
    await talkTo(bob.page, 'alice')
    await say(alice.page, 'Hello from a browser')
    await bob.page.waitForSelector('text=Hello from a browser')
    await say(bob.page, 'Hello back')
    await alice.page.waitForSelector('text=Hello back')
    await alice.page.waitForSelector('li.own:has-text("✓✓ read")')

    await alice.page.reload()
    await alice.page.fill('#signUp input', 'alice')
    await alice.page.click('#signUp button')
    await talkTo(alice.page, 'bob')
    await alice.page.waitForSelector('text=Hello back')
    expect(await alice.page.locator('#messages li').count()).to.equal(2)
    expect([...alice.problems, ...bob.problems]).to.deep.equal([])
  })

  it('says what the server refuses', async () => {
    const { page } = await signUp('carol')
    await page.fill('#open input', 'nobody.at.all')
    await page.click('#open button')
    await page.waitForSelector('#problem:has-text("nobody called nobody.at.all")')
  })
})
