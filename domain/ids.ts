declare const brand: unique symbol
type Branded<Name extends string> = string & { readonly [brand]: Name }

export type UserId = Branded<'UserId'>
export type DeviceId = Branded<'DeviceId'>
export type ConversationId = Branded<'ConversationId'>
export type MessageId = Branded<'MessageId'>
/** Identity of a command, unique per actor: the messageId, an Idempotency-Key or a frame's id. */
export type CommandId = Branded<'CommandId'>
export type EventId = Branded<'EventId'>
export type StreamName = Branded<'StreamName'>
/** Place in the whole log: fixed-width hexadecimal text that orders as text; opaque outside its adapter. */
export type Position = Branded<'Position'>
/** Keyed hash of a handle, 64 hexadecimal digits: handles themselves never become names of streams. */
export type HandleHash = Branded<'HandleHash'>

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[1-8][0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/

export const isUuid = (text: string): boolean => UUID.test(text)

export const isUuidV7 = (text: string): boolean => text.charCodeAt(14) === 55 && UUID.test(text)

/** Milliseconds since the epoch that a UUIDv7 was made at. */
export const timeOfUuidV7 = (id: string): number => Number.parseInt(id.slice(0, 8) + id.slice(9, 13), 16)

/** How far ahead of the server's clock a client-made id may be, in milliseconds. */
export const ID_MAX_AHEAD_MS = 5 * 60_000

/** The actor of everything that Parley does by itself. */
export const SYSTEM_USER = '00000000-0000-8000-8000-000000000000' as UserId

export const LOG_STREAM = 'log-main' as StreamName

/** Categories of streams: the text before the first `-` of a stream's name. */
export type Category = 'log' | 'account' | 'handle' | 'conversation' | 'receipts' | 'userState'

export const accountStream = (id: UserId): StreamName => `account-${id}` as StreamName
export const handleStream = (hash: HandleHash): StreamName => `handle-${hash}` as StreamName
export const conversationStream = (id: ConversationId): StreamName => `conversation-${id}` as StreamName
export const receiptsStream = (id: ConversationId): StreamName => `receipts-${id}` as StreamName
export const userStateStream = (id: UserId): StreamName => `userState-${id}` as StreamName

export const categoryOf = (stream: StreamName): Category => stream.slice(0, stream.indexOf('-')) as Category
/** The id in a stream's name: what follows the first `-`. */
export const idOf = <Id extends string>(stream: StreamName): Id => stream.slice(stream.indexOf('-') + 1) as Id
