import type { DeviceCursorStore, ExpiringStore } from '../../api/ports.ts'
import type { Lease, SnapshotStore } from '../../commands/ports.ts'
import type { Clock } from '../../domain/ports.ts'
import { createDeviceCursorStore } from './deviceCursorStore.ts'
import { createExpiringStore } from './expiringStore.ts'
import { createLease } from './lease.ts'
import { createSnapshotStore } from './snapshotStore.ts'
import { createStateFile } from './stateFile.ts'

export interface EmbeddedState {
  readonly cursors: DeviceCursorStore
  readonly expiring: ExpiringStore
  readonly snapshots: SnapshotStore
  readonly lease: Lease
  /** Calls under way are durable when it resolves; later ones are refused as Unavailable. */
  close(): Promise<void>
}

/** What is neither log nor read model, in one SQLite file. */
export const createEmbeddedState = ({
  file,
  clock,
}: {
  readonly file: string
  readonly clock: Clock
}): EmbeddedState => {
  const state = createStateFile(file)
  return {
    cursors: createDeviceCursorStore(state),
    expiring: createExpiringStore(state, clock),
    snapshots: createSnapshotStore(state),
    lease: createLease(clock),
    close: state.close,
  }
}
