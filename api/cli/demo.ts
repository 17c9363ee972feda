import type { Message } from '../client/index.ts'
import { type DemoServer, startDemoServer } from './demoServer.ts'
import { Person } from './person.ts'
import { print, styled, textOf } from './print.ts'

const NAME_WIDTH = 8
const INDENT = ' '.repeat(NAME_WIDTH + 4)

/** Shows a conversation from end to end: real server process, real sockets, a cut line, a killed server. */
export const demo = async (): Promise<void> => {
  print(styled('bold', 'Parley: a conversation from end to end'))
  const server = await startDemoServer()
  note(`a server of its own at ${server.url}, its data in ${server.folder}`)
  try {
    await perform(server)
  } finally {
    await server.stop()
  }
}

const perform = async (server: DemoServer): Promise<void> => {
  scene('People')
  const alice = await Person.register(server, 'Alice', 'phone')
  const laptop = await alice.link('laptop', server.url)
  const bob = await Person.register(server, 'Bob', 'phone')
  const carol = await Person.register(server, 'Carol', 'phone')
  const everyone = [alice, laptop, bob, carol]
  print(`  Alice   phone, and a laptop linked to it with a one-time token`)
  print(`  Bob     phone`)
  print(`  Carol   phone`)

  scene('One to one')
  const talk = await alice.client.startDirect(bob.client.userId)
  await bob.sees((event) => event.type === 'conversation')
  alice.client.setTyping(talk, true)
  await bob.sees((event) => event.type === 'typing' && event.active)
  note('Bob sees: Alice is typing …')
  const hello = await says(alice, talk, 'Good morning, Bob! Coffee at ten?', [bob, laptop])
  await ticks(alice, hello, 'delivered')
  await bob.client.markRead(talk)
  await ticks(alice, hello, 'read')
  note('the laptop has it too: all devices of a person get everything, own messages included')
  await says(bob, talk, 'Ten is perfect. The usual place?', [alice, laptop])
  const typo = await says(alice, talk, 'Yes, the unusual one', [bob, laptop])
  await alice.client.edit(stored(typo), 'Yes, the usual one')
  await bob.sees((event) => event.type === 'messageChanged' && textOf(event.message) === 'Yes, the usual one')
  said(alice, `Yes, the usual one ${styled('dim', '(edited)')}`)

  scene('A group')
  const trip = await alice.client.startGroup('Weekend trip', [bob.client.userId, carol.client.userId])
  await carol.sees((event) => event.type === 'conversation' && event.conversation.conversationId === trip)
  note('Alice starts “Weekend trip” with Bob and Carol')
  await says(alice, trip, 'Who brings the tent?', [laptop, bob, carol])
  await says(carol, trip, 'I do!', [alice, laptop, bob])
  const oops = await says(bob, trip, 'My PIN is 4711', [alice, laptop, carol])
  await bob.client.delete(stored(oops))
  await carol.sees((event) => event.type === 'messageChanged' && event.message.deleted)
  note('Bob deletes that for everyone: it is gone from every device, and nobody gets it afterwards')

  scene('Carol is offline')
  carol.client.disconnect()
  note('her line is cut')
  const plan = await says(alice, trip, 'Train at 8:05, platform 3', [laptop, bob])
  await says(bob, trip, 'Got it', [alice, laptop])
  const written = carol.client.send(trip, 'Sent without a line')
  said(carol, `Sent without a line ${styled('dim', '(waits in her outbox)')}`)

  scene('kill -9')
  await server.killAndRestart()
  note('the server process was killed without warning, and started again on the same data')
  for (const person of [alice, laptop, bob]) await person.client.live()
  note('the others have reconnected by themselves')

  scene('Carol is back')
  carol.client.connect()
  await carol.client.live()
  await carol.hears('Train at 8:05, platform 3')
  await carol.hears('Got it')
  note('she missed nothing')
  await written.stored
  await alice.hears('Sent without a line')
  note('and what she wrote offline has arrived, once')
  for (const person of [alice, bob, carol]) await person.client.markRead(trip)
  await ticks(alice, plan, 'read')

  scene('What Carol’s phone shows')
  await transcript(carol, trip, everyone)
  const texts = await Promise.all(everyone.map((person) => textsOf(person, trip)))
  const same = texts.every((list) => JSON.stringify(list) === JSON.stringify(texts[0]))
  print()
  print(same ? styled('green', '  All four devices show the same, in the same order.') : '  The devices differ!')
  if (!same) process.exitCode = 1
  for (const person of everyone) await person.client.close()
}

const scene = (title: string): void => {
  print()
  print(styled('bold', title))
}

const note = (text: string): void => print(styled('dim', `${INDENT}${text}`))

const said = (person: Person, text: string): void =>
  print(`  ${styled('cyan', person.name.padEnd(NAME_WIDTH))}  ${text}`)

/** Says something, and waits until everybody named has it. */
const says = async (person: Person, conversationId: string, text: string, listeners: Person[]): Promise<Message> => {
  said(person, text)
  await person.client.send(conversationId, text).stored
  const [message] = await Promise.all(listeners.map((listener) => listener.hears(text)))
  return message as Message
}

const ticks = async (person: Person, message: Message, status: 'delivered' | 'read'): Promise<void> => {
  await person.awaitStatus(message, status)
  print(`${INDENT}${status === 'read' ? styled('blue', '✓✓ read') : styled('dim', '✓✓ delivered')}`)
}

const stored = (message: Message) => {
  if (message.revision === undefined) throw new Error('the message is not stored yet')
  return { ...message, revision: message.revision }
}

const textsOf = async (person: Person, conversationId: string): Promise<(string | null)[]> => {
  const { items } = await person.client.timeline(conversationId)
  return items.flatMap((item) => (item.kind === 'message' ? [textOf(item) ?? null] : []))
}

const transcript = async (reader: Person, conversationId: string, people: readonly Person[]): Promise<void> => {
  const nameOf = (userId: string) => people.find(({ client }) => client.userId === userId)?.name ?? userId
  const { items } = await reader.client.timeline(conversationId)
  for (const item of items) {
    if (item.kind === 'change') continue
    const text = item.deleted ? styled('dim', 'This message was deleted') : textOf(item)
    const own = item.from === reader.client.userId
    print(`  ${styled(own ? 'green' : 'cyan', nameOf(item.from).padEnd(NAME_WIDTH))}  ${text}`)
  }
}
