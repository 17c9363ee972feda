import { expect } from 'chai'
import { afterEach, beforeEach, describe, it } from 'mocha'
import { derivedCommandId } from '../../commands/derivedId.ts'
import type { Command } from '../../commands/dispatch.ts'
import { handles } from '../../commands/reactors/handles.ts'
import { createReactors, type Reactors } from '../../commands/reactors/reactors.ts'
import { createScheduler } from '../../commands/reactors/scheduler.ts'
import type { RecordedEvent } from '../../domain/eventsourcing/message.ts'
import type { CommandId, DeviceId, EventId, HandleHash, UserId } from '../../domain/ids.ts'
import { handleStream, SYSTEM_USER } from '../../domain/ids.ts'
import { type Backend, openBackend, silent } from '../support/backend.ts'

const handleHash = 'ab'.repeat(32) as HandleHash
const alice = 'a11ce000-0000-8000-8000-000000000000' as UserId
const bob = 'b0b00000-0000-8000-8000-000000000000' as UserId
const TEN_MINUTES = 10 * 60_000

/** What completing a registration does, in order: a crash may fall between any two of them. */
const registration = (userId: UserId): readonly [Command, Command, Command] => [
  { type: 'ReserveHandle', handleHash, userId },
  {
    type: 'RegisterAccount',
    userId,
    handleHash,
    handle: 'alice',
    displayName: 'Alice',
    device: { deviceId: 'de000000-0000-8000-8000-000000000001' as DeviceId, publicKey: 'k', name: 'Phone' },
  },
  { type: 'ClaimHandle', handleHash, userId },
]

describe('handles', () => {
  const until = '2026-01-01T12:10:00.000Z'
  const event = (type: string, data: object, revision: number): RecordedEvent => ({
    stream: handleStream(handleHash),
    revision,
    id: `e${revision}` as EventId,
    type,
    data,
    dataText: JSON.stringify(data),
    metadata: {
      actor: { userId: alice },
      at: '2026-01-01T12:00:00.000Z',
      commandId: 'c' as CommandId,
      correlationId: 'r',
      schema: 1,
    },
  })
  const reserved = event('HandleReserved', { userId: alice, until }, 0)

  it('has a reservation due when it expires, as what follows from it', () => {
    const state = handles.evolve(handles.initial(), reserved)
    expect(handles.due(state, Date.parse(until) - 1)).to.deep.equal([])
    expect(handles.due(state, Date.parse(until))).to.deep.equal([
      {
        command: { type: 'ReleaseHandle', handleHash, userId: alice },
        meta: {
          actor: { userId: SYSTEM_USER },
          commandId: derivedCommandId(Date.parse('2026-01-01T12:00:00.000Z'), 'ReleaseHandle', 'e0'),
          correlationId: 'r',
          causationId: 'e0',
        },
      },
    ])
  })
  it('forgets a reservation once it is claimed or released', () => {
    for (const type of ['HandleClaimed', 'HandleReleased']) {
      const state = [reserved, event(type, { userId: alice }, 1)].reduce(handles.evolve, handles.initial())
      expect(handles.due(state, Date.parse(until))).to.deep.equal([])
    }
  })
})

describe('Reactors', () => {
  let backend: Backend
  let running: Reactors[]

  beforeEach(async () => {
    backend = await openBackend()
    running = []
  })
  afterEach(async () => {
    await stop()
    await backend.close()
  })

  const startReactors = (holder = 'node', lease = backend.lease): void => {
    const reactors = createReactors({
      ...backend,
      lease,
      incarnation: 'test',
      holder,
      logger: silent,
      scheduler: createScheduler(),
      tickMs: 2,
    })
    reactors.start()
    running.push(reactors)
  }
  const stop = async (): Promise<void> => {
    for (const reactors of running.splice(0)) await reactors.stop()
  }
  const execute = async (commands: readonly Command[], userId = alice): Promise<void> => {
    for (const command of commands)
      await backend.dispatch.execute(command, { actor: { userId }, commandId: backend.newId() as CommandId })
  }
  const typesOf = async () => (await backend.eventsOf(handleStream(handleHash))).map(({ type }) => type)
  const until = async (expected: readonly string[]): Promise<void> => {
    while ((await typesOf()).length < expected.length) await new Promise((resolve) => setTimeout(resolve, 1))
    expect(await typesOf()).to.deep.equal(expected)
  }
  /** Long enough for several ticks: whatever was going to happen has happened. */
  const settle = () => new Promise((resolve) => setTimeout(resolve, 30))

  it('release the handle of a registration that died before its account existed', async () => {
    await execute(registration(alice).slice(0, 1))
    backend = await backend.restart()
    startReactors()
    await settle()
    expect(await typesOf()).to.deep.equal(['HandleReserved'])
    backend.advance(TEN_MINUTES)
    await until(['HandleReserved', 'HandleReleased'])
    await execute(registration(bob), bob)
    expect((await backend.dispatch.handle(handleHash)).claimedBy).to.equal(bob)
  })
  it('claim the handle of an account whose registration died before that', async () => {
    await execute(registration(alice).slice(0, 2))
    backend = await backend.restart()
    startReactors()
    await until(['HandleReserved', 'HandleClaimed'])
    expect((await backend.dispatch.handle(handleHash)).claimedBy).to.equal(alice)
  })
  it('claim it also when the reservation expired while the server was down', async () => {
    await execute(registration(alice).slice(0, 2))
    backend.advance(2 * TEN_MINUTES)
    backend = await backend.restart()
    startReactors()
    await settle()
    expect((await backend.dispatch.handle(handleHash)).claimedBy).to.equal(alice)
  })
  it('release what fell due while the server was down, from their saved state', async () => {
    startReactors()
    await execute(registration(alice).slice(0, 1))
    while ((await backend.snapshots.load('reactor-handles' as never)) === undefined) await settle()
    await stop()
    backend.advance(TEN_MINUTES)
    backend = await backend.restart()
    startReactors()
    await until(['HandleReserved', 'HandleReleased'])
  })
  it('have nothing to add to a registration that went well', async () => {
    startReactors()
    await execute(registration(alice))
    backend.advance(TEN_MINUTES)
    await settle()
    expect(await typesOf()).to.deep.equal(['HandleReserved', 'HandleClaimed'])
  })
  it('change nothing when they run twice, on two nodes, from the start', async () => {
    await execute(registration(alice).slice(0, 2))
    const free = { acquire: async () => true, release: async () => undefined }
    startReactors('one', free)
    startReactors('two', free)
    await until(['HandleReserved', 'HandleClaimed'])
    await stop()
    await backend.snapshots.dropAll()
    startReactors()
    await settle()
    expect(await typesOf()).to.deep.equal(['HandleReserved', 'HandleClaimed'])
  })
  it('run on the node that has the lease, and on the next one when it leaves', async () => {
    await backend.lease.acquire('reactor/handles', 'other node', 60_000)
    startReactors()
    await execute(registration(alice).slice(0, 2))
    await settle()
    expect(await typesOf()).to.deep.equal(['HandleReserved'])
    await backend.lease.release('reactor/handles', 'other node')
    await until(['HandleReserved', 'HandleClaimed'])
  })
})
