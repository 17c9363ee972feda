import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const MAIN = fileURLToPath(new URL('../../api/cli/parley.ts', import.meta.url))

/** A server of its own, as a process started from the sources, that can be killed and started again on its data. */
export class ServerProcess {
  readonly folder: string
  readonly port: number
  readonly #environment: Readonly<Record<string, string>>
  #child: ChildProcess | undefined
  #log = ''

  private constructor(folder: string, port: number, environment: Readonly<Record<string, string>>) {
    this.folder = folder
    this.port = port
    this.#environment = environment
  }

  /** `environment` holds settings such as `PARLEY_WINDOW`. */
  static async start(environment: Readonly<Record<string, string>> = {}): Promise<ServerProcess> {
    const folder = mkdtempSync(join(tmpdir(), 'parley-test-'))
    const server = new ServerProcess(folder, await freePort(), environment)
    await server.launch()
    return server
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`
  }

  get pid(): number {
    if (this.#child?.pid === undefined) throw new Error('the server is not running')
    return this.#child.pid
  }

  /** What it has written to standard error: structured lines. */
  get log(): string {
    return this.#log
  }

  async launch(): Promise<void> {
    const child = spawn(process.execPath, ['--import', 'tsx', MAIN, 'serve'], {
      env: {
        ...process.env,
        PARLEY_PORT: String(this.port),
        PARLEY_DATA: join(this.folder, 'data'),
        PARLEY_REGISTRATIONS_PER_SOURCE: '1000000',
        PARLEY_FRAMES_PER_SECOND: '1000000',
        PARLEY_FRAME_BURST: '1000000',
        PARLEY_MAX_IN_FLIGHT: '1000',
        PARLEY_REQUESTS_PER_MINUTE: '1000000',
        PARLEY_REQUESTS_PER_MINUTE_AND_ADDRESS: '1000000',
        ...this.#environment,
      },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    this.#child = child
    child.stderr?.on('data', (text: Buffer) => {
      this.#log += text.toString()
    })
    await new Promise<void>((resolve, reject) => {
      let output = ''
      child.stdout?.on('data', (text: Buffer) => {
        output += text.toString()
        if (output.includes(this.url)) resolve()
      })
      child.once('exit', (code, signal) =>
        reject(new Error(`the server ended (${code ?? signal}): ${this.#log.slice(-2_000)}`)),
      )
    })
  }

  /** As a power cut would, as far as the process is concerned. */
  async kill(): Promise<void> {
    await this.end('SIGKILL')
  }

  /** Resolves with the exit code. */
  async end(signal: NodeJS.Signals): Promise<number | null> {
    const child = this.#child
    if (child === undefined) return null
    this.#child = undefined
    const code = new Promise<number | null>((resolve) => child.once('exit', resolve))
    child.kill(signal)
    return code
  }

  async restart(): Promise<void> {
    await this.kill()
    await this.launch()
  }

  async dispose(): Promise<void> {
    await this.kill()
    rmSync(this.folder, { recursive: true, force: true })
  }

  /** The one-time code that was sent to an address last. */
  codeFor(address: string): string {
    const lines = this.#log.split('\n').filter((line) => line.includes(JSON.stringify(address)))
    const code = lines.map((line) => (JSON.parse(line) as { code?: string }).code).findLast(Boolean)
    if (code === undefined) throw new Error(`no code was sent to ${address}`)
    return code
  }
}

const freePort = (): Promise<number> =>
  new Promise((resolve, reject) => {
    const probe = createServer()
    probe.once('error', reject)
    probe.listen(0, '127.0.0.1', () => {
      const address = probe.address()
      probe.close(() => (typeof address === 'object' && address ? resolve(address.port) : reject(new Error('no port'))))
    })
  })
