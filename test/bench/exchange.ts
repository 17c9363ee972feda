import { setTimeout as sleep } from 'node:timers/promises'
import { createNewId, systemClock } from '../../infra/composition/runtime.ts'
import { FrameTemplate, type WireSocket } from './wireSocket.ts'

const CURSOR_AT = '{"type":"event","cursor":"'.length
const CURSOR_LENGTH = 8 + 1 + 16
const TYPE_AT = '{"type":"'.length
const [O, E, V, R] = [...'oevr'].map((letter) => letter.charCodeAt(0))
const NUMBER_LENGTH = 12
/** One frame in this many is parsed whole and compared with what was sent. */
const CHECK_EVERY = 64
const newId = createNewId(systemClock)

/** A connected device: tells its events to a lane, and acknowledges what each read brought. */
export class Peer {
  readonly #socket: WireSocket
  readonly #ack = new FrameTemplate(JSON.stringify({ type: 'ack', cursor: 'c'.repeat(CURSOR_LENGTH) }))
  readonly #ackAt = '{"type":"ack","cursor":"'.length
  #unacknowledged = false
  #oks = 0
  #events = 0
  /** Told the how-manieth event this is, and its frame where that is to be checked. */
  onEvent: (number: number, checked: string | undefined) => void = () => {}
  onOk: (number: number, checked: string | undefined) => void = () => {}
  onBatch: () => void = () => {}
  /** Parses every frame, so that the answers tell where they stand. */
  thorough = false
  /** A relay does not tell senders of their own messages; its ceiling includes the same acknowledgements. */
  readonly #acksOks: boolean

  constructor(socket: WireSocket, acksOks: boolean) {
    this.#socket = socket
    this.#acksOks = acksOks
    socket.onFrame = (bytes, start, end) => this.#take(bytes, start, end)
    socket.onBatch = () => this.#batch()
    socket.onClose = (reason) => {
      throw new Error(`a device lost its connection: ${reason}`)
    }
  }

  get socket(): WireSocket {
    return this.#socket
  }

  /** Numbers begin again. */
  restart(): void {
    this.#oks = 0
    this.#events = 0
  }

  #take(bytes: Buffer, start: number, end: number): void {
    const first = bytes[start + TYPE_AT]
    const second = bytes[start + TYPE_AT + 1]
    if (first === E && second === V) {
      this.#ack.write(this.#ackAt, bytes, start + CURSOR_AT, start + CURSOR_AT + CURSOR_LENGTH)
      this.#unacknowledged = true
      const number = this.#events++
      this.onEvent(number, this.#checked(number, bytes, start, end))
    } else if (first === O) {
      if (this.#acksOks) this.#unacknowledged = true
      const number = this.#oks++
      this.onOk(number, this.#checked(number, bytes, start, end))
    } else if (first === E && second === R) throw new Error(bytes.toString('utf8', start, end))
  }

  #checked(number: number, bytes: Buffer, start: number, end: number): string | undefined {
    return this.thorough || number % CHECK_EVERY === 0 ? bytes.toString('utf8', start, end) : undefined
  }

  #batch(): void {
    if (this.#unacknowledged) {
      this.#unacknowledged = false
      this.#socket.queue(this.#ack.copy())
    }
    this.onBatch()
    this.#socket.flush()
  }
}

/** One sender, and those who must have got a message before it is done. */
class Lane {
  readonly #sender: Peer
  readonly #copies: number
  readonly #frame: FrameTemplate
  readonly #numbersAt: readonly number[]
  readonly #window: number
  readonly #missing: Int32Array
  readonly #sentAt: Float64Array
  readonly #latencies: number[]
  readonly #number = Buffer.alloc(NUMBER_LENGTH)
  #sent = 0
  #completed = 0
  #stopped = false
  /** Position of the newest answer, once the lane was stopped. */
  position: string | undefined

