import type { CommandId, StreamName } from '../domain/ids.ts'
import type { CommandMeta, Pending } from './decideBatch.ts'
import { asDomainError, busy } from './refusals.ts'
import type { CachedStream } from './streamStates.ts'

/** What is asked before a decision. */
export interface Sources<Command, Facts> {
  /** Facts of other streams that the decision needs; a promise only where something must be read. */
  readonly factsFor: (command: Command, meta: CommandMeta) => Facts | Promise<Facts>
  /** Finds a command that may be older than the window remembers, whose oldest is at revision `oldest`. */
  readonly findOld: (stream: StreamName, id: CommandId, oldest: number) => Promise<number | 'none' | 'unknown'>
}

/** Facts, and what became of ids too old for the window; nothing to wait for in the common case. */
export const prepareBatch = <Command, Facts>(
  cached: Pick<CachedStream<unknown>, 'stream' | 'window'>,
  batch: readonly Pending<Command, Facts>[],
  sources: Sources<Command, Facts>,
): Promise<unknown> | undefined => {
  const waits: Promise<void>[] = []
  for (const pending of batch) {
    const id = pending.meta.commandId
    if (cached.window.mayHaveLeft(id) && cached.window.revisionOf(id) === undefined)
      waits.push(findOld(cached, pending, sources))
    const facts = sources.factsFor(pending.command, pending.meta)
    if (facts instanceof Promise) waits.push(waitForFacts(pending, facts))
    else pending.facts = facts
  }
  return waits.length === 0 ? undefined : Promise.all(waits)
}

const waitForFacts = async <Command, Facts>(pending: Pending<Command, Facts>, facts: Promise<Facts>): Promise<void> => {
  try {
    pending.facts = await facts
  } catch (error) {
    pending.failure = asDomainError(error)
  }
}

const findOld = async <Command, Facts>(
  { stream, window }: Pick<CachedStream<unknown>, 'stream' | 'window'>,
  pending: Pending<Command, Facts>,
  sources: Sources<Command, Facts>,
): Promise<void> => {
  try {
    const found = await sources.findOld(stream, pending.meta.commandId, window.oldestRevision())
    if (found === 'unknown') pending.failure = busy()
    else if (found !== 'none') pending.foundAt = found
  } catch (error) {
    pending.failure = asDomainError(error)
  }
}
