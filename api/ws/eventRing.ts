import type { PositionedEvent } from '../../domain/eventsourcing/message.ts'
import type { Position } from '../../domain/ids.ts'

/** Objects around an event's text. */
const OVERHEAD = 512

/** The newest events of the log in memory, once for all devices of the node; bounded by count and bytes. */
export class EventRing {
  readonly #slots: (PositionedEvent | undefined)[]
  readonly #maxBytes: number
  #floor: Position
  #first = 0
  #next = 0
  #bytes = 0

  constructor(capacity: number, maxBytes: number, floor: Position) {
    this.#slots = new Array(capacity)
    this.#maxBytes = maxBytes
    this.#floor = floor
  }

  /** Position of the newest event that went by. */
  get head(): Position {
    return this.#next > this.#first ? this.at(this.#next - 1).position : this.#floor
  }

  /** Everything after this position is here. */
  get floor(): Position {
    return this.#floor
  }

  /** Ordinal of the oldest event that is here. */
  get first(): number {
    return this.#first
  }

  /** Ordinal that the next event will get. */
  get end(): number {
    return this.#next
  }

  push(event: PositionedEvent): void {
    if (this.#next - this.#first === this.#slots.length) this.#dropOldest()
    this.#slots[this.#next++ % this.#slots.length] = event
    this.#bytes += event.dataText.length + OVERHEAD
    while (this.#bytes > this.#maxBytes && this.#next - this.#first > 1) this.#dropOldest()
  }

  at(ordinal: number): PositionedEvent {
    const event = this.#slots[ordinal % this.#slots.length]
    if (event === undefined || ordinal < this.#first || ordinal >= this.#next) throw new RangeError('not in the ring')
    return event
  }

  /** True when every event after the position is here. */
  covers(position: Position): boolean {
    return position >= this.#floor
  }

  /** Ordinal of the first event after the position, which the ring covers. */
  after(position: Position): number {
    let low = this.#first
    let high = this.#next
    while (low < high) {
      const middle = (low + high) >> 1
      if (this.at(middle).position <= position) low = middle + 1
      else high = middle
    }
    return low
  }

  #dropOldest(): void {
    const oldest = this.at(this.#first)
    this.#floor = oldest.position
    this.#bytes -= oldest.dataText.length + OVERHEAD
    this.#slots[this.#first++ % this.#slots.length] = undefined
  }
}