  constructor(options: {
    readonly sender: Peer
    readonly recipients: readonly Peer[]
    /** Fields of the message besides its ids. */
    readonly message: object
    readonly window: number
    /** Takes the milliseconds from sending to the recipients' having it and the sender's `ok`, whichever is last. */
    readonly latencies: number[]
  }) {
    const { sender, recipients, message, window, latencies } = options
    this.#sender = sender
    this.#copies = recipients.length
    this.#window = window
    this.#latencies = latencies
    this.#missing = new Int32Array(window)
    this.#sentAt = new Float64Array(window)
    const number = '_'.repeat(NUMBER_LENGTH)
    const messageId = newId().slice(0, -NUMBER_LENGTH) + number
    const text = JSON.stringify({ type: 'SendMessage', id: number, messageId, ...message })
    this.#frame = new FrameTemplate(text)
    this.#numbersAt = [text.indexOf(number), text.lastIndexOf(number)]
    sender.restart()
    sender.thorough = false
    sender.onOk = (n, checked) => this.#ok(n, checked)
    for (const recipient of recipients) {
      recipient.restart()
      recipient.onEvent = (n, checked) => this.#event(n, checked)
    }
    for (const peer of [sender, ...recipients]) peer.onBatch = () => this.start()
  }

  get completed(): number {
    return this.#completed
  }

  get idle(): boolean {
    return this.#completed === this.#sent
  }

  /** Sends as many messages as the window has room for, in one write. */
  start(): void {
    while (!this.#stopped && this.#sent - this.#completed < this.#window) this.#send()
    this.#sender.socket.flush()
  }

  /** Sends no more; what is under way still counts. */
  stop(): void {
    this.#stopped = true
    this.#sender.thorough = true
  }

  #send(): void {
    const number = this.#sent++
    const slot = number % this.#window
    this.#missing[slot] = this.#copies + 1
    this.#sentAt[slot] = performance.now()
    this.#number.write(numberText(number))
    for (const at of this.#numbersAt) this.#frame.write(at, this.#number, 0, NUMBER_LENGTH)
    this.#sender.socket.queue(this.#frame.copy())
  }

  #ok(number: number, checked: string | undefined): void {
    if (checked !== undefined) {
      const { id, position } = JSON.parse(checked) as { id: string; position?: string }
      if (id !== numberText(number)) throw new Error(`answer ${number} is not of that message: ${checked}`)
      this.position = position
    }
    this.#arrived(number)
  }

  #event(number: number, checked: string | undefined): void {
    if (checked !== undefined) {
      const { data } = JSON.parse(checked) as { data: { messageId?: string } }
      if (!data.messageId?.endsWith(numberText(number))) throw new Error(`event ${number} is another one: ${checked}`)
    }
    this.#arrived(number)
  }

  #arrived(number: number): void {
    const slot = number % this.#window
    const missing = (this.#missing[slot] as number) - 1
    this.#missing[slot] = missing
    if (missing > 0) return
    this.#latencies.push(performance.now() - (this.#sentAt[slot] as number))
    this.#completed++
  }
}

const numberText = (number: number): string => number.toString(16).padStart(NUMBER_LENGTH, '0')

export interface Traffic {
  readonly messages: number
  /** Milliseconds from sending to the recipients' having it and the sender's `ok`, ascending. */
  readonly latencies: readonly number[]
  /** Newest position that an answer told. */
  readonly position: string | undefined
}

export interface Route {
  readonly conversationId: string
  readonly sender: Peer
  readonly recipients: readonly Peer[]
}

/** Keeps `window` messages under way on every route for a time, then waits for the last ones. */
export const exchange = async (
  routes: readonly Route[],
  { window, seconds, text }: { readonly window: number; readonly seconds: number; readonly text: string },
): Promise<Traffic> => {
  const latencies: number[] = []
  const lanes = routes.map(({ conversationId, sender, recipients }) => {
    const message = { conversationId, content: { kind: 'text', text } }
    return new Lane({ sender, recipients, message, window, latencies })
  })
  for (const lane of lanes) lane.start()
  await sleep(seconds * 1_000)
  for (const lane of lanes) lane.stop()
  while (!lanes.every(({ idle }) => idle)) await sleep(1)
  return {
    messages: lanes.reduce((sum, { completed }) => sum + completed, 0),
    latencies: latencies.sort((a, b) => a - b),
    position: lanes
      .map(({ position }) => position)
      .sort()
      .at(-1),
  }
}
