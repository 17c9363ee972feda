import type { AccountState } from '../domain/account/state.ts'
import type { ConversationFacts, TargetMessage } from '../domain/conversation/commands.ts'
import type { ConversationCommand } from '../domain/conversation/decide.ts'
import { type ConversationEvent, upcastConversation } from '../domain/conversation/events.ts'
import type { EventStore } from '../domain/eventsourcing/eventStore.ts'
import { type ConversationId, conversationStream, type UserId } from '../domain/ids.ts'

const NOTHING: ConversationFacts = {}

/** What decisions about a conversation need from other streams, or from older events of its own. */
export const createConversationFacts = (
  store: EventStore,
  account: (userId: UserId) => Promise<AccountState>,
): ((command: ConversationCommand) => ConversationFacts | Promise<ConversationFacts>) => {
  const existing = async (userIds: readonly UserId[]): Promise<ConversationFacts> => {
    const found = new Set<UserId>()
    await Promise.all(
      userIds.map(async (userId) => {
        if ((await account(userId)).registered) found.add(userId)
      }),
    )
    return { existing: found }
  }

  const target = async (conversationId: ConversationId, revision: number): Promise<ConversationFacts> => {
    const [event] = await store.readStream(conversationStream(conversationId), { from: revision, maxCount: 1 })
    const message = event && upcastConversation(event)
    if (event === undefined || message?.type !== 'MessageSent') return NOTHING
    const { messageId, seq } = message.data
    const { actor, at } = event.metadata
    const found: TargetMessage = { messageId, revision, seq, author: actor.userId, sentAt: Date.parse(at) }
    return { target: found }
  }

  return (command) => {
    switch (command.type) {
      case 'SendMessage':
        return command.replyTo === undefined ? NOTHING : target(command.conversationId, command.replyTo.revision)
      case 'EditMessage':
      case 'DeleteMessage':
        return target(command.conversationId, command.revision)
      case 'StartDirect':
        return existing([command.peer])
      case 'StartGroup':
        return existing(command.members)
      case 'AddMembers':
        return existing(command.userIds)
      default:
        return NOTHING
    }
  }
}

/** JSON escapes a character of text with six bytes at most. */
export const weighConversationEvent = (event: ConversationEvent): number => {
  if (event.type !== 'MessageSent' && event.type !== 'MessageEdited') return 0
  const { content } = event.data
  return content.kind === 'text' ? content.text.length * 6 : content.bytes.length + 4_096
}
