import { randomUUID } from 'node:crypto'
import type { EventStore } from '../../domain/eventsourcing/eventStore.ts'
import { type CommandId, type EventId, LOG_STREAM, SYSTEM_USER } from '../../domain/ids.ts'
import type { Clock, NewId } from '../../domain/ports.ts'

/** The id of this log, made at its first start and renewed by every restore. */
export const openIncarnation = async (log: EventStore, clock: Clock, newId: NewId): Promise<string> => {
  const [newest] = await log.readStream(LOG_STREAM, { direction: 'backwards', maxCount: 1 })
  if (newest !== undefined) return (newest.data as { incarnation: string }).incarnation
  // Random from its first digit on, as no id made by time is: the first digits are what cursors carry.
  const incarnation = randomUUID()
  const commandId = newId() as CommandId
  const metadata = {
    actor: { userId: SYSTEM_USER },
    at: new Date(clock()).toISOString(),
    commandId,
    correlationId: commandId,
    schema: 1,
  }
  const event = { id: newId() as EventId, type: 'LogStarted', data: { incarnation }, metadata }
  await log.appendToStream(LOG_STREAM, [event], { expectedRevision: 'noStream' })
  return incarnation
}
