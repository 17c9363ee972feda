import type { DeviceId, UserId } from '../../domain/ids.ts'
import type { Clock, Logger } from '../../domain/ports.ts'
import type { DeviceCursor, DeviceCursorStore } from '../ports.ts'
import type { ReceiptCollector } from './receiptCollector.ts'

/** Devices saved in one go, so that many of them do not hold up the loop. */
const CHUNK = 500

export interface CursorKeeperDeps {
  readonly cursors: DeviceCursorStore
  readonly receipts: ReceiptCollector
  readonly clock: Clock
  readonly logger: Logger
}

/** Saves acknowledged cursors, never before the receipts that they imply. */
export class CursorKeeper {
  readonly #deps: CursorKeeperDeps
  #acknowledged = new Map<DeviceId, Omit<DeviceCursor, 'lastSeen'>>()
  #saving: Promise<void> = Promise.resolve()

  constructor(deps: CursorKeeperDeps) {
    this.#deps = deps
  }

  acknowledged(userId: UserId, deviceId: DeviceId, cursor: string): void {
    this.#acknowledged.set(deviceId, { userId, deviceId, cursor })
  }

  /** Receipts first, then the cursors that were acknowledged before. */
  save(): Promise<void> {
    this.#saving = this.#saving.then(() => this.#save())
    return this.#saving
  }

  async #save(): Promise<void> {
    const acknowledged = this.#acknowledged
    this.#acknowledged = new Map()
    try {
      const complete = await this.#deps.receipts.flush()
      if (!complete) return this.#keep(acknowledged)
      const lastSeen = new Date(this.#deps.clock()).toISOString()
      const all = [...acknowledged.values()].map((cursor) => ({ ...cursor, lastSeen }))
      for (let i = 0; i < all.length; i += CHUNK) await this.#deps.cursors.save(all.slice(i, i + CHUNK))
    } catch (error) {
      this.#deps.logger.warn({ error }, 'cursors wait for the next attempt')
      this.#keep(acknowledged)
    }
  }

  #keep(earlier: ReadonlyMap<DeviceId, Omit<DeviceCursor, 'lastSeen'>>): void {
    for (const [deviceId, cursor] of earlier)
      if (!this.#acknowledged.has(deviceId)) this.#acknowledged.set(deviceId, cursor)
  }
}
