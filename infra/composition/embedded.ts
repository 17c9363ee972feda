import { join } from 'node:path'
import type { Clock, Logger, NewId } from '../../domain/ports.ts'
import { createLoggingCodeSender } from '../embedded/codeSender.ts'
import { openDataFolder } from '../embedded/dataFolder.ts'
import { createEmbeddedEventStore } from '../embedded/eventStore.ts'
import { openIncarnation } from '../embedded/incarnation.ts'
import { createEmbeddedReadModelStore } from '../embedded/readModelStore.ts'
import { createEmbeddedSignalBus } from '../embedded/signalBus.ts'
import { createEmbeddedState } from '../embedded/state.ts'
import type { Engines } from './engines.ts'

export { Database } from '../embedded/sqlite.ts'

export interface EmbeddedDeps {
  readonly clock: Clock
  readonly newId: NewId
  readonly logger: Logger
  /** Nothing may be acknowledged any more: the process has to end. */
  readonly onFatal: (error: Error) => void
}

/** All engines in this process, in one folder. Throws `DomainError` Unavailable when another process has it. */
export const openEmbedded = async (data: string, { clock, newId, logger, onFatal }: EmbeddedDeps): Promise<Engines> => {
  const folder = openDataFolder(data)
  const log = createEmbeddedEventStore({ file: join(folder.path, 'log.sqlite'), onFatal, logger })
  const models = createEmbeddedReadModelStore({ folder: join(folder.path, 'models') })
  const state = createEmbeddedState({ file: join(folder.path, 'state.sqlite'), clock })
  const signals = createEmbeddedSignalBus()
  return {
    ...state,
    log,
    models,
    signals,
    codes: createLoggingCodeSender(logger),
    secrets: folder.secrets,
    incarnation: await openIncarnation(log, clock, newId),
    async close() {
      signals.close()
      await log.close()
      await models.close()
      await state.close()
      folder.release()
    },
  }
}
