import type { Phase, StopReason } from './connectionState.ts'
import type { Conversation } from './conversation.ts'
import type { Receipts } from './conversationRecord.ts'
import type { ChangeRecord, Message } from './timelineRecord.ts'

/** What happened, told after it was stored (what is sent from here: at once). Unknown types may be added; ignore them. */
export type ClientEvent =
  | { readonly type: 'connection'; readonly phase: Phase; readonly reason?: StopReason }
  /** A message is new on this device: received, sent from here (`sending`), or sent by another own device. */
  | { readonly type: 'message'; readonly message: Message }
  /** A message was edited, deleted, stored by the server, or refused. */
  | { readonly type: 'messageChanged'; readonly message: Message }
  /** A group was renamed, members came and went. */
  | { readonly type: 'change'; readonly change: ChangeRecord }
  /** The entry of a conversation in the inbox changed. */
  | { readonly type: 'conversation'; readonly conversation: Conversation }
  /** Messages were delivered or read: `client.statusOf(message)` has changed for those up to these seqs. */
  | { readonly type: 'receipts'; readonly conversationId: string; readonly receipts: Receipts }
  /** `active: false` also when it has expired. */
  | { readonly type: 'typing'; readonly conversationId: string; readonly userId: string; readonly active: boolean }
  | { readonly type: 'presence'; readonly userId: string; readonly online: boolean; readonly lastSeen?: string }
  | { readonly type: 'profile'; readonly userId: string; readonly displayName: string; readonly about?: string }
  /** The own list of devices changed. */
  | { readonly type: 'devices' }
  /** The server refused a command other than a message for good. */
  | { readonly type: 'refused'; readonly commandId: string; readonly code: string; readonly message: string }
