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

/** One connected device: what it was sent, what it acknowledged, and whether it keeps up with the feed. */
export class DeviceSession {
  readonly userId: UserId
  readonly deviceId: DeviceId
  readonly user: RoutedUser<DeviceSession>
  readonly writer: SocketWriter
  readonly #limits: WindowLimits
  readonly #window = new AckWindow()
  /** True: gets events as the feed brings them. False: is being caught up from `sentTo`. */
  live = false
  closed = false
  /** While catching up: everything up to here was sent. */
  sentTo: Position
  /** While catching up: results that changed after this were not sent yet; all, without it. */
  statesFrom: Position | undefined
  /** Newest position that an acknowledgement may name. */
  offeredTo: Position
  acknowledged: Position | undefined
  /** Wakes the catching up when there is room again. */
  wake: (() => void) | undefined

  constructor(
    user: RoutedUser<DeviceSession>,
    deviceId: DeviceId,
    writer: SocketWriter,
    limits: WindowLimits,
    sentTo: Position,
    statesFrom: Position | undefined,
  ) {
    this.userId = user.userId
    this.user = user
    this.deviceId = deviceId
    this.writer = writer
    this.#limits = limits
    this.sentTo = sentTo
    this.statesFrom = statesFrom
    this.offeredTo = sentTo
  }

  /** Events that may be sent now. */
  get room(): number {
    if (this.#window.bytes >= this.#limits.maxBytes || this.writer.backlog >= this.#limits.maxBytes) return 0
    return this.#limits.maxEvents - this.#window.size
  }

  /** Sends what has a place in the order, and waits for its acknowledgement. */
  push(frame: Buffer, position: Position, conversationId: ConversationId | undefined, seq: number): void {
    this.writer.send(frame)
    this.#window.add(position, frame.length, conversationId, seq)
    this.offeredTo = position
  }

  acknowledge(upTo: Position, delivered: (conversationId: ConversationId, seq: number) => void): void {
    if (this.acknowledged === undefined || upTo > this.acknowledged) this.acknowledged = upTo
    this.#window.acknowledge(upTo, delivered)
    this.wake?.()
  }

  close(): void {
    this.closed = true
    this.wake?.()
  }
}
