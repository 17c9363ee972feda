import type { CommandId } from '../domain/ids.ts'

/** Commands that a stream remembers by itself. */
const CAPACITY = 1_024

/** JSON form, for snapshots: ids with their revisions, oldest first, and the newest id that ever left. */
export interface WindowSnapshot {
  readonly ids: readonly (readonly [CommandId, number])[]
  readonly newestLeft: string
}

/**
 * The last commands of one stream with the revision of the first event each caused. Ids order by the time they
 * were made, so one that is newer than everything that ever left the window was never seen.
 */
export class CommandWindow {
  readonly #revisions = new Map<CommandId, number>()
  #newestLeft = ''

  static restore(snapshot: WindowSnapshot): CommandWindow {
    const window = new CommandWindow()
    window.#newestLeft = snapshot.newestLeft
    for (const [id, revision] of snapshot.ids) window.#revisions.set(id, revision)
    return window
  }

  snapshot(): WindowSnapshot {
    return { ids: [...this.#revisions], newestLeft: this.#newestLeft }
  }

  revisionOf(id: CommandId): number | undefined {
    return this.#revisions.get(id)
  }

  /** True for an id that may have been executed before the window's oldest. */
  mayHaveLeft(id: CommandId): boolean {
    return id <= this.#newestLeft
  }

  /** Revision of the oldest command remembered; -1 when there is none. */
  oldestRevision(): number {
    for (const revision of this.#revisions.values()) return revision
    return -1
  }

  /** Only the first event of a command counts. */
  add(id: CommandId, revision: number): void {
    if (this.#revisions.has(id)) return
    this.#revisions.set(id, revision)
    if (this.#revisions.size <= CAPACITY) return
    for (const oldest of this.#revisions.keys()) {
      this.#revisions.delete(oldest)
      if (oldest > this.#newestLeft) this.#newestLeft = oldest
      break
    }
  }
}
