import { after, before, describe } from 'mocha'
import type { EventStore } from '../../domain/eventsourcing/eventStore.ts'
import { appendsContract } from './eventStoreAppends.contract.ts'
import { readsContract } from './eventStoreReads.contract.ts'
import { subscriptionsContract } from './eventStoreSubscriptions.contract.ts'

/** What every EventStore does. `open` gives a store that nobody else writes to meanwhile; it may hold events. */
export const eventStoreContract = (
  name: string,
  open: () => Promise<{ readonly store: EventStore; close(): Promise<void> }>,
): void => {
  describe(`EventStore contract: ${name}`, () => {
    let opened: Awaited<ReturnType<typeof open>>
    before(async () => {
      opened = await open()
    })
    after(() => opened.close())

    const current = (): EventStore => opened.store
    appendsContract(current)
    readsContract(current)
    subscriptionsContract(current)
  })
}
