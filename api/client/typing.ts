import type { ServerFrameOf } from '../protocol/serverFrames.ts'
import type { ClientEvent } from './clientEvent.ts'
import type { Timers } from './timers.ts'

/** Who is typing, until they stop or it expires. */
export const createTyping = (timers: Timers, emit: (event: ClientEvent) => void) => {
  const expiries = new Map<string, () => void>()

  return {
    take({ conversationId, userId, active, expiresInMs }: ServerFrameOf<'typing'>): void {
      const key = `${conversationId}/${userId}`
      const known = expiries.get(key)
      known?.()
      expiries.delete(key)
      if (active) {
        const expire = () => {
          expiries.delete(key)
          emit({ type: 'typing', conversationId, userId, active: false })
        }
        expiries.set(key, timers.after(expiresInMs, expire))
      }
      if (active !== (known !== undefined)) emit({ type: 'typing', conversationId, userId, active })
    },
    stop(): void {
      for (const cancel of expiries.values()) cancel()
      expiries.clear()
    },
  }
}
