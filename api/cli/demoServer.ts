import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** A server of the demo's own: a process of this very program, on a free port and a temporary folder. */
export interface DemoServer {
  readonly url: string
  readonly folder: string
  /** The one-time code that was sent to an address last. */
  codeFor(address: string): Promise<string>
  /** Ends the process as a power cut would, and starts it again on the same data and port. */
  killAndRestart(): Promise<void>
  stop(): Promise<void>
}

const SIGNALS = ['SIGINT', 'SIGTERM'] as const
const POLL_MS = 20
const PATIENCE_MS = 15_000

export const startDemoServer = async (): Promise<DemoServer> => {
  const folder = mkdtempSync(join(tmpdir(), 'parley-demo-'))
  let log = ''
  let port = '0'
  let child: ChildProcess

  const launch = async (): Promise<string> => {
    const program = [...process.execArgv, process.argv[1] ?? '', 'serve', '--port', port, '--data', folder]
    child = spawn(process.execPath, program, { stdio: ['ignore', 'pipe', 'pipe'] })
    let output = ''
    child.stdout?.on('data', (text: Buffer) => {
      output += text.toString()
    })
    child.stderr?.on('data', (text: Buffer) => {
      log += text.toString()
    })
    return until(() => {
      if (child.exitCode !== null) throw new Error(`the server ended: ${log.slice(-2_000)}`)
      return /http:\/\/[\d.]+:\d+/.exec(output)?.[0]
    })
  }

  const end = (signal: NodeJS.Signals): Promise<void> =>
    new Promise((resolve) => {
      child.once('exit', () => resolve())
      child.kill(signal)
    })

  /** Interrupted: neither the process nor the folder may stay behind. */
  const abandon = (): void => {
    child.kill('SIGKILL')
    rmSync(folder, { recursive: true, force: true })
    process.exit(130)
  }
  for (const signal of SIGNALS) process.once(signal, abandon)

  const url = await launch()
  port = new URL(url).port
  return {
    url,
    folder,
    codeFor: (address) =>
      until(() => {
        const line = log.split('\n').findLast((each) => each.includes(JSON.stringify(address)))
        return line === undefined ? undefined : (JSON.parse(line) as { code?: string }).code
      }),
    async killAndRestart() {
      await end('SIGKILL')
      await launch()
    },
    async stop() {
      for (const signal of SIGNALS) process.off(signal, abandon)
      await end('SIGTERM')
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

const until = async <T>(look: () => T | undefined): Promise<T> => {
  const deadline = Date.now() + PATIENCE_MS
  for (;;) {
    const found = look()
    if (found !== undefined) return found
    if (Date.now() > deadline) throw new Error('the server did not answer in time')
    await new Promise((resolve) => setTimeout(resolve, POLL_MS))
  }
}
