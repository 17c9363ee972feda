import type { ClientFrameInput } from '../../protocol/clientFrames.ts'
import type { ConversationRecord } from '../conversationRecord.ts'
import type { TimelineRecord } from '../timelineRecord.ts'

/** Who this device is. The key is a JSON Web Key: whoever has it is this device. */
export interface Identity {
  readonly userId: string
  readonly deviceId: string
  readonly key: StoredKey
}

/** An Ed25519 key pair as JSON. */
export interface StoredKey {
  /** 32 bytes as base64url. */
  readonly publicKey: string
  readonly privateKey: JsonWebKey
}

/** A command on its way: sent again, the very same, until the server has answered it. */
export interface OutboxRecord {
  /** UUIDv7, made once: the messageId of a message, else the frame's id. Later commands have greater ids. */
  readonly id: string
  readonly frame: OutboxFrame
  /** ISO 8601. */
  readonly at: string
  readonly state: 'sending' | 'sent' | 'failed'
  /** Of what was stored; present once `sent`. */
  readonly revision?: number
  readonly seq?: number
  /** Why the server refused it for good; present once `failed`. */
  readonly error?: { readonly code: string; readonly message: string }
}

export type OutboxFrame = Extract<ClientFrameInput, { id: string; type: `${Uppercase<string>}${string}` }> & {
  readonly type: Capitalize<string>
}

/** What is stored, by table; every table is ordered by its keys as text. */
export interface Tables {
  /** One record each: `identity`, `cursor`, and `newKey` while a registration is under way. */
  identity: Identity
  newKey: StoredKey
  cursor: string
  /** By the command's id. */
  outbox: OutboxRecord
  /** By conversationId. */
  conversations: ConversationRecord
  /** By `timelineKey`. */
  timeline: TimelineRecord
}

export type TableName = keyof Tables

export const TABLES = [
  'identity',
  'newKey',
  'cursor',
  'outbox',
  'conversations',
  'timeline',
] as const satisfies TableName[]

/** Key in the tables that hold one record. */
export const ONLY = 'only'

/** `value: undefined` removes the record. Values are plain JSON. */
export type Write = {
  [Name in TableName]: { readonly table: Name; readonly key: string; readonly value: Tables[Name] | undefined }
}[TableName]

export interface Range {
  /** Keys that begin with this; all, without it. */
  readonly prefix?: string
  /** Keys below this one only. */
  readonly below?: string
  /** Highest keys first. Default: lowest first. */
  readonly descending?: boolean
  /** Default: no limit. */
  readonly limit?: number
}

/**
 * Where a device keeps what it must not forget. One process or tab has it open at a time: opening it a second time
 * rejects with `StorageLocked`.
 */
export interface ClientStorage {
  get<Name extends TableName>(table: Name, key: string): Promise<Tables[Name] | undefined>
  list<Name extends TableName>(table: Name, range?: Range): Promise<Tables[Name][]>
  /** All or nothing, and durable on return. Of several writes of one key the last one counts. */
  commit(writes: readonly Write[]): Promise<void>
  /** Lets go of the lock. Later calls reject. */
  close(): Promise<void>
}

/** Another process or tab has the storage open. */
export class StorageLocked extends Error {
  override readonly name = 'StorageLocked'
}
