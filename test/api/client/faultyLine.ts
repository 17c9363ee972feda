import { createServer, type IncomingMessage, request, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import { WebSocket, WebSocketServer } from 'ws'
import { SUBPROTOCOL } from '../../../api/protocol/errorTables.ts'
import type { Frame } from '../../support/device.ts'

/** What becomes of a frame on its way: nothing, itself, several. */
export type Tamper = (frame: Frame, from: 'client' | 'server') => readonly Frame[]

const honest: Tamper = (frame) => [frame]

/** A line to a server, for HTTP and WebSocket, that loses, repeats and reorders frames as a test tells it, or is cut. */
export class FaultyLine {
  readonly #server: Server
  readonly #sockets = new WebSocketServer({ noServer: true, handleProtocols: () => SUBPROTOCOL })
  readonly #open = new Set<Socket>()
  /** Where the server is. */
  target = ''
  tamper: Tamper = honest
  /** What becomes of the path and query of a request. */
  rewrite = (url: string): string => url
  /** Nobody gets through as long as this holds. */
  down = false
  /** WebSockets that were opened so far. */
  opened = 0

  private constructor() {
    this.#server = createServer((incoming, outgoing) => this.#forward(incoming, outgoing))
    this.#server.on('connection', (socket: Socket) => {
      if (this.down) return socket.destroy()
      this.#open.add(socket)
      return socket.once('close', () => this.#open.delete(socket))
    })
    this.#server.on('upgrade', (incoming: IncomingMessage, socket: Socket, head: Buffer) => {
      this.#sockets.handleUpgrade(incoming, socket, head, (near) => this.#connect(near))
    })
  }

  static async open(): Promise<FaultyLine> {
    const line = new FaultyLine()
    await new Promise<void>((resolve) => line.#server.listen(0, '127.0.0.1', resolve))
    return line
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`
  }

  /** Ends every connection without a word. */
  cut(): void {
    for (const socket of this.#open) socket.destroy()
  }

  close(): void {
    this.cut()
    this.#server.close()
  }

  #forward(incoming: IncomingMessage, outgoing: ServerResponse): void {
    const { method, url, headers } = incoming
    const onward = request(`${this.target}${this.rewrite(url ?? '/')}`, { method, headers }, (answer) => {
      outgoing.writeHead(answer.statusCode ?? 502, answer.headers)
      answer.pipe(outgoing)
    })
    onward.on('error', () => outgoing.destroy())
    incoming.pipe(onward)
  }

  #connect(near: WebSocket): void {
    this.opened++
    const far = new WebSocket(`${this.target.replace('http', 'ws')}/v1/socket`, SUBPROTOCOL)
    const waiting: string[] = []
    const sendFar = (text: string) => (far.readyState === far.OPEN ? far.send(text) : waiting.push(text))
    const carry = (data: unknown, from: 'client' | 'server', send: (text: string) => void) => {
      for (const frame of this.tamper(JSON.parse(String(data)), from)) send(JSON.stringify(frame))
    }
    far.on('open', () => {
      for (const text of waiting.splice(0)) far.send(text)
    })
    near.on('message', (data) => carry(data, 'client', sendFar))
    far.on('message', (data) => carry(data, 'server', (text) => near.send(text)))
    near.on('close', () => far.terminate())
    far.on('close', (code, reason) => (isSendable(code) ? near.close(code, reason) : near.terminate()))
    for (const end of [near, far]) end.on('error', () => {})
  }
}

/** Codes such as 1006 stand for what was never sent. */
const isSendable = (code: number): boolean => code >= 3_000 || code === 1_000 || code === 1_001 || code === 1_012
