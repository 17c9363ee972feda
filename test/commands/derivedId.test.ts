import { expect } from 'chai'
import fc from 'fast-check'
import { describe, it } from 'mocha'
import { derivedCommandId, derivedId, directConversationId } from '../../commands/derivedId.ts'
import { isUuid, isUuidV7, timeOfUuidV7, type UserId } from '../../domain/ids.ts'

describe('derivedId', () => {
  it('is a UUIDv8 that the parts determine', () => {
    fc.assert(
      fc.property(fc.array(fc.string(), { minLength: 1 }), (parts) => {
        const id = derivedId(...parts)
        expect(isUuid(id) && id.charAt(14) === '8').to.equal(true)
        expect(derivedId(...parts)).to.equal(id)
      }),
    )
  })
  it('differs where the parts are cut differently', () => {
    expect(derivedId('ab', 'c')).to.not.equal(derivedId('a', 'bc'))
  })
  it('stays what it is from version to version', () => {
    expect(derivedId('user', 'x')).to.equal('4b1f4a50-ba3a-80a6-af63-de8e1d1b8287')
  })
})

describe('derivedCommandId', () => {
  it('is a UUIDv7 of the moment it follows from', () => {
    fc.assert(
      fc.property(fc.nat(2 ** 31), fc.string(), (seconds, part) => {
        const id = derivedCommandId(seconds * 1000, part)
        expect(isUuidV7(id)).to.equal(true)
        expect(timeOfUuidV7(id)).to.equal(seconds * 1000)
      }),
    )
  })
  it('differs from part to part', () => {
    expect(derivedCommandId(1, 'a')).to.not.equal(derivedCommandId(1, 'b'))
  })
})

describe('directConversationId', () => {
  it('is the same from both sides, and another one for every pair', () => {
    const [a, b, c] = ['a', 'b', 'c'] as UserId[] as [UserId, UserId, UserId]
    expect(directConversationId(a, b)).to.equal(directConversationId(b, a))
    expect(directConversationId(a, b)).to.not.equal(directConversationId(a, c))
  })
})
