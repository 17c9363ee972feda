import {
  type Client,
  ClientError,
  type ClientStorage,
  completeRegistration,
  createClient,
  loadIdentity,
  type Message,
  openIndexedDbStorage,
  type Profile,
  startRegistration,
} from '../client/index.ts'

const TICKS: Readonly<Record<string, string>> = {
  sending: '…',
  sent: '✓',
  delivered: '✓✓',
  read: '✓✓ read',
  failed: 'not sent',
}
// Nobody is told more often than that.
const TYPING_EVERY_MS = 3_000

const FORMS = ['signUp', 'prove', 'open', 'say'] as const

const byId = (id: string): HTMLElement => {
  const found = document.getElementById(id)
  if (found === null) throw new Error(`the page has no ${id}`)
  return found
}

let storage: ClientStorage
let registration: { readonly registrationId: string; readonly handle: string }
let client: Client
let peer: Profile | undefined
let conversationId = ''
let typedAt = 0

const options = () => ({ url: location.origin, storage })

/** Runs a form's work; what the server refuses is shown, not thrown. */
const onSubmit = (id: string, work: (field: string, form: HTMLFormElement) => Promise<void>): void =>
  byId(id).addEventListener('submit', async (event) => {
    event.preventDefault()
    byId('problem').textContent = ''
    const form = event.target as HTMLFormElement
    const button = form.querySelector('button') as HTMLButtonElement
    button.disabled = true
    try {
      await work((form.querySelector('input') as HTMLInputElement).value.trim(), form)
    } catch (error) {
      if (!(error instanceof ClientError)) throw error
      byId('problem').textContent = error.message
    } finally {
      button.disabled = false
    }
  })

const showOnly = (...ids: readonly (typeof FORMS)[number][]): void => {
  for (const id of FORMS) byId(id).hidden = !ids.includes(id)
}

onSubmit('signUp', async (handle) => {
  storage ??= await openIndexedDbStorage(handle)
  const known = await loadIdentity(storage).catch(() => undefined)
  if (known !== undefined) return enter(handle)
  const account = { handle, displayName: handle, address: `${handle}@example.org` }
  const { registrationId } = await startRegistration(options(), account)
  registration = { registrationId, handle }
  showOnly('prove')
})

onSubmit('prove', async (code) => {
  const { registrationId, handle } = registration
  await completeRegistration(options(), { registrationId, code, deviceName: 'browser' })
  await enter(handle)
})

const enter = async (handle: string): Promise<void> => {
  client = await createClient(options())
  client.connect()
  byId('self').textContent = `You are ${handle}.`
  showOnly('open')
  void watch()
}

onSubmit('open', async (handle) => {
  peer = await client.directory.findUser(handle)
  if (peer === undefined) throw new ClientError('NotFound', `There is nobody called ${handle}.`)
  conversationId = await client.startDirect(peer.userId)
  client.watchPresence([peer.userId])
  showOnly('open', 'say')
  await show()
})

onSubmit('say', async (text, form) => {
  const { stored } = client.send(conversationId, text)
  form.reset()
  await stored
})

byId('say').addEventListener('input', () => {
  if (Date.now() - typedAt < TYPING_EVERY_MS) return
  typedAt = Date.now()
  client.setTyping(conversationId, true)
})

const show = async (): Promise<void> => {
  const { items } = await client.timeline(conversationId)
  const lines = items.flatMap((item) => (item.kind === 'message' ? [lineOf(item)] : []))
  byId('messages').replaceChildren(...lines)
  await client.markRead(conversationId)
}

const lineOf = (message: Message): HTMLElement => {
  const own = message.from === client.userId
  const line = document.createElement('li')
  line.className = own ? 'own' : ''
  const { content } = message
  line.append(content === undefined ? '(deleted)' : content.kind === 'text' ? content.text : '(encrypted)')
  const status = document.createElement('small')
  const { status: tick } = client.refresh(message)
  status.textContent = `${message.edited ? ' edited' : ''} ${own && tick !== undefined ? TICKS[tick] : ''}`
  line.append(status)
  return line
}

const watch = async (): Promise<void> => {
  for await (const event of client.events()) {
    if (event.type === 'connection') byId('connection').textContent = event.phase
    if (event.type === 'typing' && event.conversationId === conversationId)
      byId('typing').textContent = event.active ? `${peer?.handle} is typing …` : ''
    if (event.type === 'presence' && event.userId === peer?.userId && !event.online && event.lastSeen)
      byId('typing').textContent = `last seen ${new Date(event.lastSeen).toLocaleString()}`
    if (conversationId !== '' && ['message', 'messageChanged', 'receipts'].includes(event.type)) await show()
  }
}
