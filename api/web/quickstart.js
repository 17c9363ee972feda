import {
  ClientError,
  completeRegistration,
  createClient,
  loadIdentity,
  openIndexedDbStorage,
  startRegistration,
} from '/client.js'

const TICKS = { sending: '…', sent: '✓', delivered: '✓✓', read: '✓✓ read', failed: 'not sent' }
const TYPING_EVERY_MS = 3_000

const byId = (id) => document.getElementById(id)
const options = { url: location.origin }
let client
let peer
let conversationId
let typedAt = 0

/** Runs a form's work; what the server refuses is shown, not thrown. */
const onSubmit = (id, work) =>
  byId(id).addEventListener('submit', async (event) => {
    event.preventDefault()
    byId('problem').textContent = ''
    const form = event.target
    const fields = Object.fromEntries(new FormData(form))
    const button = form.querySelector('button')
    button.disabled = true
    try {
      await work(fields, form)
    } catch (error) {
      if (!(error instanceof ClientError)) throw error
      byId('problem').textContent = error.message
    } finally {
      button.disabled = false
    }
  })

const showOnly = (...ids) => {
  for (const id of ['signUp', 'prove', 'open', 'say']) byId(id).hidden = !ids.includes(id)
}

let registration

onSubmit('signUp', async ({ handle }) => {
  options.storage ??= await openIndexedDbStorage(handle)
  const known = await loadIdentity(options.storage).catch(() => undefined)
  if (known !== undefined) return enter(handle)
  registration = await startRegistration(options, {
    handle,
    displayName: handle,
    address: `${handle}@example.org`,
  })
  registration.handle = handle
  showOnly('prove')
})

onSubmit('prove', async ({ code }) => {
  const { registrationId, handle } = registration
  await completeRegistration(options, { registrationId, code, deviceName: 'browser' })
  await enter(handle)
})

const enter = async (handle) => {
  client = await createClient(options)
  client.connect()
  byId('self').textContent = `You are ${handle}.`
  showOnly('open')
  void watch()
}

onSubmit('open', async ({ peer: handle }) => {
  peer = await client.directory.findUser(handle)
  if (peer === undefined) throw new ClientError('NotFound', `There is nobody called ${handle}.`)
  conversationId = await client.startDirect(peer.userId)
  client.watchPresence([peer.userId])
  showOnly('open', 'say')
  await show()
})

onSubmit('say', async ({ text }, form) => {
  const { stored } = client.send(conversationId, text)
  form.reset()
  await stored
})

byId('say').addEventListener('input', () => {
  if (Date.now() - typedAt < TYPING_EVERY_MS) return
  typedAt = Date.now()
  client.setTyping(conversationId, true)
})

const show = async () => {
  const { items } = await client.timeline(conversationId)
  const lines = items.filter(({ kind }) => kind === 'message').map(lineOf)
  byId('messages').replaceChildren(...lines)
  await client.markRead(conversationId)
}

const lineOf = (message) => {
  const own = message.from === client.userId
  const line = document.createElement('li')
  line.className = own ? 'own' : ''
  line.append(message.deleted ? '(deleted)' : message.content.kind === 'text' ? message.content.text : '(encrypted)')
  const status = document.createElement('small')
  const { status: tick } = client.refresh(message)
  status.textContent = `${message.edited ? ' edited' : ''} ${own && tick !== undefined ? TICKS[tick] : ''}`
  line.append(status)
  return line
}

const watch = async () => {
  for await (const event of client.events()) {
    if (event.type === 'connection') byId('connection').textContent = event.phase
    if (event.type === 'typing' && event.conversationId === conversationId)
      byId('typing').textContent = event.active ? `${peer.handle} is typing …` : ''
    if (event.type === 'presence' && event.userId === peer?.userId && !event.online && event.lastSeen)
      byId('typing').textContent = `last seen ${new Date(event.lastSeen).toLocaleString()}`
    if (conversationId !== undefined && ['message', 'messageChanged', 'receipts'].includes(event.type)) await show()
  }
}
