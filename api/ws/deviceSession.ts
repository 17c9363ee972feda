import type { Actor } from '../../domain/eventsourcing/message.ts'
import type { ConversationId, DeviceId, Position, UserId } from '../../domain/ids.ts'
import { AckWindow } from './ackWindow.ts'
import type { RoutedUser } from './routing.ts'
import type { SocketWriter } from './socketWriter.ts'

/** How much may be on its way to one device. */
export interface WindowLimits {
  /** Unacknowledged events. */
  readonly maxEvents: number
  /** Unacknowledged bytes, and bytes that the socket has not taken. */
  readonly maxBytes: number
}

/** Receipts implied by what the device holds from elsewhere: earlier connections, or a snapshot. */
export interface OwedReceipts {
  /** What was acknowledged before; everything is owed without it. */
  readonly from: Position | undefined
  readonly to: Position
  gathering: boolean
}

/** One connected device: what it was sent, what it acknowledged, and whether it keeps up with the feed. */
export class DeviceSession {
  readonly userId: UserId
  readonly deviceId: DeviceId
  readonly actor: Actor
  readonly user: RoutedUser<DeviceSession>
  readonly writer: SocketWriter
  readonly #limits: WindowLimits
  readonly #window = new AckWindow()
  /** True: gets events as the feed brings them. False: is being caught up from `sentTo`. */
  live = false
  closed = false
  /** While catching up: everything up to here was sent. */
  sentTo: Position
  /** While catching up: results that changed after this were not sent yet. */
  statesFrom: Position
  /** Newest position that an acknowledgement may name. */
  offeredTo: Position
  #acknowledged: Position | undefined
  owed: OwedReceipts | undefined
  #wake: (() => void) | undefined

  /** `from`: what the device holds; nothing after it was sent. */
  constructor(
    user: RoutedUser<DeviceSession>,
    deviceId: DeviceId,
    writer: SocketWriter,
    limits: WindowLimits,
    from: Position,
  ) {
    this.userId = user.userId
    this.user = user
    this.deviceId = deviceId
    this.actor = { userId: user.userId, deviceId }
    this.writer = writer
    this.#limits = limits
    this.sentTo = from
    this.statesFrom = from
    this.offeredTo = from
  }

  /** Goes on from the position, without what came before it. */
  skipTo(position: Position): void {
    this.sentTo = position
    this.statesFrom = position
    this.offeredTo = position
    if (this.owed !== undefined) this.owed = { ...this.owed, to: position }
  }

  /** Events that may be sent now. */
  get room(): number {
    if (this.#window.bytes >= this.#limits.maxBytes || this.isStalled) return 0
    return this.#limits.maxEvents - this.#window.size
  }

  /** True while the device does not take what was sent. */
  get isStalled(): boolean {
    return this.writer.backlog >= this.#limits.maxBytes
  }

  /** Newest acknowledged position whose receipts were all gathered. */
  get confirmed(): Position | undefined {
    return this.owed === undefined ? this.#acknowledged : undefined
  }

  /** Sends what has a place in the order, and waits for its acknowledgement. */
  push(frame: Buffer, position: Position, conversationId: ConversationId | undefined, seq: number): void {
    this.writer.send(frame)
    this.#window.add(position, frame.length, conversationId, seq)
    this.offeredTo = position
  }

  /** Sends what nobody misses: a device that does not read goes without. */
  signal(frame: Buffer): void {
    if (!this.isStalled) this.writer.send(frame)
  }

  acknowledge(upTo: Position, delivered: (userId: UserId, conversationId: ConversationId, seq: number) => void): void {
    if (this.#acknowledged === undefined || upTo > this.#acknowledged) this.#acknowledged = upTo
    this.#window.acknowledge(upTo, this.userId, delivered)
    this.wake()
  }

  /** Resolves when there is room, or when the device is gone. */
  async untilRoom(): Promise<void> {
    while (this.room <= 0 && !this.closed)
      await new Promise<void>((resolve) => {
        this.#wake = resolve
      })
  }

  /** There may be room again. */
  wake(): void {
    const wake = this.#wake
    this.#wake = undefined
    wake?.()
  }

  close(): void {
    this.closed = true
    this.wake()
  }
}
