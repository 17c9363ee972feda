import { randomUUID } from 'node:crypto'
import {
  type Client,
  type ClientEvent,
  type ClientStorage,
  completeRegistration,
  createClient,
  linkDevice,
  openMemoryStorage,
  startRegistration,
} from '../../../api/client/index.ts'
import { eventually } from '../../support/device.ts'
import type { ServerProcess } from '../../support/serverProcess.ts'

/** Makes a storage the first device of a new account. */
const register = async (server: ServerProcess, storage: ClientStorage): Promise<ClientStorage> => {
  const options = { url: server.url, storage }
  const handle = `u${randomUUID().slice(0, 12).replace('-', '')}`
  const address = `${handle}@example.org`
  const { registrationId } = await startRegistration(options, { handle, displayName: handle, address })
  const code = await eventually(() => server.codeFor(address))
  await completeRegistration(options, { registrationId, code, deviceName: 'first device' })
  return storage
}

/** Makes a storage a further device of a client's account. */
export const link = async (server: ServerProcess, client: Client, storage: ClientStorage): Promise<ClientStorage> => {
  const { token } = await client.directory.createLinkToken()
  await linkDevice({ url: server.url, storage }, { token, deviceName: 'second device' })
  return storage
}

/** A client that has caught up. */
export const online = async (server: ServerProcess, storage: ClientStorage): Promise<Client> => {
  const client = await createClient({ url: server.url, storage })
  client.connect()
  await client.live()
  return client
}

/** A client of a new account that has caught up. */
export const person = async (server: ServerProcess): Promise<Client> =>
  online(server, await register(server, await openMemoryStorage()))

/** The texts of a conversation as a person sees them: `null` where a message was deleted. */
export const texts = async (client: Client, conversationId: string): Promise<(string | null)[]> => {
  const { items } = await client.timeline(conversationId, { limit: 10_000 })
  return items.flatMap((item) =>
    item.kind === 'message' ? [item.content?.kind === 'text' ? item.content.text : null] : [],
  )
}

/** Everything a client tells, from now on. */
export const listen = (client: Client): readonly ClientEvent[] => {
  const heard: ClientEvent[] = []
  void (async () => {
    for await (const event of client.events()) heard.push(event)
  })()
  return heard
}
