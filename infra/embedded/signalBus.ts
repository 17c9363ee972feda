import { Subject } from 'rxjs'
import type { Signal, SignalBus } from '../../api/ports.ts'

/** Signals within one process. */
export const createEmbeddedSignalBus = (): SignalBus => {
  const signals = new Subject<Signal>()
  return {
    publish: (signal) => signals.next(signal),
    subscribe(listener, signal) {
      if (signal.aborted) return
      const subscription = signals.subscribe(listener)
      signal.addEventListener('abort', () => subscription.unsubscribe(), { once: true })
    },
    close: () => signals.complete(),
  }
}
