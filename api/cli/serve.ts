import { readConfig, type Settings } from '../../infra/composition/config.ts'
import { startServer } from '../../infra/composition/server.ts'
import { print, styled } from './print.ts'

/** Runs until it is told to stop: the first signal drains, a second one ends at once. */
export const serve = async (flags: Settings): Promise<void> => {
  const server = await startServer(readConfig(flags))
  print(`Parley listens on ${styled('bold', server.url)} and keeps its data in ${server.data}.`)
  print()
  print(`  ${styled('cyan', 'npx parley demo')}                   see a conversation from end to end`)
  print(`  ${styled('cyan', 'npx parley chat --as alice')}        talk from this terminal (and from another as bob)`)
  print(`  ${styled('cyan', `open ${server.url}/`)}    try it in the browser, read the API`)
  print()
  print('One-time codes for new accounts appear in the log below. Ctrl-C stops the server.')
  let stopping = false
  const stop = (): void => {
    if (stopping) process.exit(1)
    stopping = true
    void server.stop().then(
      () => process.exit(0),
      () => process.exit(1),
    )
  }
  process.on('SIGINT', stop)
  process.on('SIGTERM', stop)
}
