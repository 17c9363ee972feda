import { connect, type Socket } from 'node:net'
import { SUBPROTOCOL } from '../../api/protocol/errorTables.ts'

/** All sockets read into it: a read is taken apart before the next one begins. */
const RECEIVED = Buffer.allocUnsafe(256 * 1024)
/** Constant, but not zero: servers skip the unmasking of a zero mask, which real clients never send. */
const MASK = [0x37, 0xfa, 0x21, 0x3d] as const

/** A masked text frame whose bytes can be overwritten in place: the text's length never changes. */
export class FrameTemplate {
  readonly #frame: Buffer
  readonly #header: number

  constructor(text: string) {
    const payload = Buffer.from(text)
    const wide = payload.length >= 126
    const head = wide ? [0x81, 0xfe, payload.length >> 8, payload.length & 0xff] : [0x81, 0x80 | payload.length]
    this.#header = head.length + MASK.length
    this.#frame = Buffer.concat([Buffer.from([...head, ...MASK]), payload])
    this.write(0, payload, 0, payload.length)
  }

  /** Puts bytes at a place of the text. */
  write(at: number, source: Uint8Array, start: number, end: number): void {
    for (let i = start, place = at; i < end; i++, place++)
      this.#frame[this.#header + place] = (source[i] as number) ^ (MASK[place & 3] as number)
  }

  /** The frame as it is now; what is written later does not change it. */
  copy(): Buffer {
    return Buffer.from(this.#frame)
  }
}

/**
 * A WebSocket client that costs little, so that what is measured is the server. It sends text frames, takes
 * unfragmented text frames, and leaves the payload in the buffer it was read into.
 */
export class WireSocket {
  readonly #socket: Socket
  readonly #opened: Promise<void>
  #outgoing: Buffer[] = []
  #rest: Buffer | undefined
  #open = false
  #resolve: () => void = () => {}
  #reject: (error: Error) => void = () => {}
  /** Sees the payload of every text frame; valid only during the call. */
  onFrame: (bytes: Buffer, start: number, end: number) => void = () => {}
  /** Called when all frames of one read were seen. */
  onBatch: () => void = () => {}
  onClose: (reason: string) => void = () => {}

  private constructor(url: string) {
    this.#opened = new Promise((resolve, reject) => {
      this.#resolve = resolve
      this.#reject = reject
    })
    const { hostname, port, host } = new URL(url)
    this.#socket = connect({
      host: hostname,
      port: Number(port),
      noDelay: true,
      onread: {
        buffer: RECEIVED,
        callback: (size) => {
          this.#take(size)
          return true
        },
      },
    })
    this.#socket.on('error', (error) => this.#reject(error))
    this.#socket.on('close', () => this.#closed('the connection ended'))
    this.#socket.write(
      `GET /v1/socket HTTP/1.1\r\nHost: ${host}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n` +
        `Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13\r\n` +
        `Sec-WebSocket-Protocol: ${SUBPROTOCOL}\r\n\r\n`,
    )
  }

  /** Resolves with the upgrade; `listen` sets the listeners before the first frame can come. */
  static async open(url: string, listen: (socket: WireSocket) => void = () => {}): Promise<WireSocket> {
    const socket = new WireSocket(url)
    listen(socket)
    await socket.#opened
    return socket
  }

  /** To be sent with the next `flush`. */
  queue(frame: Buffer): void {
    this.#outgoing.push(frame)
  }

  /** Everything queued leaves in one write. */
  flush(): void {
    const frames = this.#outgoing
    if (frames.length === 0) return
    this.#outgoing = []
    this.#socket.write(frames.length === 1 ? (frames[0] as Buffer) : Buffer.concat(frames))
  }

  sendText(text: string): void {
    this.queue(new FrameTemplate(text).copy())
    this.flush()
  }

  close(): void {
    this.onClose = () => {}
    this.#socket.destroy()
  }

  #closed(reason: string): void {
    this.#reject(new Error(reason))
    this.onClose(reason)
  }

  #take(size: number): void {
    let bytes = RECEIVED
    let end = size
    if (this.#rest !== undefined) {
      bytes = Buffer.concat([this.#rest, RECEIVED.subarray(0, size)])
      end = bytes.length
      this.#rest = undefined
    }
    let at = this.#open ? 0 : this.#takeUpgrade(bytes.subarray(0, end))
    while (at + 2 <= end) {
      const short = bytes[at + 1] as number
      const header = short < 126 ? 2 : short === 126 ? 4 : 10
      if (at + header > end) break
      const length = header === 2 ? short : header === 4 ? bytes.readUInt16BE(at + 2) : bytes.readUInt32BE(at + 6)
      const start = at + header
      if (start + length > end) break
      const opcode = (bytes[at] as number) & 0x0f
      if (opcode === 8) this.#closed(`closed with ${bytes.readUInt16BE(start)}`)
      else if (opcode === 1) this.onFrame(bytes, start, start + length)
      at = start + length
    }
    if (at < end) this.#rest = Buffer.from(bytes.subarray(at, end))
    this.onBatch()
  }

  /** Length of the answer to the upgrade; 0 while it is not all there. */
  #takeUpgrade(bytes: Buffer): number {
    const end = bytes.indexOf('\r\n\r\n')
    if (end < 0) return 0
    const status = bytes.toString('latin1', 0, bytes.indexOf('\r\n'))
    if (!status.startsWith('HTTP/1.1 101')) this.#closed(`the upgrade was refused: ${status}`)
    this.#open = true
    this.#resolve()
    return end + 4
  }
}
