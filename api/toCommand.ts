import { derivedId, directConversationId } from '../commands/derivedId.ts'
import type { Command } from '../commands/dispatch.ts'
import type { CommandId, ConversationId, UserId } from '../domain/ids.ts'
import type { CommandFrame } from './protocol/clientFrames.ts'

/** A command as every way in carries it: the frame's fields without the envelope. */
export type CommandRequest = WithoutId<CommandFrame>
type WithoutId<Frame> = Frame extends unknown ? Omit<Frame, 'id'> : never

/** What the domain is asked to do. Ids of what is created follow from who asks and from the command's id. */
export const toCommand = (request: CommandFrame | CommandRequest, by: UserId, id: CommandId): Command => {
  switch (request.type) {
    case 'SendMessage': {
      const { type, conversationId, messageId, content, replyTo } = request
      return replyTo === undefined
        ? { type, conversationId, messageId, content }
        : { type, conversationId, messageId, content, replyTo }
    }
    case 'StartConversation': {
      const { mode } = request
      if (request.kind === 'direct') {
        const conversationId = directConversationId(by, request.userId)
        return { type: 'StartDirect', conversationId, peer: request.userId, mode }
      }
      const conversationId = derivedId<ConversationId>('group', by, id)
      return { type: 'StartGroup', conversationId, title: request.title, members: request.members, mode }
    }
    case 'LeaveConversation': {
      const { type, conversationId, successor } = request
      return successor === undefined ? { type, conversationId } : { type, conversationId, successor }
    }
    default:
      return request
  }
}
