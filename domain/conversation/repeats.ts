import type { Content } from '../content/content.ts'
import type { UserId } from '../ids.ts'
import type { ConversationCommand } from './commands.ts'
import type { ConversationEvent, MessageReference } from './events.ts'

/** Whether the event is the first one that this very command caused when it was executed. */
export const repeats = (command: ConversationCommand, event: ConversationEvent): boolean => {
  switch (command.type) {
    case 'StartDirect':
      return event.type === 'ConversationStarted' && event.data.kind === 'direct' && event.data.mode === command.mode
    case 'StartGroup':
      return (
        event.type === 'ConversationStarted' &&
        event.data.kind === 'group' &&
        event.data.mode === command.mode &&
        event.data.details?.title === command.title
      )
    case 'AddMembers':
      return event.type === 'MemberAdded' && event.data.userId === command.userIds[0]
    case 'RemoveMember':
      return event.type === 'MemberRemoved' && event.data.userId === command.userId
    case 'LeaveConversation':
      return leaves(command.successor, event)
    case 'ChangeRole':
      return event.type === 'RoleChanged' && event.data.userId === command.userId && event.data.role === command.role
    case 'ChangeDetails':
      return event.type === 'DetailsChanged' && event.data.details.title === command.title
    case 'SendMessage':
      return (
        event.type === 'MessageSent' &&
        event.data.messageId === command.messageId &&
        sameReference(event.data.replyTo, command.replyTo) &&
        sameContent(event.data.content, command.content)
      )
    case 'EditMessage':
      return (
        event.type === 'MessageEdited' &&
        event.data.messageId === command.messageId &&
        event.data.targetRevision === command.revision &&
        sameContent(event.data.content, command.content)
      )
    case 'DeleteMessage':
      return event.type === 'MessageDeleted' && event.data.targetRevision === command.revision
  }
}

const leaves = (successor: UserId | undefined, event: ConversationEvent): boolean =>
  event.type === 'MemberLeft' || (event.type === 'RoleChanged' && event.data.userId === successor)

const sameReference = (a: MessageReference | undefined, b: MessageReference | undefined): boolean =>
  a?.messageId === b?.messageId && a?.revision === b?.revision

const sameContent = (a: Content, b: Content): boolean =>
  a.kind === 'text' && b.kind === 'text' ? a.text === b.text : JSON.stringify(a) === JSON.stringify(b)
