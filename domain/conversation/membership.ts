import { DomainError } from '../errors.ts'
import type { DecisionContext } from '../eventsourcing/decider.ts'
import type { UserId } from '../ids.ts'
import {
  type AddMembers,
  type ChangeDetails,
  type ChangeRole,
  type ConversationFacts,
  type ConversationLimits,
  type LeaveConversation,
  MAX_MEMBERS_PER_COMMAND,
  type RemoveMember,
  type StartDirect,
  type StartGroup,
} from './commands.ts'
import type { ConversationEvent, MemberAdded, Role } from './events.ts'
import type { ConversationState } from './state.ts'

type Decision = readonly ConversationEvent[] | DomainError
type Context = DecisionContext<ConversationFacts>

/** Both sides may start it at once, and again later: it is one conversation, started once. */
export const startDirect = (command: StartDirect, state: ConversationState, { actor, facts }: Context): Decision => {
  if (command.peer === actor.userId)
    return new DomainError('InvalidRequest', 'A direct conversation needs another user than yourself.')
  if (command.mode === 'encrypted') return encryptionUnavailable()
  const missing = missingUser([command.peer], facts)
  if (missing !== undefined) return missing
  if (state.kind !== undefined) return []
  const { conversationId, mode } = command
  return [
    { type: 'ConversationStarted', data: { conversationId, kind: 'direct', mode } },
    founding(actor.userId, 'member'),
    founding(command.peer, 'member'),
  ]
}

export const startGroup = (
  command: StartGroup,
  state: ConversationState,
  { actor, facts }: Context,
  limits: ConversationLimits,
): Decision => {
  const others = [...new Set(command.members)].filter((userId) => userId !== actor.userId)
  if (command.mode === 'encrypted') return encryptionUnavailable()
  if (others.length > MAX_MEMBERS_PER_COMMAND) return tooManyAtOnce()
  if (others.length + 1 > limits.maxGroupSize) return groupFull(limits)
  const missing = missingUser(others, facts)
  if (missing !== undefined) return missing
  if (state.kind !== undefined) return new DomainError('IdempotencyConflict', 'This conversation exists already.')
  const { conversationId, mode, title } = command
  return [
    { type: 'ConversationStarted', data: { conversationId, kind: 'group', mode, details: { title } } },
    founding(actor.userId, 'admin'),
    ...others.map((userId) => founding(userId, 'member')),
  ]
}

export const addMembers = (
  command: AddMembers,
  state: ConversationState,
  { facts }: Context,
  limits: ConversationLimits,
  role: Role,
): Decision => {
  const refusal = groupAdminOnly(state, role)
  if (refusal !== undefined) return refusal
  const userIds = [...new Set(command.userIds)]
  if (userIds.length > MAX_MEMBERS_PER_COMMAND) return tooManyAtOnce()
  const present = userIds.find((userId) => state.members[userId] !== undefined)
  if (present !== undefined) return new DomainError('AlreadyMember', `User ${present} is a member already.`)
  const missing = missingUser(userIds, facts)
  if (missing !== undefined) return missing
  if (state.memberCount + userIds.length > limits.maxGroupSize) return groupFull(limits)
  return userIds.map((userId) => ({ type: 'MemberAdded', data: { userId, role: 'member', lastSeq: state.lastSeq } }))
}

export const removeMember = (command: RemoveMember, state: ConversationState, role: Role): Decision => {
  const refusal = groupAdminOnly(state, role)
  if (refusal !== undefined) return refusal
  const target = state.members[command.userId]
  if (target === undefined) return notAMember(command.userId)
  if (target.role === 'admin' && state.adminCount === 1) return lastAdmin()
  return [{ type: 'MemberRemoved', data: { userId: command.userId, lastSeq: state.lastSeq } }]
}

export const leave = (
  command: LeaveConversation,
  state: ConversationState,
  { actor }: Context,
  role: Role,
): Decision => {
  if (state.kind === 'direct')
    return new DomainError('NotForDirect', 'A direct conversation cannot be left; archive it on your devices instead.')
  const left: ConversationEvent = { type: 'MemberLeft', data: { userId: actor.userId, lastSeq: state.lastSeq } }
  const { successor } = command
  if (successor !== undefined) {
    if (successor === actor.userId) return new DomainError('InvalidRequest', 'The successor must be somebody else.')
    if (role !== 'admin') return notAdmin()
    const next = state.members[successor]
    if (next === undefined) return notAMember(successor)
    if (next.role === 'admin') return [left]
    return [{ type: 'RoleChanged', data: { userId: successor, role: 'admin' } }, left]
  }
  if (role === 'admin' && state.adminCount === 1 && state.memberCount > 1) return lastAdmin()
  return [left]
}

export const changeRole = (command: ChangeRole, state: ConversationState, role: Role): Decision => {
  const refusal = groupAdminOnly(state, role)
  if (refusal !== undefined) return refusal
  const before = state.members[command.userId]
  if (before === undefined) return notAMember(command.userId)
  if (before.role === command.role) return []
  if (before.role === 'admin' && state.adminCount === 1) return lastAdmin()
  return [{ type: 'RoleChanged', data: { userId: command.userId, role: command.role } }]
}

export const changeDetails = (command: ChangeDetails, state: ConversationState, role: Role): Decision => {
  const refusal = groupAdminOnly(state, role)
  if (refusal !== undefined) return refusal
  if (command.title === state.title) return []
  return [{ type: 'DetailsChanged', data: { details: { title: command.title } } }]
}

const founding = (userId: UserId, role: Role): MemberAdded => ({
  type: 'MemberAdded',
  data: { userId, role, lastSeq: 0, founding: true },
})

const groupAdminOnly = (state: ConversationState, role: Role): DomainError | undefined => {
  if (state.kind === 'direct') return new DomainError('NotForDirect', 'Only groups have this; start a group instead.')
  return role === 'admin' ? undefined : notAdmin()
}

const missingUser = (userIds: readonly UserId[], facts: ConversationFacts): DomainError | undefined => {
  const missing = userIds.find((userId) => !facts.existing?.has(userId))
  return missing === undefined ? undefined : new DomainError('NotFound', `There is no user ${missing}.`)
}

const notAdmin = () => new DomainError('NotAdmin', 'Only an admin of the group may do this; ask one of them.')
const lastAdmin = () =>
  new DomainError('LastAdmin', 'This is the last admin; make another member an admin first, or name a successor.')
const notAMember = (userId: UserId) => new DomainError('NotAMember', `User ${userId} is not a member of the group.`)
const tooManyAtOnce = () =>
  new DomainError('InvalidRequest', `At most ${MAX_MEMBERS_PER_COMMAND} members can be added at once; send several.`)
const groupFull = (limits: ConversationLimits) =>
  new DomainError('GroupFull', `A group has at most ${limits.maxGroupSize} members.`)
const encryptionUnavailable = () =>
  new DomainError('EncryptionUnavailable', 'Encrypted conversations are not accepted yet; start it with mode "plain".')
