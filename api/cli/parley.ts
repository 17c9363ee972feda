#!/usr/bin/env node
import { Command, InvalidArgumentError } from 'commander'
import { chat } from './chat.ts'
import { demo } from './demo.ts'
import { printError } from './print.ts'
import { serve } from './serve.ts'

const port = (text: string): string => {
  if (!/^\d{1,5}$/.test(text) || Number(text) > 65_535) throw new InvalidArgumentError('A port is 0 to 65535.')
  return text
}

const program = new Command('parley')
  .description('Messaging backend: one-to-one and group chat, receipts, several devices, durable delivery.')
  .showHelpAfterError('(see --help)')

program
  .command('serve')
  .description('run the server on embedded storage')
  .option('-p, --port <port>', 'port to listen on; 0 takes a free one (PARLEY_PORT, 8080)', port)
  .option('--host <address>', 'address to listen on (PARLEY_HOST, 127.0.0.1)')
  .option('-d, --data <folder>', 'folder of the data (PARLEY_DATA, ./data)')
  .addHelpText('after', '\nExamples:\n  $ parley serve\n  $ parley serve --port 9000 --data /var/lib/parley')
  .action(serve)

program
  .command('demo')
  .description('start a server of its own and show a conversation from end to end')
  .addHelpText('after', '\nExample:\n  $ parley demo')
  .action(demo)

program
  .command('chat')
  .description('talk in the terminal')
  .option('-s, --server <url>', 'server to talk through', 'http://127.0.0.1:8080')
  .option('-a, --as <handle>', 'who you are; registered on first use')
  .option('--link <token>', 'make this terminal a device of the account that shows the token (/link)')
  .option('--profile <folder>', 'where keys and messages are kept (default: ~/.parley/<server>/<handle>)')
  .addHelpText('after', '\nExamples, in two terminals:\n  $ parley chat --as alice\n  $ parley chat --as bob')
  .action(chat)

try {
  await program.parseAsync()
} catch (error) {
  printError(error instanceof Error ? error.message : String(error))
  process.exitCode = 1
}
