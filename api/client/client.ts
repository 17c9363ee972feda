import type { AccountOptions } from './account.ts'
import type { ClientEvent } from './clientEvent.ts'
import type { Commands } from './commands.ts'
import type { ConnectionState } from './connectionState.ts'
import type { Conversation } from './conversation.ts'
import type { Directory } from './directory.ts'
import type { Receiver } from './messageView.ts'
import type { OpenSocket } from './socket.ts'
import type { ChangeRecord, Message } from './timelineRecord.ts'

export interface ClientOptions extends AccountOptions {
  /** Default: the platform's WebSocket, else that of the package `ws`. */
  readonly openSocket?: OpenSocket
}

export interface TimelineOptions {
  /** Only what is older: `before` of the page shown last. Default: the newest. */
  readonly before?: number
  /** Default: 50. */
  readonly limit?: number
}

export interface TimelinePage {
  /** Ascending; the newest page ends with the messages that wait to be sent. */
  readonly items: readonly (Message | ChangeRecord)[]
  /** For the next older page; absent at the beginning of the conversation. */
  readonly before?: number
}

/** A device that is signed in. Works offline on what is stored; `connect` keeps it up to date. */
export interface Client extends Commands {
  readonly userId: string
  readonly deviceId: string
  readonly connection: ConnectionState
  /** Accounts, profiles, devices. */
  readonly directory: Directory
  /** Stays connected until `close`, or until the server says that it makes no sense. */
  connect(): void
  /** Goes offline until `connect`; what is sent meanwhile waits. */
  disconnect(): void
  /** Resolves when everything there is has arrived; rejects with a `ClientError` when the client was stopped. */
  live(): Promise<void>
  /** Disconnects, stores what came last, and lets go of the storage. */
  close(): Promise<void>
  /** What happens from now on; each subscriber gets everything. Ends with the client, or by `signal`. */
  events(signal?: AbortSignal): AsyncIterableIterator<ClientEvent>
  /** The inbox: the most recently active first. */
  conversations(): readonly Conversation[]
  conversation(conversationId: string): Conversation | undefined
  timeline(conversationId: string, options?: TimelineOptions): Promise<TimelinePage>
  /** The message with its status as it is now. */
  refresh(message: Message): Message
  /** Who has received and read an own message. */
  receivers(message: Message): readonly Receiver[]
  /** Everything up to `seq` was read. Default: up to the newest message. */
  markRead(conversationId: string, seq?: number): Promise<void>
  /** Tells the others; to be repeated while typing goes on. */
  setTyping(conversationId: string, active: boolean): void
  /** Whose presence to be told of; replaces the list before, and lasts over reconnecting. */
  watchPresence(userIds: readonly string[]): void
  /** Sends a failed message again. */
  retry(messageId: string): Promise<void>
  /** Forgets a failed message. */
  discard(messageId: string): Promise<void>
}
