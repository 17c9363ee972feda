import type { DeviceId, Position, UserId } from '../../domain/ids.ts'
import type { Clock, Logger } from '../../domain/ports.ts'
import type { DeviceCursorStore } from '../ports.ts'
import { encodeCursor } from '../protocol/cursor.ts'
import type { ReceiptCollector } from './receiptCollector.ts'

/** Devices saved in one go, so that many of them do not hold up the loop. */
const CHUNK = 500

/** Orders before every position: for a device that was seen, and acknowledged nothing yet. */
const NOWHERE = '' as Position

/** A device of which there is something to save. */
export interface Place {
  readonly userId: UserId
  readonly deviceId: DeviceId
  /** Newest acknowledged position whose receipts were gathered. */
  readonly confirmed: Position | undefined
}

export interface CursorKeeperDeps {
  readonly cursors: DeviceCursorStore
  readonly receipts: ReceiptCollector
  readonly incarnation: string
  readonly clock: Clock
  readonly logger: Logger
}

/** Saves acknowledged cursors, never before the receipts that they imply, and when devices were last seen. */
export class CursorKeeper {
  readonly #deps: CursorKeeperDeps
  #noted = new Map<DeviceId, Place>()
  #running: Promise<void> | undefined
  #next: Promise<void> | undefined

  constructor(deps: CursorKeeperDeps) {
    this.#deps = deps
  }

  /** The device was here, or acknowledged more; the place is looked at when it is saved. */
  note(place: Place): void {
    this.#noted.set(place.deviceId, place)
  }

  /** Resolves when what was noted before the call was tried. However often it is called, at most one more waits. */
  save(): Promise<void> {
    if (this.#running === undefined) {
      this.#running = this.#save().finally(() => {
        this.#running = undefined
      })
      return this.#running
    }
    this.#next ??= this.#running.then(() => {
      this.#next = undefined
      return this.save()
    })
    return this.#next
  }

  async #save(): Promise<void> {
    const { receipts, cursors, incarnation, clock, logger } = this.#deps
    const noted = this.#noted
    this.#noted = new Map()
    // As of now: what is acknowledged from here on has its receipts in the next round.
    const places = [...noted.values()].map(({ userId, deviceId, confirmed = NOWHERE }) => ({
      userId,
      deviceId,
      cursor: encodeCursor(incarnation, confirmed),
    }))
    try {
      if (!(await receipts.flush())) return this.#keep(noted)
      const lastSeen = new Date(clock()).toISOString()
      for (let i = 0; i < places.length; i += CHUNK)
        await cursors.save(places.slice(i, i + CHUNK).map((place) => ({ ...place, lastSeen })))
    } catch (error) {
      logger.warn({ error }, 'cursors wait for the next attempt')
      this.#keep(noted)
    }
  }

  #keep(earlier: ReadonlyMap<DeviceId, Place>): void {
    for (const [deviceId, place] of earlier) if (!this.#noted.has(deviceId)) this.#noted.set(deviceId, place)
  }
}
