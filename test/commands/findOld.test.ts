import { expect } from 'chai'
import { afterEach, beforeEach, describe, it } from 'mocha'
import { findByReading } from '../../commands/findOld.ts'
import type { NewEvent } from '../../domain/eventsourcing/message.ts'
import { type CommandId, type EventId, ID_MAX_AHEAD_MS, type StreamName, type UserId } from '../../domain/ids.ts'
import { createNewId } from '../../infra/composition/runtime.ts'
import { type Backend, openBackend } from '../support/backend.ts'

const stream = 'userState-1' as StreamName
const MINUTE = 60_000

describe('findByReading', () => {
  let backend: Backend
  let revision: number
  beforeEach(async () => {
    backend = await openBackend()
    revision = -1
  })
  afterEach(() => backend.close())

  /** An id made so long after the backend's now, in milliseconds. */
  const idAt = (ms: number) => createNewId(() => backend.clock() + ms)() as CommandId

  /** A command that caused so many events, that long after the backend's now. */
  const happened = async (ms: number, commandId = idAt(ms), count = 1): Promise<CommandId> => {
    const at = new Date(backend.clock() + ms).toISOString()
    const metadata = { actor: { userId: 'u' as UserId }, at, commandId, correlationId: commandId, schema: 1 }
    const events = Array.from({ length: count }, (): NewEvent => {
      return { id: backend.newId() as EventId, type: 'ReadPrivately', data: {}, metadata }
    })
    const expectedRevision = revision < 0 ? 'noStream' : revision
    revision = (await backend.store.appendToStream(stream, events, { expectedRevision })).lastRevision
    return commandId
  }
  const find = (id: CommandId, oldest = revision) => findByReading(backend.store, stream, id, oldest)

  it('finds the first event of the command, however many there are', async () => {
    await happened(0)
    const id = await happened(1, undefined, 7)
    await happened(2)
    expect(await find(id)).to.equal(1)
  })

  it('finds it where pages of the stream meet, and at its start', async () => {
    const first = await happened(0)
    const across = await happened(1, undefined, 3)
    await happened(2, undefined, 498)
    expect(await find(across, 501)).to.equal(1)
    expect(await find(across, 502)).to.equal(1)
    expect(await find(first, 500)).to.equal(0)
  })

  it('finds nothing where there is nothing', async () => {
    expect(await find(idAt(0))).to.equal('none')
    await happened(0)
    expect(await find(idAt(0))).to.equal('none')
  })

  it('leaves out what the window still remembers', async () => {
    await happened(0)
    const remembered = await happened(1)
    expect(await find(remembered, 0)).to.equal('none')
  })

  it('finds a command whose id was made on a clock five minutes ahead', async () => {
    const id = await happened(0, idAt(ID_MAX_AHEAD_MS))
    await happened(MINUTE)
    expect(await find(id)).to.equal(0)
  })

  it('reads no further back than the command can be', async () => {
    const id = idAt(10 * MINUTE)
    await happened(0, id)
    await happened(10 * MINUTE - ID_MAX_AHEAD_MS - 1)
    await happened(11 * MINUTE)
    expect(await find(id)).to.equal('none')
  })
})
