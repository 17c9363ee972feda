import type { StreamName } from '../domain/ids.ts'

interface Evictable {
  running: boolean
}

/** Workers by stream, at most about `max` of them: those idle for longest go first (second chance). */
export const createWorkers = <Worker extends Evictable>(max: number, create: (stream: StreamName) => Worker) => {
  const workers = new Map<StreamName, { readonly worker: Worker; touched: boolean }>()

  /** A tenth at once, so that the walk past busy ones is rare. */
  const evict = (): void => {
    let surplus = Math.ceil(max / 10)
    for (const [stream, slot] of [...workers]) {
      if (slot.worker.running) continue
      workers.delete(stream)
      if (slot.touched) {
        slot.touched = false
        workers.set(stream, slot)
      } else if (--surplus === 0) return
    }
  }

  return {
    get(stream: StreamName): Worker {
      const slot = workers.get(stream)
      if (slot !== undefined) {
        slot.touched = true
        return slot.worker
      }
      if (workers.size >= max) evict()
      const worker = create(stream)
      workers.set(stream, { worker, touched: false })
      return worker
    },

    peek: (stream: StreamName): Worker | undefined => workers.get(stream)?.worker,
  }
}
