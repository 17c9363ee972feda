import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'

/** The server under test has this core to itself, the load has the other. */
const SERVER_CORE = '0'
const LOAD_CORE = '1'
/** Ticks a second in which /proc counts processor time, on every Linux that Node runs on. */
const TICKS = 100
const PROBE = new URL('probe.mjs', import.meta.url).href

const running = new Set<ChildProcess>()
process.once('exit', () => {
  for (const child of running) child.kill('SIGKILL')
})

export const pinLoad = (): void => {
  const { status } = spawnSync('taskset', ['-a', '-c', '-p', LOAD_CORE, String(process.pid)])
  if (status !== 0) throw new Error('the bench needs taskset (util-linux) and a second core')
}

export interface PinnedOptions {
  readonly environment?: Readonly<Record<string, string>>
  /** Options of Node itself. */
  readonly node?: readonly string[]
}

/** Runs a program of the bench on the core of the measured ones; resolves with what it wrote. */
export const runPinned = async (command: readonly string[]): Promise<string> => {
  const child = spawn('taskset', ['-c', SERVER_CORE, process.execPath, '--import', 'tsx', ...command], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  running.add(child)
  let output = ''
  child.stdout?.on('data', (text: Buffer) => {
    output += text.toString()
  })
  const code = await new Promise((resolve) => child.once('close', resolve))
  running.delete(child)
  if (code !== 0) throw new Error(`${command.join(' ')} ended with ${code}`)
  return output
}

/** A server process on a core of its own. */
export class PinnedProcess {
  readonly #child: ChildProcess
  /** The first address that it printed. */
  readonly url: string

  private constructor(child: ChildProcess, url: string) {
    this.#child = child
    this.url = url
  }

  /** Resolves when it has printed where it listens. */
  static async start(command: readonly string[], options: PinnedOptions = {}): Promise<PinnedProcess> {
    const { environment = {}, node = [] } = options
    const flags = ['--expose-gc', '--import', PROBE, ...node]
    const child = spawn('taskset', ['-c', SERVER_CORE, process.execPath, ...flags, ...command], {
      env: { ...process.env, ...environment },
      stdio: ['ignore', 'pipe', 'inherit', 'ipc'],
    })
    running.add(child)
    child.once('exit', () => running.delete(child))
    return new Promise((resolve, reject) => {
      let output = ''
      child.once('exit', (code, signal) => reject(new Error(`${command.join(' ')} ended: ${code ?? signal}`)))
      child.stdout?.on('data', (text: Buffer) => {
        output += text.toString()
        const url = /http:\/\/127\.0\.0\.1:\d+/.exec(output)?.[0]
        if (url !== undefined) resolve(new PinnedProcess(child, url))
      })
    })
  }

  /** Processor time used so far by all its threads, in milliseconds. */
  cpuMs(): number {
    const text = readFileSync(`/proc/${this.#child.pid}/stat`, 'utf8')
    const fields = text.slice(text.lastIndexOf(')') + 2).split(' ')
    return ((Number(fields[11]) + Number(fields[12])) * 1_000) / TICKS
  }

  /** In bytes, after garbage was collected. */
  async heldMemory(): Promise<NodeJS.MemoryUsage> {
    return (await this.#ask('heldMemory')) as NodeJS.MemoryUsage
  }

  async startProfile(): Promise<void> {
    await this.#ask('startProfile')
  }

  /** Processor time since `startProfile`, as a file that developer tools open. */
  async writeProfile(file: string): Promise<void> {
    await this.#ask('writeProfile', file)
  }

  #ask(task: string, argument?: string): Promise<unknown> {
    return new Promise((resolve) => {
      this.#child.once('message', (answer) => resolve((answer as { result: unknown }).result))
      this.#child.send({ task, argument })
    })
  }

  /** Ends it in good order, so that everything is written. */
  async stop(): Promise<void> {
    const ended = new Promise((resolve) => this.#child.once('exit', resolve))
    this.#child.kill('SIGTERM')
    await ended
  }
}
