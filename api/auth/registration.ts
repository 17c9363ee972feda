import { randomInt } from 'node:crypto'
import { derivedCommandId, derivedId } from '../../commands/derivedId.ts'
import type { Dispatch } from '../../commands/dispatch.ts'
import { DomainError } from '../../domain/errors.ts'
import type { CommandId, DeviceId, UserId } from '../../domain/ids.ts'
import type { Clock, NewId } from '../../domain/ports.ts'
import type { CodeSender, ExpiringStore } from '../ports.ts'
import { isPublicKey } from './deviceKey.ts'
import { hashHandle, normaliseHandle } from './handleHash.ts'
import { keyedHash, sameHash } from './secrets.ts'

const REGISTRATION_TTL_MS = 10 * 60_000

export interface RegistrationOptions {
  /** 32 bytes; handles and codes are hashed under it. */
  readonly handleKey: Uint8Array
  /** Codes that may be tried for one registration. Default: 5. */
  readonly maxAttempts?: number
  /** Registrations that may be started for one address within the window. Default: 5. */
  readonly maxStartsPerAddress?: number
  /** ... and from one source. Default: 20. */
  readonly maxStartsPerSource?: number
  /** Milliseconds. Default: one hour. */
  readonly startsWindowMs?: number
}

/** Two steps: prove an address by a code sent to it, then get an account with a first device. */
export interface Registration {
  /**
   * `source` is the IP address that asks.
   * Throws `DomainError`: InvalidRequest, RateLimited, HandleTaken.
   */
  start(request: {
    readonly handle: string
    readonly displayName: string
    readonly address: string
    readonly source: string
  }): Promise<{ readonly registrationId: string; readonly expiresAt: number }>
  /**
   * Repeated with the same code and key it gives the same answer, so an answer may get lost.
   * Throws `DomainError`: InvalidRequest, InvalidCode, HandleTaken; IdempotencyConflict for another key.
   */
  complete(request: {
    readonly registrationId: string
    readonly code: string
    readonly device: { readonly name: string; readonly publicKey: string }
  }): Promise<{ readonly userId: UserId; readonly deviceId: DeviceId }>
}

export interface RegistrationDeps {
  readonly dispatch: Pick<Dispatch, 'execute' | 'handle'>
  readonly expiring: ExpiringStore
  readonly codes: CodeSender
  readonly clock: Clock
  readonly newId: NewId
}

interface StoredRegistration {
  readonly handle: string
  readonly displayName: string
  readonly codeHash: string
  readonly startedAt: number
}

export const createRegistration = (deps: RegistrationDeps, options: RegistrationOptions): Registration => {
  const { dispatch, expiring, codes, clock, newId } = deps
  const { handleKey, maxAttempts = 5, startsWindowMs = 3_600_000 } = options
  const { maxStartsPerAddress = 5, maxStartsPerSource = 20 } = options

  const codeHash = (registrationId: string, code: string): string =>
    keyedHash(handleKey, `code|${registrationId}|${code}`)

  const limitStarts = async (address: string, source: string): Promise<void> => {
    const addressHash = keyedHash(handleKey, `address|${address.trim().toLowerCase()}`)
    const fromSource = await expiring.increment(`registration/from/${source}`, startsWindowMs)
    if (fromSource > maxStartsPerSource) throw tooManyStarts()
    const forAddress = await expiring.increment(`registration/for/${addressHash}`, startsWindowMs)
    if (forAddress > maxStartsPerAddress) throw tooManyStarts()
  }

  /** The registration, for who knows its code. */
  const checkCode = async (registrationId: string, code: string): Promise<StoredRegistration> => {
    const stored = await expiring.get(registrationKey(registrationId))
    if (stored === undefined) throw registrationOver()
    const attempts = await expiring.increment(`${registrationKey(registrationId)}/attempts`, REGISTRATION_TTL_MS)
    if (attempts > maxAttempts) throw registrationOver()
    const registration = JSON.parse(stored) as StoredRegistration
    if (!sameHash(registration.codeHash, codeHash(registrationId, code)))
      throw attempts < maxAttempts
        ? new DomainError('InvalidCode', 'The code is not the one that was sent; try again.')
        : registrationOver()
    return registration
  }

  return {
    async start({ handle: typed, displayName, address, source }) {
      const handle = normaliseHandle(typed)
      if (handle === undefined)
        throw new DomainError('InvalidRequest', 'A handle has 3 to 32 of a-z 0-9 _ . and begins with a letter.')
      await limitStarts(address, source)
      if ((await dispatch.handle(hashHandle(handleKey, handle))).claimedBy !== undefined)
        throw new DomainError('HandleTaken', 'This handle is taken; choose another one.')
      const registrationId = newId()
      const code = String(randomInt(1_000_000)).padStart(6, '0')
      const startedAt = clock()
      const registration: StoredRegistration = {
        handle,
        displayName,
        codeHash: codeHash(registrationId, code),
        startedAt,
      }
      await expiring.put(registrationKey(registrationId), JSON.stringify(registration), REGISTRATION_TTL_MS)
      await codes.send(address, code)
      return { registrationId, expiresAt: startedAt + REGISTRATION_TTL_MS }
    },

    async complete({ registrationId, code, device }) {
      if (!isPublicKey(device.publicKey))
        throw new DomainError('InvalidRequest', 'The public key is not an Ed25519 key.')
      const { handle, displayName, startedAt } = await checkCode(registrationId, code)
      const handleHash = hashHandle(handleKey, handle)
      const userId = derivedId<UserId>('user', registrationId)
      const deviceId = derivedId<DeviceId>('first device', registrationId)
      const meta = (commandId: CommandId) => ({ actor: { userId, deviceId }, commandId, correlationId: registrationId })
      // An id of its own for every attempt: a repetition renews the reservation instead of recalling an expired one.
      await dispatch.execute({ type: 'ReserveHandle', handleHash, userId }, meta(newId() as CommandId))
      await dispatch.execute(
        { type: 'RegisterAccount', userId, handleHash, handle, displayName, device: { ...device, deviceId } },
        // With the key in the id, another key is another command, which the account refuses.
        meta(derivedCommandId(startedAt, 'RegisterAccount', registrationId, device.publicKey)),
      )
      await dispatch.execute(
        { type: 'ClaimHandle', handleHash, userId },
        meta(derivedCommandId(startedAt, 'ClaimHandle', registrationId)),
      )
      return { userId, deviceId }
    },
  }
}

const registrationKey = (registrationId: string): string => `registration/${registrationId}`

const registrationOver = () =>
  new DomainError('InvalidCode', 'This registration has expired, or too many codes were tried; start again.')
const tooManyStarts = () => new DomainError('RateLimited', 'Too many registrations were started; try again in an hour.')
