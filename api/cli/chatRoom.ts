import type { Interface } from 'node:readline'
import {
  type ChangeRecord,
  type Client,
  ClientError,
  type ClientEvent,
  type Conversation,
  type Message,
} from '../client/index.ts'
import { print, styled, textOf } from './print.ts'

const HELP = [
  '/to HANDLE            talk to somebody',
  '/group TITLE          start a group',
  '/add HANDLE           add somebody to the group',
  '/remove HANDLE        remove somebody from the group',
  '/rename TITLE         rename the group',
  '/promote, /demote HANDLE   make somebody an admin, or a member again',
  '/members              who is in the conversation',
  '/leave [HANDLE]       leave the group; the last admin names a successor',
  '/list                 all conversations; /open NUMBER opens one',
  '/history              the last messages again',
  '/edit TEXT            change your last message',
  '/delete               delete your last message for everyone',
  '/devices              your devices; /link adds one',
  '/quit                 leave the terminal',
  'Anything else is said in the open conversation.',
]

/** Others are told no more often than that. */
const TYPING_EVERY_MS = 3_000

const TICKS = { sending: '…', sent: '✓', delivered: '✓✓', read: '✓✓ read', failed: '! not sent' } as const

const needed = (words: string, what: string): string => {
  if (words === '') throw new ClientError('InvalidRequest', `This needs ${what}.`)
  return words
}

const refusalOf = (code: number): string => {
  if (code === 4401)
    return 'This server does not know this device: the profile is of another server. Remove its folder.'
  if (code === 4403) return 'This device was signed out by another one of yours. Remove the folder of its profile.'
  if (code === 4409) return 'This device connected from elsewhere; only one connection at a time.'
  return `The server ended the connection (${code}).`
}

