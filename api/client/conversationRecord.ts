import type { Content } from '../../domain/content/content.ts'
import type { OperationResponse } from '../protocol/operations.ts'
import type { ServerFrameOf } from '../protocol/serverFrames.ts'
import { addRun, type Run, type Runs } from './runs.ts'
import type { EventFrame } from './timelineRecord.ts'

/** Seqs: everything up to and including them was delivered to, or read by, a member. */
export interface Watermarks {
  readonly delivered: number
  readonly read: number
}

export interface MessagePreview {
  readonly messageId: string
  readonly revision: number
  readonly seq: number
  readonly from: string
  readonly at: string
  readonly content?: Content | { readonly kind: 'encrypted' }
  readonly deleted?: true
}

/** What this device knows of a conversation. */
export interface ConversationRecord {
  readonly conversationId: string
  readonly kind: 'direct' | 'group'
  readonly mode: 'plain' | 'encrypted'
  readonly title?: string
  /** Both users of a direct conversation. */
  readonly peers: readonly string[]
  readonly role: 'admin' | 'member'
  /** False: you left, or were removed. */
  readonly active: boolean
  /** Revisions whose events are stored here, or are known to be none of this user's. */
  readonly runs: Runs
  /** Revision that comes next on the socket. */
  readonly next: number
  readonly lastSeq: number
  /** Own watermarks: read, sent, and where the conversation was when this user was added. */
  readonly read: number
  /** As far as the server is known to have stored `read`; what is beyond is said again after reconnecting. */
  readonly readStored: number
  readonly lastSent: number
  readonly joinedSeq: number
  /** ISO 8601. */
  readonly activity: string
  readonly last?: MessagePreview
  readonly receipts: Receipts
}

export interface Receipts {
  /** Delivered to, and read by, every member. */
  readonly allDelivered: number
  readonly allRead: number
  /** By userId; complete only where `listed`. */
  readonly by: Readonly<Record<string, Watermarks>>
  /** False after a snapshot, until the watermarks were asked for. */
  readonly listed: boolean
}

export type InboxEntry = OperationResponse<'listInbox'>['conversations'][number]
export type StateFrame = ServerFrameOf<'state'>

export const newConversation = (conversationId: string): ConversationRecord => ({
  conversationId,
  kind: 'group',
  mode: 'plain',
  peers: [],
  role: 'member',
  active: false,
  runs: [],
  next: 0,
  lastSeq: 0,
  read: 0,
  readStored: 0,
  lastSent: 0,
  joinedSeq: 0,
  activity: '',
  receipts: { allDelivered: 0, allRead: 0, by: {}, listed: true },
})

/** The conversation once a run of revisions is stored, whoever may see what is in it. */
export const advance = (before: ConversationRecord, run: Run): ConversationRecord => ({
  ...before,
  runs: addRun(before.runs, run),
  next: Math.max(before.next, run.to + 1),
})

interface EventData {
  readonly messageId?: string
  readonly seq?: number
  readonly content?: Content
  readonly targetRevision?: number
  readonly kind?: 'direct' | 'group'
  readonly mode?: 'plain' | 'encrypted'
  readonly details?: { readonly title: string }
  readonly userId?: string
  readonly role?: 'admin' | 'member'
  readonly lastSeq?: number
}

/** Folds an event that is newer than everything folded before; history only fills in what is older. */
export const foldConversation = (before: ConversationRecord, frame: EventFrame, self: string): ConversationRecord => {
  const data = frame.data as EventData
  const { at } = frame
  switch (frame.eventType) {
    case 'ConversationStarted': {
      const { kind = 'group', mode = 'plain', details } = data
      return { ...before, kind, mode, activity: at, ...(details !== undefined && { title: details.title }) }
    }
    case 'DetailsChanged':
      return data.details === undefined ? before : { ...before, title: data.details.title, activity: at }
    case 'MemberAdded':
      return memberAdded(before, data, at, self)
    case 'MemberRemoved':
    case 'MemberLeft':
      return data.userId === self ? { ...before, active: false, activity: at } : before
    case 'RoleChanged':
      return data.userId === self && data.role !== undefined ? { ...before, role: data.role } : before
    case 'MessageSent':
      return messageSent(before, frame, data, self)
    case 'MessageEdited':
    case 'MessageDeleted':
      return messageChanged(before, frame.eventType, data)
    default:
      return before
  }
}

