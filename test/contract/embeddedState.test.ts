import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import { afterEach, beforeEach, describe, it } from 'mocha'
import { DomainError } from '../../domain/errors.ts'
import type { DeviceId, StreamName, UserId } from '../../domain/ids.ts'
import { createLoggingCodeSender } from '../../infra/embedded/codeSender.ts'
import { createEmbeddedSignalBus } from '../../infra/embedded/signalBus.ts'
import { Database } from '../../infra/embedded/sqlite.ts'
import { createEmbeddedState, type EmbeddedState } from '../../infra/embedded/state.ts'
import { deviceCursorStoreContract } from './deviceCursorStore.contract.ts'
import { expiringStoreContract } from './expiringStore.contract.ts'
import { leaseContract } from './lease.contract.ts'
import { type SignalBusSubject, signalBusContract } from './signalBus.contract.ts'
import { snapshotStoreContract } from './snapshotStore.contract.ts'

describe('EmbeddedState', () => {
  let folder: string
  let now: number
  let state: EmbeddedState

  const open = (): EmbeddedState => createEmbeddedState({ file: join(folder, 'state.sqlite'), clock: () => now })
  const passTime = async (ms: number): Promise<void> => {
    now += ms
  }

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'parley-state-'))
    now = Date.parse('2026-01-01')
    state = open()
  })
  afterEach(async () => {
    await state.close()
    rmSync(folder, { recursive: true })
  })

  deviceCursorStoreContract(() => state.cursors)
  expiringStoreContract(() => ({ store: state.expiring, passTime }))
  snapshotStoreContract(() => state.snapshots)
  leaseContract(() => ({ lease: state.lease, passTime }))

  it('keeps everything but leases for the next process', async () => {
    const cursor = {
      deviceId: 'phone' as DeviceId,
      userId: 'ann' as UserId,
      cursor: '0000000a-0000000000000001',
      lastSeen: '2026-01-01T00:00:00.000Z',
    }
    const snapshot = { stream: 'account-a' as StreamName, revision: 1, incarnation: '0a', version: 1, state: '{}' }
    await Promise.all([
      state.cursors.save([cursor]),
      state.snapshots.save(snapshot),
      state.expiring.put('token', 'secret', 1000),
      state.lease.acquire('expiry', 'the old process', 60_000),
    ])
    await state.close()
    state = open()
    expect(await state.cursors.load(cursor.deviceId)).to.deep.equal(cursor)
    expect(await state.snapshots.load(snapshot.stream)).to.deep.equal(snapshot)
    expect(await state.expiring.get('token')).to.equal('secret')
    expect(await state.lease.acquire('expiry', 'the new process', 1000)).to.equal(true)
  })

  it('does not keep what has expired', async () => {
    await Promise.all(Array.from({ length: 100 }, (_, n) => state.expiring.put(`old-${n}`, 'x', 1000)))
    now += 2000
    await Promise.all(Array.from({ length: 40 }, (_, n) => state.expiring.increment(`new-${n}`, 1000)))
    await state.close()
    const file = new Database(join(folder, 'state.sqlite'), { readonly: true })
    expect(file.prepare("SELECT count(*) FROM expiring WHERE key LIKE 'old-%'").pluck().get()).to.equal(0)
    file.close()
  })

  it('finishes the calls under way when it closes, and refuses later ones as Unavailable', async () => {
    const underWay = state.expiring.put('token', 'secret', 1000)
    await state.close()
    await underWay
    const outcome = await state.expiring.put('token', 'other', 1000).catch((error: unknown) => error)
    expect(outcome).to.be.instanceOf(DomainError).with.property('code', 'Unavailable')
    state = open()
    expect(await state.expiring.get('token')).to.equal('secret')
  })
})

describe('EmbeddedSignalBus', () => {
  let subject: SignalBusSubject
  beforeEach(() => {
    subject = { bus: createEmbeddedSignalBus(), settled: () => new Promise(setImmediate) }
  })
  afterEach(() => subject.bus.close())
  signalBusContract(() => subject)
})

describe('LoggingCodeSender', () => {
  it('logs the code with its address, once', async () => {
    const lines: object[] = []
    const never = (): never => {
      throw new Error('only info is used')
    }
    const logger = { info: (fields: object) => void lines.push(fields), debug: never, warn: never, error: never }
    await createLoggingCodeSender(logger).send('ann@example.org', '123456')
    expect(lines).to.deep.equal([{ address: 'ann@example.org', code: '123456' }])
  })
})
