import { expect } from 'chai'
import { describe, it } from 'mocha'
import { createNewId } from '../../../api/client/newId.ts'
import { isUuidV7, timeOfUuidV7 } from '../../../domain/ids.ts'

describe('newId of the client', () => {
  it('makes UUIDv7s of now', () => {
    const id = createNewId(() => 1_789_000_000_123)()
    expect(isUuidV7(id)).to.equal(true)
    expect(timeOfUuidV7(id)).to.equal(1_789_000_000_123)
  })

  it('orders them as they were made, within a millisecond and when the clock is set back', () => {
    const times = [5_000, 5_000, 5_000, 1_000, 6_000]
    const newId = createNewId(() => times.shift() ?? 0)
    const ids = [newId(), newId(), newId(), newId(), newId()]
    expect([...ids].sort()).to.deep.equal(ids)
  })
})
