import type { Folded } from '../eventsourcing/decider.ts'
import type { UserId } from '../ids.ts'
import type { ConversationEvent, ConversationKind, ConversationMode, Role } from './events.ts'

/** How long a deletion is remembered here: no edit window may be longer. */
export const MAX_EDIT_WINDOW_MS = 24 * 3_600_000

export interface Member {
  readonly role: Role
  /** Seq of the newest message when they were added. */
  readonly joinedSeq: number
}

/** What decisions about a conversation need. Plain JSON, so that it can be snapshotted. */
export interface ConversationState {
  /** `undefined`: nobody started it yet. */
  readonly kind?: ConversationKind
  readonly mode?: ConversationMode
  readonly title?: string
  readonly members: Readonly<Record<UserId, Member>>
  readonly memberCount: number
  readonly adminCount: number
  /** Seq of the newest message; 0 while there is none. */
  readonly lastSeq: number
  /** Revisions of messages deleted lately, oldest first, with the moment of deletion. */
  readonly deleted: readonly { readonly revision: number; readonly at: number }[]
}

type Mutable = { -readonly [K in keyof ConversationState]: ConversationState[K] } & {
  members: Record<UserId, Member>
  deleted: { revision: number; at: number }[]
}

export const initialConversation = (): ConversationState => ({
  members: {},
  memberCount: 0,
  adminCount: 0,
  lastSeq: 0,
  deleted: [],
})

/** Folds one event into the state it is given, which it owns. Costs the same whatever the group's size. */
export const evolveConversation = (
  before: ConversationState,
  event: ConversationEvent,
  _revision: number,
  meta: Folded,
): ConversationState => {
  const state = before as Mutable
  switch (event.type) {
    case 'ConversationStarted':
      state.kind = event.data.kind
      state.mode = event.data.mode
      if (event.data.details !== undefined) state.title = event.data.details.title
      break
    case 'MemberAdded':
      setMember(state, event.data.userId, { role: event.data.role, joinedSeq: event.data.lastSeq })
      break
    case 'MemberRemoved':
    case 'MemberLeft':
      setMember(state, event.data.userId, undefined)
      break
    case 'RoleChanged': {
      const { userId, role } = event.data
      const member = state.members[userId]
      if (member !== undefined) setMember(state, userId, { ...member, role })
      break
    }
    case 'DetailsChanged':
      state.title = event.data.details.title
      break
    case 'MessageSent':
      state.lastSeq = event.data.seq
      break
    case 'MessageEdited':
      break
    case 'MessageDeleted':
      rememberDeletion(state, event.data.targetRevision, Date.parse(meta.at))
      break
  }
  return state
}

const setMember = (state: Mutable, userId: UserId, member: Member | undefined): void => {
  const before = state.members[userId]
  if (before === undefined && member !== undefined) state.memberCount++
  if (before !== undefined && member === undefined) state.memberCount--
  if (before?.role === 'admin') state.adminCount--
  if (member?.role === 'admin') state.adminCount++
  if (member === undefined) delete state.members[userId]
  else state.members[userId] = member
}

/** A message that is older than the edit window cannot be edited anyway, so neither can one whose deletion is. */
const rememberDeletion = (state: Mutable, revision: number, at: number): void => {
  let expired = 0
  for (const deletion of state.deleted) {
    if (deletion.at >= at - MAX_EDIT_WINDOW_MS) break
    expired++
  }
  if (expired > 0) state.deleted.splice(0, expired)
  state.deleted.push({ revision, at })
}
