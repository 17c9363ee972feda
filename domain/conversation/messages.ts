import { checkContent } from '../content/content.ts'
import { DomainError } from '../errors.ts'
import type { DecisionContext } from '../eventsourcing/decider.ts'
import type {
  ConversationFacts,
  ConversationLimits,
  DeleteMessage,
  EditMessage,
  SendMessage,
  TargetMessage,
} from './commands.ts'
import type { ConversationEvent, MessageReference, Role } from './events.ts'
import type { ConversationState } from './state.ts'

type Decision = readonly ConversationEvent[] | DomainError
type Context = DecisionContext<ConversationFacts>

export const sendMessage = (
  command: SendMessage,
  state: ConversationState,
  { facts }: Context,
  limits: ConversationLimits,
): Decision => {
  const invalid = checkContent(command.content, limits)
  if (invalid !== undefined) return invalid
  const { messageId, content, replyTo } = command
  const seq = state.lastSeq + 1
  if (replyTo === undefined) return [{ type: 'MessageSent', data: { messageId, seq, content } }]
  if (targetOf(replyTo, facts) === undefined) return messageNotFound()
  return [{ type: 'MessageSent', data: { messageId, seq, replyTo, content } }]
}

export const editMessage = (
  command: EditMessage,
  state: ConversationState,
  { now, actor, facts }: Context,
  limits: ConversationLimits,
): Decision => {
  const target = targetOf(command, facts)
  if (target === undefined) return messageNotFound()
  if (target.author !== actor.userId) return new DomainError('NotAuthor', 'Only its author may edit a message.')
  if (isDeleted(state, target)) return new DomainError('MessageDeleted', 'This message was deleted for everyone.')
  if (now - target.sentAt > limits.editWindowMs)
    return new DomainError(
      'EditWindowClosed',
      `A message can be edited for ${minutes(limits.editWindowMs)} after it was sent; send a new one.`,
    )
  const invalid = checkContent(command.content, limits)
  if (invalid !== undefined) return invalid
  const { messageId, seq, revision } = target
  return [{ type: 'MessageEdited', data: { messageId, seq, targetRevision: revision, content: command.content } }]
}

/** Deleting again is harmless: whoever meets two deletions shows one. */
export const deleteMessage = (
  command: DeleteMessage,
  state: ConversationState,
  { now, actor, facts }: Context,
  limits: ConversationLimits,
  role: Role,
): Decision => {
  const target = targetOf(command, facts)
  if (target === undefined) return messageNotFound()
  if (role !== 'admin') {
    if (target.author !== actor.userId)
      return new DomainError('NotAuthor', 'Only its author or an admin may delete a message for everyone.')
    if (now - target.sentAt > limits.deleteWindowMs)
      return new DomainError(
        'DeleteWindowClosed',
        `A message can be deleted for everyone for ${minutes(limits.deleteWindowMs)} after it was sent.`,
      )
  }
  if (isDeleted(state, target)) return []
  const { messageId, seq, revision } = target
  return [{ type: 'MessageDeleted', data: { messageId, seq, targetRevision: revision } }]
}

const targetOf = (reference: MessageReference, facts: ConversationFacts): TargetMessage | undefined =>
  facts.target?.messageId === reference.messageId && facts.target.revision === reference.revision
    ? facts.target
    : undefined

const isDeleted = (state: ConversationState, target: TargetMessage): boolean =>
  state.deleted.some((deletion) => deletion.revision === target.revision)

const messageNotFound = () =>
  new DomainError('NotFound', 'There is no such message at this revision; take both from the message you received.')

const minutes = (ms: number): string => `${Math.round(ms / 60_000)} minutes`
