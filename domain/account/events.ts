import type { DomainEvent, RecordedEvent } from '../eventsourcing/message.ts'
import type { DeviceId, HandleHash, UserId } from '../ids.ts'

/** Whatever may have to be forgotten about a person. */
export interface ProfileDetails {
  /** Lower case, 3 to 32 of `a-z 0-9 _ .`, begins with a letter. */
  readonly handle: string
  readonly displayName: string
  readonly about?: string
}

export interface Privacy {
  /** False: this user's `read` is shared with own devices only. */
  readonly readReceipts: boolean
  /** False: nobody sees whether or when this user was online. */
  readonly lastSeen: boolean
}

export type AccountRegistered = DomainEvent<
  'AccountRegistered',
  { readonly userId: UserId; readonly handleHash: HandleHash; readonly details: ProfileDetails }
>
export type ProfileChanged = DomainEvent<
  'ProfileChanged',
  { readonly details: Pick<ProfileDetails, 'displayName' | 'about'> }
>
export type PrivacyChanged = DomainEvent<'PrivacyChanged', Privacy>
export type DeviceLinked = DomainEvent<
  'DeviceLinked',
  {
    readonly deviceId: DeviceId
    /** Ed25519 public key, 32 bytes as base64url. */
    readonly publicKey: string
    readonly details: { readonly name: string }
  }
>
export type DeviceRenamed = DomainEvent<
  'DeviceRenamed',
  { readonly deviceId: DeviceId; readonly details: { readonly name: string } }
>
export type DeviceRevoked = DomainEvent<'DeviceRevoked', { readonly deviceId: DeviceId }>

export type AccountEvent =
  | AccountRegistered
  | ProfileChanged
  | PrivacyChanged
  | DeviceLinked
  | DeviceRenamed
  | DeviceRevoked

const KNOWN: ReadonlySet<string> = new Set<AccountEvent['type']>([
  'AccountRegistered',
  'ProfileChanged',
  'PrivacyChanged',
  'DeviceLinked',
  'DeviceRenamed',
  'DeviceRevoked',
])

/** Newest shape of this aggregate's events. */
export const ACCOUNT_SCHEMA = 1

/** Any shape ever stored, as today's event; `undefined` for a type this version does not know. */
export const upcastAccount = (event: Pick<RecordedEvent, 'type' | 'data'>): AccountEvent | undefined =>
  KNOWN.has(event.type) ? (event as AccountEvent) : undefined
