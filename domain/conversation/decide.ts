import { DomainError } from '../errors.ts'
import type { Decider, DecisionContext } from '../eventsourcing/decider.ts'
import type { ConversationCommand, ConversationFacts, ConversationLimits } from './commands.ts'
import { CONVERSATION_SCHEMA, type ConversationEvent, upcastConversation } from './events.ts'
import { addMembers, changeDetails, changeRole, leave, removeMember, startDirect, startGroup } from './membership.ts'
import { deleteMessage, editMessage, sendMessage } from './messages.ts'
import { repeats } from './repeats.ts'
import { type ConversationState, evolveConversation, initialConversation } from './state.ts'

export type { ConversationCommand } from './commands.ts'

export type ConversationContext = DecisionContext<ConversationFacts>

const decide = (
  command: ConversationCommand,
  state: ConversationState,
  context: ConversationContext,
  limits: ConversationLimits,
): readonly ConversationEvent[] | DomainError => {
  if (command.type === 'StartDirect') return startDirect(command, state, context)
  if (command.type === 'StartGroup') return startGroup(command, state, context, limits)
  // Whoever is not a member learns nothing, not even that the conversation exists.
  const member = state.members[context.actor.userId]
  if (member === undefined) return new DomainError('NotFound', 'There is no such conversation, or you are not in it.')
  const { role } = member
  switch (command.type) {
    case 'SendMessage':
      return sendMessage(command, state, context, limits)
    case 'EditMessage':
      return editMessage(command, state, context, limits)
    case 'DeleteMessage':
      return deleteMessage(command, state, context, limits, role)
    case 'AddMembers':
      return addMembers(command, state, context, limits, role)
    case 'RemoveMember':
      return removeMember(command, state, role)
    case 'LeaveConversation':
      return leave(command, state, context, role)
    case 'ChangeRole':
      return changeRole(command, state, role)
    case 'ChangeDetails':
      return changeDetails(command, state, role)
  }
}

/** Conversations: who is in them, and what is said. */
export const conversationDecider = (
  limits: ConversationLimits,
): Decider<ConversationCommand, ConversationState, ConversationEvent, ConversationFacts> => ({
  initial: initialConversation,
  decide: (command, state, context) => decide(command, state, context, limits),
  evolve: evolveConversation,
  repeats,
  upcast: upcastConversation,
  schema: CONVERSATION_SCHEMA,
})
