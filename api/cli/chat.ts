import { mkdirSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { createInterface, type Interface } from 'node:readline'
import { setTimeout as pause } from 'node:timers/promises'
import { renderUnicodeCompact } from 'uqr'
import { Database } from '../../infra/composition/embedded.ts'
import {
  type AccountOptions,
  ClientError,
  completeRegistration,
  createClient,
  linkDevice,
  loadIdentity,
  openSqliteStorage,
  startRegistration,
} from '../client/index.ts'
import { createChat } from './chatRoom.ts'
import { print, printError, styled } from './print.ts'

const PATIENCE_MS = 3_000
const HANDLE = /^[a-z][a-z0-9_.]{2,31}$/

export interface ChatFlags {
  readonly server: string
  readonly as?: string
  readonly profile?: string
  /** Token that another device of the account shows. */
  readonly link?: string
}

/** An interactive client in the terminal; also takes its lines from a pipe. */
export const chat = async (flags: ChatFlags): Promise<void> => {
  const terminal = createInterface({ input: process.stdin, output: process.stdout, terminal: process.stdin.isTTY })
  const lines = linesOf(terminal)
  try {
    const handle = flags.as ?? (await ask(lines, terminal, 'Who are you? (handle) '))
    if (!HANDLE.test(handle))
      throw new ClientError('InvalidRequest', 'A handle has 3 to 32 of a-z 0-9 _ . and begins with a letter.')
    const folder = flags.profile ?? join(homedir(), '.parley', new URL(flags.server).host.replace(':', '-'), handle)
    mkdirSync(folder, { recursive: true, mode: 0o700 })
    const options = { url: flags.server, storage: await openSqliteStorage(join(folder, 'device.sqlite'), Database) }
    await signIn(options, handle, flags.link, (question) => ask(lines, terminal, question))
    const client = await createClient(options)
    client.connect()
    // Not for ever: without a server there is still everything that was said before.
    await Promise.race([client.live().catch(() => undefined), pause(PATIENCE_MS, undefined, { ref: false })])
    await createChat(client, terminal, lines, showLink).run()
  } catch (error) {
    if (!(error instanceof ClientError)) throw error
    printError(error.message)
    process.exitCode = 1
  } finally {
    terminal.close()
  }
}

type Lines = AsyncIterator<string>

/** Every line, also those that come before anybody asks. */
const linesOf = (terminal: Interface): Lines => terminal[Symbol.asyncIterator]()

const ask = async (lines: Lines, terminal: Interface, question: string): Promise<string> => {
  terminal.setPrompt(question)
  terminal.prompt()
  const { value, done } = await lines.next()
  if (done) throw new ClientError('NotSignedIn', 'There is nobody to ask; say it on the command line.')
  return value.trim()
}

const signIn = async (
  options: AccountOptions,
  handle: string,
  token: string | undefined,
  askFor: (question: string) => Promise<string>,
): Promise<void> => {
  const known = await loadIdentity(options.storage).catch(() => undefined)
  if (known !== undefined) return
  const deviceName = 'terminal'
  if (token !== undefined) {
    await linkDevice(options, { token, deviceName })
    print(styled('dim', 'This terminal is now a device of the account.'))
    return
  }
  print(styled('dim', `${handle} is new here. The one-time code is sent to the address; embedded, it is in the log of`))
  print(styled('dim', 'the server: look for "one-time code" there.'))
  const address = `${handle}@example.org`
  const { registrationId } = await startRegistration(options, { handle, displayName: handle, address })
  for (;;) {
    try {
      const code = await askFor(`Code sent to ${address}: `)
      await completeRegistration(options, { registrationId, code, deviceName })
      return
    } catch (error) {
      if (!(error instanceof ClientError) || error.code !== 'InvalidCode') throw error
      printError(error.message)
      if (error.message.includes('start again')) throw error
    }
  }
}

/** A token for a further device, to be scanned or typed. */
const showLink = (token: string): void => {
  print(renderUnicodeCompact(token))
  print(`On the other device: ${styled('cyan', `parley chat --as <name> --link ${token}`)}`)
}
