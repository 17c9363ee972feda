// The ceiling: what a WebSocket server costs that does nothing but pass messages on, and, with a file as its
// argument, that makes them durable in groups first. It speaks the frames that the load needs, and checks nothing.
import { fdatasync, openSync, write } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type WebSocket, WebSocketServer } from 'ws'

interface Message {
  readonly sender: WebSocket
  readonly id: string
  readonly conversationId: string
  readonly text: string
}
type Incoming =
  | { readonly type: 'hello'; readonly conversationIds: readonly string[] }
  | { readonly type: 'ack'; readonly cursor: string }
  | {
      readonly type: 'SendMessage'
      readonly id: string
      readonly conversationId: string
      readonly messageId: string
      readonly content: unknown
    }

const [file] = process.argv.slice(2)
const descriptor = file === undefined ? undefined : openSync(file, 'a')
const members = new Map<string, WebSocket[]>()
let waiting: Message[] = []
let writing = false
let passed = 0

const join = (conversationId: string, socket: WebSocket): void => {
  const sockets = members.get(conversationId)
  if (sockets === undefined) members.set(conversationId, [socket])
  else sockets.push(socket)
}

const pass = ({ sender, id, conversationId, text }: Message): void => {
  const bytes = Buffer.from(text)
  for (const socket of members.get(conversationId) ?? []) if (socket !== sender) socket.send(bytes, { binary: false })
  sender.send(`{"type":"ok","id":"${id}"}`)
}

/** One group at a time: what comes meanwhile is the next one. */
const store = (fd: number): void => {
  const group = waiting
  waiting = []
  writing = true
  write(fd, `${group.map(({ text }) => text).join('\n')}\n`, (writeError) => {
    if (writeError !== null) throw writeError
    fdatasync(fd, (syncError) => {
      if (syncError !== null) throw syncError
      writing = false
      for (const message of group) pass(message)
      if (waiting.length > 0) store(fd)
    })
  })
}

const schedule = (fd: number): void => {
  writing = true
  setImmediate(store, fd)
}

const take = (sender: WebSocket, frame: Incoming): void => {
  if (frame.type === 'ack') return
  if (frame.type === 'hello') {
    for (const id of frame.conversationIds) join(id, sender)
    sender.send('{"type":"welcome"}')
    return
  }
  const { id, conversationId, messageId, content } = frame
  const cursor = `00000000-${(++passed).toString(16).padStart(16, '0')}`
  const text = JSON.stringify({ type: 'event', cursor, conversationId, data: { messageId, content } })
  const message = { sender, id, conversationId, text }
  if (descriptor === undefined) return pass(message)
  waiting.push(message)
  if (!writing) schedule(descriptor)
}

const server = createServer()
new WebSocketServer({ server, perMessageDeflate: false }).on('connection', (socket) => {
  socket.on('message', (data) => take(socket, JSON.parse(data.toString()) as Incoming))
  socket.on('error', () => {})
})
server.listen(0, '127.0.0.1', () => {
  const { port } = server.address() as AddressInfo
  process.stdout.write(`http://127.0.0.1:${port}\n`)
})
