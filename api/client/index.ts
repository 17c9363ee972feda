export type { Content, TextContent } from '../../domain/content/content.ts'
export type { ErrorCode } from '../../domain/errors.ts'
export {
  type AccountOptions,
  completeRegistration,
  type Identity,
  linkDevice,
  loadIdentity,
  type NewAccount,
  startRegistration,
} from './account.ts'
export type { Client, ClientOptions, TimelineOptions, TimelinePage } from './client.ts'
export { ClientError, type LocalErrorCode } from './clientError.ts'
export type { ClientEvent } from './clientEvent.ts'
export type { Commands, Sending, SendOptions, Target } from './commands.ts'
export type { ConnectionState, Phase, StopReason } from './connectionState.ts'
export type { Conversation } from './conversation.ts'
export type { MessagePreview, Receipts, Watermarks } from './conversationRecord.ts'
export { createClient } from './createClient.ts'
export type { Device, Directory, Member, OwnProfile, Privacy, Profile } from './directory.ts'
export { EventsLost } from './eventStream.ts'
export type { Receiver } from './messageView.ts'
export type { Stored } from './outbox.ts'
export type { OpenSocket, Socket, SocketHandlers } from './socket.ts'
export type { ClientStorage, StorageRange, StorageWrite, StoredEntry, StoredValue } from './storage/clientStorage.ts'
export { openIndexedDbStorage } from './storage/indexedDb.ts'
export { openMemoryStorage } from './storage/memory.ts'
export { openSqliteStorage } from './storage/sqlite.ts'
export type { ChangeRecord, Message, MessageReference, MessageStatus } from './timelineRecord.ts'
export { systemTimers, type Timers } from './timers.ts'
