import type { EventStore } from '../domain/eventsourcing/eventStore.ts'
import { type CommandId, ID_MAX_AHEAD_MS, type StreamName, timeOfUuidV7 } from '../domain/ids.ts'

const PAGE = 500

/**
 * Looks for a command by reading its stream backwards from the oldest one remembered. A command executes after
 * its id was made, give or take how far clocks may differ, so older events need no reading.
 */
export const findByReading = async (
  store: EventStore,
  stream: StreamName,
  id: CommandId,
  oldest: number,
): Promise<number | 'none'> => {
  const earliest = timeOfUuidV7(id) - ID_MAX_AHEAD_MS
  let found: number | 'none' = 'none'
  for (let from = oldest; from >= 0; from -= PAGE) {
    const events = await store.readStream(stream, { from, direction: 'backwards', maxCount: PAGE })
    for (const event of events) {
      if (event.metadata.commandId === id) found = event.revision
      else if (found !== 'none' || Date.parse(event.metadata.at) < earliest) return found
    }
  }
  return found
}
