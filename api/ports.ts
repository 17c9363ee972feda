import type { ConversationId, DeviceId, UserId } from '../domain/ids.ts'

/** Where a device stands in the log. */
export interface DeviceCursor {
  readonly deviceId: DeviceId
  readonly userId: UserId
  /** `incarnation-position`, as the device was given it. */
  readonly cursor: string
  /** ISO 8601, when the device was last connected. */
  readonly lastSeen: string
}

/** Acknowledged cursors and last seen, per device; outside the log. A save of an older cursor of the same incarnation is ignored, its `lastSeen` is not. */
export interface DeviceCursorStore {
  load(deviceId: DeviceId): Promise<DeviceCursor | undefined>
  save(cursors: readonly DeviceCursor[]): Promise<void>
  /** ISO 8601, the newest of all devices of each user. */
  lastSeen(userIds: readonly UserId[]): Promise<ReadonlyMap<UserId, string>>
  remove(deviceId: DeviceId): Promise<void>
}

/** Small secrets with a lifetime: codes, challenges, refresh and link tokens, counters. Durable when resolved. */
export interface ExpiringStore {
  put(key: string, value: string, ttlMs: number): Promise<void>
  get(key: string): Promise<string | undefined>
  /** Gives the value to exactly one caller, and forgets it. */
  takeOnce(key: string): Promise<string | undefined>
  /** Adds one; the lifetime begins with the first. */
  increment(key: string, ttlMs: number): Promise<number>
  remove(key: string): Promise<void>
}

/** What must not be in the log: gone when nobody listens. */
export type Signal =
  | {
      readonly kind: 'typing'
      readonly conversationId: ConversationId
      readonly userId: UserId
      readonly deviceId: DeviceId
      readonly active: boolean
    }
  | { readonly kind: 'presence'; readonly userId: UserId; readonly online: boolean; readonly lastSeen?: string }

export interface SignalBus {
  publish(signal: Signal): void
  /** Until the signal aborts. A listener must not throw. */
  subscribe(listener: (signal: Signal) => void, signal: AbortSignal): void
  close(): void
}

/** Brings a one-time code to a person. */
export interface CodeSender {
  /** `address` is an e-mail address or a phone number as the person typed it. */
  send(address: string, code: string): Promise<void>
}
