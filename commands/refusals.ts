import { DomainError } from '../domain/errors.ts'

export const busy = () =>
  new DomainError('Busy', 'Too much is going on here right now; try the same again in a moment.')

export const idempotencyConflict = () =>
  new DomainError('IdempotencyConflict', 'This id was used before for something else; make a new id for a new command.')

/** What is nobody's refusal is a failure of ours, of which the world learns nothing more. */
export const asDomainError = (error: unknown): DomainError =>
  error instanceof DomainError ? error : new DomainError('Internal', 'The server failed; try the same again later.')
