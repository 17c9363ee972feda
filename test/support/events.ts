import type { ConversationEvent } from '../../domain/conversation/events.ts'
import { type PositionedEvent, StoredEvent } from '../../domain/eventsourcing/message.ts'
import { type ConversationId, conversationStream, type EventId, type Position, type UserId } from '../../domain/ids.ts'

export const positionOf = (n: number): Position => n.toString(16).padStart(16, '0') as Position

/** An event of a conversation as the log would hold it. */
export const stored = (
  conversationId: ConversationId,
  revision: number,
  position: number,
  event: ConversationEvent,
  actor: UserId = '00000000-0000-8000-8000-00000000000a' as UserId,
  at = '2026-01-01T00:00:00.000Z',
): PositionedEvent => {
  const commandId = `01920000-0000-7000-8000-${position.toString(16).padStart(12, '0')}`
  return new StoredEvent(
    conversationStream(conversationId),
    revision,
    `01920000-0000-7000-9000-${position.toString(16).padStart(12, '0')}` as EventId,
    event.type,
    JSON.stringify(event.data),
    JSON.stringify({ actor: { userId: actor }, at, commandId, correlationId: commandId, schema: 1 }),
    positionOf(position),
  )
}
