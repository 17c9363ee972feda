import type { EventStore } from '../domain/eventsourcing/eventStore.ts'
import type { Checkpoint } from './readModelStore.ts'

/** Whether the log has, at the checkpoint's place, the very event it stands on: false after a restore. */
export const standsOn = async (
  log: Pick<EventStore, 'head' | 'readAll'>,
  incarnation: string,
  checkpoint: Checkpoint,
): Promise<boolean> => {
  const { position, eventId } = checkpoint
  if (checkpoint.incarnation !== incarnation) return false
  const head = await log.head()
  if (head === undefined || position > head) return false
  const [before] = await log.readAll({ from: position, direction: 'backwards', maxCount: 1 })
  const [event] = await log.readAll({ from: before?.position ?? 'start', maxCount: 1 })
  return event?.position === position && event.id === eventId
}
