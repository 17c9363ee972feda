import { expect } from 'chai'
import { DomainError, type ErrorCode } from '../../domain/errors.ts'

/** That the attempt is refused with this code. */
export const expectRefusal = async (attempt: Promise<unknown>, code: ErrorCode): Promise<void> => {
  const outcome = await attempt.then(
    () => 'accepted',
    (error: unknown) => (error instanceof DomainError ? error.code : error),
  )
  expect(outcome).to.equal(code)
}
