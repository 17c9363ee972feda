import type { Duplex } from 'node:stream'

/** One WebSocket text frame, unmasked, as servers send them; built once, shared by every recipient. */
export const textFrame = (text: string): Buffer => {
  const length = Buffer.byteLength(text)
  const header = length < 126 ? 2 : length < 65_536 ? 4 : 10
  const frame = Buffer.allocUnsafe(header + length)
  frame[0] = 0x81
  if (header === 2) frame[1] = length
  else if (header === 4) {
    frame[1] = 126
    frame.writeUInt16BE(length, 2)
  } else {
    frame[1] = 127
    frame.writeBigUInt64BE(BigInt(length), 2)
  }
  frame.write(text, header)
  return frame
}

let dirty: SocketWriter[] = []

const flushAll = (): void => {
  const writers = dirty
  dirty = []
  for (const writer of writers) writer.flush()
}

/** Collects the frames of one loop turn for one socket and sends them in one write. */
export class SocketWriter {
  readonly #socket: Duplex
  #frames: Buffer[] = []
  #bytes = 0
  #closed = false

  constructor(socket: Duplex) {
    this.#socket = socket
  }

  /** Bytes that the peer has not taken yet. */
  get backlog(): number {
    return this.#bytes + this.#socket.writableLength
  }

  send(frame: Buffer): void {
    if (this.#closed) return
    this.#bytes += frame.length
    if (this.#frames.push(frame) > 1) return
    if (dirty.push(this) === 1) setImmediate(flushAll)
  }

  flush(): void {
    const frames = this.#frames
    if (frames.length === 0) return
    this.#frames = []
    this.#bytes = 0
    if (!this.#socket.writable) return
    this.#socket.write(frames.length === 1 ? (frames[0] as Buffer) : Buffer.concat(frames))
  }

  /** Sends what was collected, and nothing more: no frame may follow a close frame. */
  close(): void {
    this.flush()
    this.#closed = true
  }
}
