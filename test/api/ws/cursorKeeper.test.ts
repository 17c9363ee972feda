import { expect } from 'chai'
import { describe, it } from 'mocha'
import type { DeviceCursor, DeviceCursorStore } from '../../../api/ports.ts'
import { CursorKeeper, type Place } from '../../../api/ws/cursorKeeper.ts'
import { ReceiptCollector } from '../../../api/ws/receiptCollector.ts'
import type { Command, Dispatch } from '../../../commands/dispatch.ts'
import { DomainError } from '../../../domain/errors.ts'
import type { ConversationId, DeviceId, UserId } from '../../../domain/ids.ts'
import { silent } from '../../support/backend.ts'
import { positionOf } from '../../support/events.ts'

const BOB = 'bbbbbbbb-0000-8000-8000-000000000002' as UserId
const PHONE = 'bbbbbbbb-0000-8000-8000-00000000000a' as DeviceId
const GROUP = 'dddddddd-0000-8000-8000-000000000004' as ConversationId
const NOW = Date.parse('2026-03-01T12:00:00.000Z')

/** A keeper, what has become durable in which order, and stores that fail or wait as they are told to. */
const setUp = () => {
  const durable: string[] = []
  const failing = { receipts: false, cursors: false }
  let held: Promise<void> = Promise.resolve()
  const submit: Dispatch['submit'] = (command: Command, _, answer) => {
    if (command.type !== 'AdvanceReceipts') throw new Error(command.type)
    void held.then(() => {
      if (failing.receipts) return answer(new DomainError('Unavailable', 'Not now.'))
      durable.push(`delivered ${command.advances[0]?.delivered}`)
      answer({ event: { type: 'ReceiptsAdvanced', data: {} }, revision: 0 } as never)
    })
  }
  const cursors: Pick<DeviceCursorStore, 'save'> = {
    async save(places: readonly DeviceCursor[]) {
      if (failing.cursors) throw new DomainError('Unavailable', 'Not now.')
      for (const { cursor, lastSeen } of places) durable.push(`${cursor} ${lastSeen}`)
    },
  }
  const receipts = new ReceiptCollector({ dispatch: { submit }, newId: () => 'id', logger: silent })
  const keeper = new CursorKeeper({
    cursors: cursors as DeviceCursorStore,
    receipts,
    incarnation: '0badcafe-1',
    clock: () => NOW,
    logger: silent,
  })
  const hold = (): (() => void) => {
    let letGo = (): void => undefined
    held = new Promise((resolve) => {
      letGo = resolve
    })
    return letGo
  }
  return { durable, failing, receipts, keeper, hold }
}

const place = (n: number | undefined): { -readonly [K in keyof Place]: Place[K] } => ({
  userId: BOB,
  deviceId: PHONE,
  confirmed: n === undefined ? undefined : positionOf(n),
})
const saved = (n: number | undefined): string =>
  `0badcafe-${n === undefined ? '' : positionOf(n)} ${new Date(NOW).toISOString()}`

describe('CursorKeeper', () => {
  it('saves a cursor after the receipts that it implies', async () => {
    const { durable, receipts, keeper } = setUp()
    receipts.delivered(BOB, GROUP, 7)
    keeper.note(place(20))
    await keeper.save()
    expect(durable).to.deep.equal(['delivered 7', saved(20)])
  })

  it('does not save with what was acknowledged while receipts were on their way', async () => {
    const { durable, receipts, keeper, hold } = setUp()
    const phone = place(20)
    receipts.delivered(BOB, GROUP, 7)
    keeper.note(phone)
    const letGo = hold()
    const saving = keeper.save()
    receipts.delivered(BOB, GROUP, 8)
    phone.confirmed = positionOf(21)
    keeper.note(phone)
    letGo()
    await saving
    expect(durable).to.deep.equal(['delivered 7', saved(20)])
    await keeper.save()
    expect(durable.slice(2)).to.deep.equal(['delivered 8', saved(21)])
  })

  it('tries again what failed, receipts before cursors', async () => {
    const { durable, failing, receipts, keeper } = setUp()
    receipts.delivered(BOB, GROUP, 7)
    keeper.note(place(20))
    failing.receipts = true
    await keeper.save()
    failing.receipts = false
    failing.cursors = true
    await keeper.save()
    failing.cursors = false
    await keeper.save()
    expect(durable).to.deep.equal(['delivered 7', saved(20)])
  })

  it('saves when a device was seen that has acknowledged nothing', async () => {
    const { durable, keeper } = setUp()
    keeper.note(place(undefined))
    await keeper.save()
    expect(durable).to.deep.equal([saved(undefined)])
  })

  it('has at most one save waiting for the one under way', async () => {
    const { durable, receipts, keeper, hold } = setUp()
    receipts.delivered(BOB, GROUP, 7)
    const letGo = hold()
    const first = keeper.save()
    const later = [keeper.save(), keeper.save(), keeper.save()]
    expect(new Set(later).size).to.equal(1)
    keeper.note(place(20))
    letGo()
    await Promise.all([first, ...later])
    expect(durable).to.deep.equal(['delivered 7', saved(20)])
  })
})
