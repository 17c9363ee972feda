import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect } from 'chai'
import { after, before, describe, it } from 'mocha'
import { eventually } from '../../support/device.ts'
import { ServerProcess } from '../../support/serverProcess.ts'

const MAIN = fileURLToPath(new URL('../../../api/cli/parley.ts', import.meta.url))

const programs: Program[] = []

/** The program as a shell would run it, with pipes for a terminal. */
class Program {
  readonly process: ChildProcessWithoutNullStreams
  output = ''
  errors = ''

  constructor(...words: readonly string[]) {
    this.process = spawn(process.execPath, ['--import', 'tsx', MAIN, ...words], { stdio: 'pipe' })
    programs.push(this)
    this.process.stdout.on('data', (text: Buffer) => {
      this.output += text.toString()
    })
    this.process.stderr.on('data', (text: Buffer) => {
      this.errors += text.toString()
    })
  }

  type(line: string): void {
    this.process.stdin.write(`${line}\n`)
  }

  shows(text: string): Promise<void> {
    return eventually(() => {
      if (!this.output.includes(text)) throw new Error(`not shown: ${text}\n${this.output.slice(-500)}${this.errors}`)
    }, 20_000)
  }

  async ended(): Promise<number | null> {
    if (this.process.exitCode !== null) return this.process.exitCode
    return (await once(this.process, 'exit'))[0] as number | null
  }
}

describe('parley', function () {
  this.timeout(60_000)

  after(() => {
    for (const { process } of programs) process.kill('SIGKILL')
  })

  it('explains itself, with examples', async () => {
    const help = new Program('serve', '--help')
    expect(await help.ended()).to.equal(0)
    expect(help.output).to.include('Examples:').and.to.include('--data')
  })

  it('refuses what it does not know, and what is not valid', async () => {
    const unknown = new Program('sing')
    expect(await unknown.ended()).to.equal(1)
    expect(unknown.errors).to.include('unknown command')
    const invalid = new Program('serve', '--port', '70000')
    expect(await invalid.ended()).to.equal(1)
    expect(invalid.errors).to.include('A port is 0 to 65535')
  })

  describe('demo', () => {
    it('plays to its end, and every device shows the same', async () => {
      const demo = new Program('demo')
      expect(await demo.ended(), demo.output + demo.errors).to.equal(0)
      expect(demo.output).to.include('All four devices show the same').and.to.include('kill -9')
      expect(demo.output.split('What Carol’s phone shows')[1]).to.not.include('4711')
      expect(demo.errors).to.equal('')
    })

    it('leaves neither server nor folder behind when it is stopped', async () => {
      const demo = new Program('demo')
      await demo.shows('its data in ')
      const [, url = '', folder = ''] = /server of its own at (\S+), its data in (\S+)/.exec(demo.output) ?? []
      demo.process.kill('SIGINT')
      expect(await demo.ended()).to.equal(130)
      expect(existsSync(folder)).to.equal(false)
      await eventually(async () => {
        const answer = await fetch(`${url}/healthz`).catch(() => undefined)
        expect(answer).to.equal(undefined)
      })
    })
  })

  describe('chat', () => {
    let server: ServerProcess
    let folder: string

    before(async () => {
      server = await ServerProcess.start()
      folder = mkdtempSync(join(tmpdir(), 'parley-chat-'))
    })
    after(async () => {
      await server.dispose()
      rmSync(folder, { recursive: true, force: true })
    })

    const open = (handle: string, profile: string = handle, ...more: readonly string[]) =>
      new Program('chat', '--server', server.url, '--as', handle, '--profile', join(folder, profile), ...more)

    const signUp = async (handle: string): Promise<Program> => {
      const program = open(handle)
      await program.shows('Code sent to')
      program.type(await eventually(() => server.codeFor(`${handle}@example.org`)))
      await program.shows('/help shows what there is')
      return program
    }

    it('lets two terminals talk, remembers, and links a further one', async () => {
      const [alice, bob] = await Promise.all([signUp('alice'), signUp('bob')])
      alice.type('/to bob')
      await alice.shows('started the conversation')
      alice.type('Hello from a terminal')
      await bob.shows('Hello from a terminal')
      bob.type('/to alice')
      bob.type('Hello back')
      await alice.shows('bob: Hello back')
      await alice.shows('✓✓ read')
      alice.type('/edit Hello from my terminal')
      await bob.shows('Hello from my terminal (edited)')

      alice.type('/group Elsewhere')
      await alice.shows('Elsewhere> ')
      alice.type('/edit Not this one')
      await alice.shows('You have said nothing here yet')

      alice.type('/link')
      await alice.shows('--link ')
      const token = /--link (\S+)/.exec(alice.output)?.[1] as string
      const laptop = open('alice', 'laptop', '--link', token)
      await laptop.shows('now a device of the account')
      laptop.type('/open 2')
      await laptop.shows('bob: Hello back')

      bob.type('/nonsense')
      await bob.shows('/help shows what there is')
      for (const program of [alice, bob, laptop]) program.type('/quit')
      for (const program of [alice, bob, laptop]) expect(await program.ended()).to.equal(0)

      const again = open('bob')
      await again.shows('1. alice')
      again.type('/quit')
      expect(await again.ended()).to.equal(0)
    })

    it('says what is wrong when there is no server', async () => {
      const lost = new Program(
        'chat',
        '--server',
        'http://127.0.0.1:1',
        '--as',
        'dora',
        '--profile',
        join(folder, 'dora'),
      )
      expect(await lost.ended()).to.equal(1)
      expect(lost.errors).to.match(/^parley: /)
    })
  })
})
