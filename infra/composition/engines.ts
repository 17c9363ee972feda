import type { CodeSender, DeviceCursorStore, ExpiringStore, SignalBus } from '../../api/ports.ts'
import type { Lease, SnapshotStore } from '../../commands/ports.ts'
import type { EventStore } from '../../domain/eventsourcing/eventStore.ts'
import type { ReadModelStore } from '../../projections/readModelStore.ts'

/** Keys that live as long as the data: tokens and hashes of handles are made with them. */
export interface Secrets {
  /** 32 bytes each. */
  readonly tokenKey: Uint8Array
  readonly handleKey: Uint8Array
}

/** The machines behind the ports, opened; the same set whichever they are. */
export interface Engines {
  readonly log: EventStore
  readonly incarnation: string
  readonly models: ReadModelStore
  readonly cursors: DeviceCursorStore
  readonly expiring: ExpiringStore
  readonly snapshots: SnapshotStore
  readonly lease: Lease
  readonly signals: SignalBus
  readonly codes: CodeSender
  readonly secrets: Secrets
  /** Everything acknowledged is durable when it resolves. */
  close(): Promise<void>
}
