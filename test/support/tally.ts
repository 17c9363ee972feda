import { type Aggregate, createCommandHandler } from '../../commands/commandHandler.ts'
import type { Accepted, CommandMeta } from '../../commands/decideBatch.ts'
import { DomainError } from '../../domain/errors.ts'
import type { EventStore } from '../../domain/eventsourcing/eventStore.ts'
import type { DomainEvent } from '../../domain/eventsourcing/message.ts'
import type { StreamName } from '../../domain/ids.ts'
import type { Backend } from './backend.ts'

export const TALLY = 'tally-1' as StreamName
export const OTHER_TALLY = 'tally-2' as StreamName

/** Counts up to a cap: the smallest aggregate that can accept, refuse, and have nothing to do. */
export type TallyCommand = { readonly tally?: StreamName } & (
  | { readonly type: 'Add'; readonly by: number; readonly times?: number; readonly note?: string }
  | { readonly type: 'SetCap'; readonly cap: number }
  | { readonly type: 'Break' }
)

export type TallyEvent =
  | DomainEvent<'Added', { readonly by: number; readonly note?: string }>
  | DomainEvent<'CapSet', { readonly cap: number }>

export interface TallyState {
  sum: number
  cap: number
}

type TallyAggregate = Aggregate<TallyCommand, TallyState, TallyEvent, undefined>

const tally: TallyAggregate = {
  decider: {
    initial: () => ({ sum: 0, cap: 1_000_000 }),
    decide(command, { sum, cap }) {
      if (command.type === 'Break') throw new Error('a decision of ours fails')
      if (command.type === 'SetCap') return command.cap === cap ? [] : [{ type: 'CapSet', data: { cap: command.cap } }]
      const { by, times = 1, note } = command
      if (sum + by * times > cap) return new DomainError('GroupFull', `At most ${cap}.`)
      return Array(times).fill({ type: 'Added', data: { by, ...(note !== undefined && { note }) } })
    },
    evolve: (state, event) => {
      if (event.type === 'Added') state.sum += event.data.by
      else state.cap = event.data.cap
      return state
    },
    repeats: (command, event) =>
      event.type === 'Added'
        ? command.type === 'Add' && command.by === event.data.by
        : command.type === 'SetCap' && command.cap === event.data.cap,
    upcast: ({ type, data }) => ({ type, data }) as TallyEvent,
    schema: 1,
  },
  streamOf: (command) => command.tally ?? TALLY,
  factsFor: () => undefined,
  weigh: (event) => (event.type === 'Added' ? (event.data.note?.length ?? 0) : 0),
  findOld: async () => 'none',
  stateVersion: 1,
}

/** A handler of tallies: one node on the backend's log. */
export const tallyNode = (
  { deps }: Pick<Backend, 'deps'>,
  settings: Partial<Backend['deps'] & TallyAggregate> = {},
) => {
  const handler = createCommandHandler({ ...deps, ...settings }, { ...tally, ...settings })
  return {
    ...handler,
    /** Resolves with the answer, be it a refusal. */
    run: (command: TallyCommand, meta: CommandMeta): Promise<Accepted | DomainError> =>
      new Promise((resolve) => handler.submit(command, meta, resolve)),
  }
}

/** The log with everything appended to it on record, and a hand on the door. */
export const watched = (store: EventStore) => {
  const appends: { readonly stream: StreamName; readonly types: readonly string[] }[] = []
  const reads: (number | 'end' | undefined)[] = []
  let door = async (): Promise<void> => undefined
  const watching: EventStore = {
    ...store,
    async appendToStream(stream, events, options) {
      appends.push({ stream, types: events.map(({ type }) => type) })
      await door()
      return store.appendToStream(stream, events, options)
    },
    readStream(stream, options) {
      reads.push(options.from)
      return store.readStream(stream, options)
    },
  }
  return {
    store: watching,
    appends,
    /** Where streams were read from. */
    reads,
    /** What happens before each append from now on. */
    before(step: () => Promise<void>): void {
      door = step
    },
  }
}

export const add = (by: number, more: object = {}): TallyCommand => ({ type: 'Add', by, ...more })
export const added = (by: number, revision: number) => ({ event: { type: 'Added', data: { by } }, revision })
export const codeOf = (outcome: Accepted | DomainError) => (outcome instanceof DomainError ? outcome.code : 'accepted')
/** What the answer says of the event, whenever it was given. */
export const effectOf = (outcome: Accepted | DomainError) =>
  outcome instanceof DomainError ? outcome.code : { event: outcome.event, revision: outcome.revision }