/** The conversation between a person at a terminal and a client. */
export const createChat = (
  client: Client,
  terminal: Interface,
  lines: AsyncIterator<string>,
  showLink: (token: string) => void,
) => {
  const names = new Map<string, string>([[client.userId, 'you']])
  let open: string | undefined
  let listed: readonly Conversation[] = []
  /** Own newest message of each conversation, and the newest revision shown of it. */
  const lastOwn = new Map<string, Message>()
  const shownTo = new Map<string, number>()
  let toldStatus = ''
  let toldConnection = ''

  const nameOf = async (userId: string): Promise<string> => {
    const known = names.get(userId)
    if (known !== undefined) return known
    const profile = await client.directory.user(userId)
    const name = profile?.handle ?? 'somebody'
    names.set(userId, name)
    return name
  }

  const titleOf = async ({ title, peer }: Conversation): Promise<string> =>
    title ?? (peer === undefined ? 'conversation' : await nameOf(peer))

  /** Above the line that is being typed. */
  const show = (line: string): void => {
    if (process.stdout.isTTY) process.stdout.write('\r\u001b[K')
    print(line)
    terminal.prompt(true)
  }

  const prompt = async (): Promise<void> => {
    const conversation = open === undefined ? undefined : client.conversation(open)
    terminal.setPrompt(conversation === undefined ? '> ' : `${await titleOf(conversation)}> `)
    terminal.prompt(true)
  }

  const lineOf = async (message: Message): Promise<string> => {
    const own = message.from === client.userId
    const text = message.deleted ? styled('dim', 'deleted') : (textOf(message) ?? 'something this terminal cannot show')
    const edited = message.edited ? styled('dim', ' (edited)') : ''
    const status = client.refresh(message).status
    const tick = own && status !== undefined ? styled('dim', ` ${TICKS[status]}`) : ''
    return `${styled(own ? 'green' : 'cyan', await nameOf(message.from))}: ${text}${edited}${tick}`
  }

  const changeOf = async ({ change, by, data }: ChangeRecord): Promise<string> => {
    const who = typeof data.userId === 'string' ? await nameOf(data.userId) : ''
    const title = (data.details as { title?: string } | undefined)?.title ?? ''
    const said: Record<string, string> = {
      ConversationStarted: `started ${title === '' ? 'the conversation' : `“${title}”`}`,
      MemberAdded: `added ${who}`,
      MemberRemoved: `removed ${who}`,
      MemberLeft: 'left',
      RoleChanged: `made ${who} ${data.role}`,
      DetailsChanged: `renamed the group to “${title}”`,
    }
    return styled('dim', `${await nameOf(by)} ${said[change] ?? change}`)
  }

  const history = async (conversationId: string): Promise<void> => {
    const { items } = await client.timeline(conversationId, { limit: 20 })
    for (const item of items) {
      if (item.kind === 'message') {
        if (item.from === client.userId) lastOwn.set(conversationId, item)
        show(await lineOf(item))
      } else if (item.data.founding !== true) show(await changeOf(item))
      shownTo.set(conversationId, Math.max(item.revision ?? -1, shownTo.get(conversationId) ?? -1))
    }
  }

  const enter = async (conversationId: string): Promise<void> => {
    open = conversationId
    await history(conversationId)
    await client.markRead(conversationId)
    await prompt()
  }

  const userOf = async (handle: string): Promise<string> => {
    const user = await client.directory.findUser(handle)
    if (user === undefined) throw new ClientError('NotFound', `There is nobody called ${handle}.`)
    names.set(user.userId, user.handle)
    return user.userId
  }

  const inOpen = (): string => {
    if (open === undefined) throw new ClientError('NotFound', 'Open a conversation first: /to HANDLE or /list.')
    return open
  }

  const ownLast = () => {
    const own = lastOwn.get(inOpen())
    const message = own === undefined ? undefined : client.refresh(own)
    if (message?.revision === undefined) throw new ClientError('NotFound', 'You have said nothing here yet.')
    return { ...message, revision: message.revision }
  }

  const list = async (): Promise<void> => {
    listed = client.conversations()
    if (listed.length === 0) show(styled('dim', 'No conversations yet: /to HANDLE starts one.'))
    for (const [index, conversation] of listed.entries()) {
      const unread = conversation.unread > 0 ? styled('bold', ` (${conversation.unread} new)`) : ''
      show(`${index + 1}. ${await titleOf(conversation)}${unread}`)
    }
  }

  const COMMANDS: Record<string, (rest: string) => Promise<void> | void> = {
    help: () => HELP.forEach(show),
    to: async (handle) => enter(await client.startDirect(await userOf(handle))),
    group: async (title) => enter(await client.startGroup(needed(title, 'a title'))),
    add: async (handle) => void (await client.addMembers(inOpen(), [await userOf(handle)])),
    remove: async (handle) => void (await client.removeMember(inOpen(), await userOf(handle))),
    rename: async (title) => void (await client.rename(inOpen(), needed(title, 'a title'))),
    leave: async (successor) => {
      await client.leave(inOpen(), successor === '' ? undefined : await userOf(successor))
      open = undefined
    },
    promote: async (handle) => void (await client.changeRole(inOpen(), await userOf(handle), 'admin')),
    demote: async (handle) => void (await client.changeRole(inOpen(), await userOf(handle), 'member')),
    members: async () => {
      for (const { userId, role } of await client.directory.members(inOpen()))
        show(`${await nameOf(userId)}${role === 'admin' ? ' (admin)' : ''}`)
    },
    list,
    open: async (number) => {
      if (listed.length === 0) listed = client.conversations()
      const conversation = listed[Number(number) - 1]
      if (conversation === undefined) throw new ClientError('NotFound', 'There is no such number; see /list.')
      await enter(conversation.conversationId)
    },
    history: () => history(inOpen()),
    edit: async (text) => void (await client.edit(ownLast(), needed(text, 'the new text'))),
    delete: async () => void (await client.delete(ownLast())),
    devices: async () => {
      for (const { name, current, linkedAt } of await client.directory.devices())
        show(`${name}${current ? ' (this one)' : ''}, since ${linkedAt.slice(0, 10)}`)
    },
    link: async () => showLink((await client.directory.createLinkToken()).token),
  }

  const obey = async (line: string): Promise<void> => {
    const [, name = '', rest = ''] = /^\/(\w+)\s*(.*)$/s.exec(line) ?? []
    const command = COMMANDS[name]
    if (command === undefined) throw new ClientError('NotFound', `There is no /${name}; /help shows what there is.`)
    await command(rest.trim())
  }

  let typedAt = 0
  const typed = (): void => {
    if (open === undefined || terminal.line.startsWith('/') || Date.now() - typedAt < TYPING_EVERY_MS) return
    typedAt = Date.now()
    client.setTyping(open, true)
  }

  const say = (text: string): void => {
    const { stored } = client.send(inOpen(), text)
    stored.catch((error: Error) => show(styled('red', error.message)))
  }

  /** What happens elsewhere, as it happens. */
  const watch = async (): Promise<void> => {
    for await (const event of client.events()) {
      if (event.type === 'message') {
        const { message } = event
        if (message.from === client.userId) lastOwn.set(message.conversationId, message)
        const here = message.conversationId === open
        if (here && message.from !== client.userId) {
          show(await lineOf(message))
          await client.markRead(message.conversationId)
        } else if (!here) {
          const conversation = client.conversation(message.conversationId)
          const title = conversation === undefined ? '' : await titleOf(conversation)
          show(`${styled('yellow', `[${title}]`)} ${await lineOf(message)}`)
        }
      } else if (event.type === 'messageChanged') {
        const { message } = event
        if (message.conversationId === open && (message.edited || message.deleted)) show(await lineOf(message))
        if (message.messageId === lastOwn.get(message.conversationId)?.messageId)
          lastOwn.set(message.conversationId, message)
        if (message.status === 'failed') show(styled('red', `not sent: ${message.error?.message ?? ''}`))
      } else if (event.type === 'receipts' && event.conversationId === open) {
        await showTicks(event.conversationId)
      } else if (event.type === 'change') {
        const { conversationId, revision } = event.change
        if (conversationId === open && revision > (shownTo.get(conversationId) ?? -1))
          show(await changeOf(event.change))
      } else if (event.type === 'typing' && event.active && event.conversationId === open) {
        show(styled('dim', `${await nameOf(event.userId)} is typing …`))
      } else if (event.type === 'connection') showConnection(event)
    }
  }

  /** Once for each step of the newest own message. */
  const showTicks = async (conversationId: string): Promise<void> => {
    const own = lastOwn.get(conversationId)
    const status = own === undefined ? undefined : client.refresh(own).status
    const told = `${own?.messageId} ${status}`
    if (own === undefined || told === toldStatus || (status !== 'delivered' && status !== 'read')) return
    toldStatus = told
    show(styled('dim', `  ${TICKS[status]}: ${textOf(own) ?? ''}`))
  }

  const showConnection = ({ phase, reason }: Extract<ClientEvent, { type: 'connection' }>): void => {
    const said: Partial<Record<typeof phase, string>> = {
      live: 'connected',
      waiting: 'offline; what you write waits',
      stopped: reason?.by === 'server' ? refusalOf(reason.code) : '',
    }
    const line = said[phase]
    if (line === undefined || line === '' || line === toldConnection) return
    toldConnection = line
    show(styled('dim', line))
  }

  return {
    /** Until the person has had enough. */
    async run(): Promise<void> {
      const watching = watch()
      process.stdin.on('keypress', typed)
      show(styled('dim', '/help shows what there is.'))
      await list()
      await prompt()
      for (;;) {
        const { value, done } = await lines.next()
        const line = done ? '/quit' : value.trim()
        if (line === '/quit') break
        try {
          if (line.startsWith('/')) await obey(line)
          else if (line !== '') say(line)
        } catch (error) {
          if (!(error instanceof ClientError)) throw error
          show(styled('red', error.message))
        }
        await prompt()
      }
      process.stdin.off('keypress', typed)
      await client.close()
      await watching
    },
  }
}
