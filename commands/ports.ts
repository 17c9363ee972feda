import type { CommandId, ConversationId, StreamName } from '../domain/ids.ts'

/** A state as of a revision, of one incarnation of the log. */
export interface Snapshot {
  readonly stream: StreamName
  /** Folded up to and including this revision; synced. */
  readonly revision: number
  readonly incarnation: string
  /** Version of the state's shape; another one is ignored. */
  readonly version: number
  /** JSON text. */
  readonly state: string
}

/** States of long streams, so that loading one does not read it from the start. Losing all of them is harmless. */
export interface SnapshotStore {
  load(stream: StreamName): Promise<Snapshot | undefined>
  save(snapshot: Snapshot): Promise<void>
  dropAll(): Promise<void>
}

/** A named right that one holder has at a time, until it expires. Economy, never correctness. */
export interface Lease {
  /** True when the holder has it now; renewing is acquiring again. */
  acquire(name: string, holder: string, ttlMs: number): Promise<boolean>
  release(name: string, holder: string): Promise<void>
}

/** Finds what became of a command that is older than the handler remembers. */
export interface CommandLookup {
  /**
   * Revision of the first event of the command in the conversation; `none` when it never happened;
   * `unknown` while the read model has not passed `upTo` yet.
   */
  find(conversationId: ConversationId, commandId: CommandId, upTo: number): Promise<number | 'none' | 'unknown'>
}