const memberAdded = (before: ConversationRecord, data: EventData, at: string, self: string): ConversationRecord => {
  const { userId = '', role = 'member', lastSeq = 0 } = data
  const peers = before.kind === 'direct' ? [...new Set([...before.peers, userId])] : before.peers
  if (userId !== self) return { ...before, peers }
  return { ...before, peers, role, active: true, joinedSeq: lastSeq, activity: at }
}

const messageSent = (
  before: ConversationRecord,
  { actor, revision, at }: EventFrame,
  { messageId = '', seq = 0, content }: EventData,
  self: string,
): ConversationRecord => ({
  ...before,
  lastSeq: Math.max(before.lastSeq, seq),
  lastSent: actor.userId === self ? Math.max(before.lastSent, seq) : before.lastSent,
  activity: at,
  last:
    before.last !== undefined && before.last.revision > revision
      ? before.last
      : {
          messageId,
          revision,
          seq,
          from: actor.userId,
          at,
          ...(content === undefined ? { deleted: true as const } : { content }),
        },
})

const messageChanged = (
  before: ConversationRecord,
  eventType: 'MessageEdited' | 'MessageDeleted',
  { targetRevision, content }: EventData,
): ConversationRecord => {
  const { last } = before
  if (last === undefined || last.revision !== targetRevision || last.deleted) return before
  if (eventType === 'MessageEdited' && content !== undefined) return { ...before, last: { ...last, content } }
  const { content: _, ...rest } = last
  return { ...before, last: { ...rest, deleted: true } }
}

/** What the server's inbox says of a conversation, as far as it is not about what this device holds of it. */
export const describe = (before: ConversationRecord, entry: InboxEntry): ConversationRecord => {
  const { kind, mode, title, peers = [], role, active, lastSeq, read, unread, activity, last } = entry
  return {
    ...before,
    kind,
    mode,
    ...(title !== undefined && { title }),
    peers,
    role,
    active,
    lastSeq: Math.max(before.lastSeq, lastSeq),
    ...storedRead(before, read),
    // Whatever the server subtracted besides: own messages, and those from before joining.
    joinedSeq: Math.max(before.joinedSeq, active ? lastSeq - unread : 0),
    activity,
    ...(last !== undefined && { last: previewOf(last) }),
  }
}

/** After a snapshot: what lies between is filled when it is needed, and live goes on behind it. */
export const skipTo = (before: ConversationRecord, revision: number): ConversationRecord =>
  revision < before.next ? before : { ...before, next: revision + 1, receipts: { ...before.receipts, listed: false } }

const previewOf = (last: NonNullable<InboxEntry['last']>): MessagePreview => {
  const { messageId, revision, seq, from, at, content, deleted } = last
  return { messageId, revision, seq, from, at, ...(content && { content }), ...(deleted && { deleted }) }
}

const storedRead = ({ read, readStored }: ConversationRecord, stored: number) => ({
  read: Math.max(read, stored),
  readStored: Math.max(readStored, stored),
})

interface StateData {
  readonly read?: number
  readonly allDelivered?: number
  readonly allRead?: number
  readonly advances?: readonly ({ readonly userId: string } & Watermarks)[]
}

/** Receipts and own watermarks only grow, so that their order does not matter. */
export const foldState = (before: ConversationRecord, frame: StateFrame, self: string): ConversationRecord => {
  const { read = 0, allDelivered = 0, allRead = 0, advances = [] } = frame.data as StateData
  if (frame.kind === 'userState') return { ...before, ...storedRead(before, read) }
  return foldWatermarks(before, { allDelivered, allRead, advances }, self)
}

export const foldWatermarks = (
  before: ConversationRecord,
  { allDelivered, allRead, advances }: Required<Omit<StateData, 'read'>>,
  self: string,
): ConversationRecord => {
  const { receipts } = before
  const by = { ...receipts.by }
  for (const { userId, delivered, read } of advances) {
    const known = by[userId]
    by[userId] = { delivered: Math.max(known?.delivered ?? 0, delivered), read: Math.max(known?.read ?? 0, read) }
  }
  return {
    ...before,
    ...storedRead(before, by[self]?.read ?? 0),
    receipts: {
      ...receipts,
      by,
      allDelivered: Math.max(receipts.allDelivered, allDelivered),
      allRead: Math.max(receipts.allRead, allRead),
    },
  }
}
