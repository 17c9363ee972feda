import { expect } from 'chai'
import { afterEach, beforeEach, describe, it } from 'mocha'
import { LOG_STREAM } from '../../domain/ids.ts'
import { openIncarnation } from '../../infra/embedded/incarnation.ts'
import { type Backend, openBackend } from '../support/backend.ts'

describe('incarnation of a log', () => {
  let backend: Backend
  beforeEach(async () => {
    backend = await openBackend()
  })
  afterEach(() => backend.close())

  const incarnation = () => openIncarnation(backend.store, backend.clock, backend.newId)

  it('is made at the first start, and stays', async () => {
    const first = await incarnation()
    expect(first).to.match(/^[0-9a-f]{8}/)
    expect(await incarnation()).to.equal(first)
    backend = await backend.restart()
    expect(await incarnation()).to.equal(first)
    expect(await backend.eventsOf(LOG_STREAM)).to.deep.equal([{ type: 'LogStarted', data: { incarnation: first } }])
  })

  it('is another one for another log, from its first digits on', async () => {
    const other = await openBackend()
    const theirs = await openIncarnation(other.store, other.clock, other.newId)
    await other.close()
    expect((await incarnation()).slice(0, 8)).not.to.equal(theirs.slice(0, 8))
  })
})
