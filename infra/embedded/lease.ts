import type { Lease } from '../../commands/ports.ts'
import type { Clock } from '../../domain/ports.ts'

/**
 * Leases in memory: embedded data belongs to one process, so whoever held one ends with it, and after a crash
 * nobody has to wait for the dead one's to expire.
 */
export const createLease = (clock: Clock): Lease => {
  const held = new Map<string, { readonly holder: string; readonly expiresAt: number }>()
  return {
    async acquire(name, holder, ttlMs) {
      const current = held.get(name)
      if (current !== undefined && current.holder !== holder && current.expiresAt > clock()) return false
      held.set(name, { holder, expiresAt: clock() + ttlMs })
      return true
    },
    async release(name, holder) {
      if (held.get(name)?.holder === holder) held.delete(name)
    },
  }
}
