import type { OperationResponse } from '../protocol/operations.ts'
import { ClientError } from './clientError.ts'
import { createDeviceKey, type DeviceKey } from './deviceKey.ts'
import { createHttp, type Http } from './http.ts'
import { createNewId } from './newId.ts'
import type { ClientStorage } from './storage/clientStorage.ts'
import { systemTimers, type Timers } from './timers.ts'

/** Who this device is. Whoever has its key is this device. */
export interface Identity {
  readonly userId: string
  readonly deviceId: string
  readonly key: DeviceKey
}

/** Where a device is to sign up, and where it keeps who it is. */
export interface AccountOptions {
  /** Of the server, as in `https://chat.example`. */
  readonly url: string
  readonly storage: ClientStorage
  /** Default: the platform's. */
  readonly fetch?: typeof fetch
  /** Default: the system's. */
  readonly timers?: Timers
}

export interface NewAccount {
  /** 3 to 32 of `a-z 0-9 _ .`, begins with a letter. */
  readonly handle: string
  readonly displayName: string
  /** E-mail address or phone number; gets the one-time code. */
  readonly address: string
}

const IDENTITY = 'identity'
/** Of a device that the server may or may not know yet: a repetition must show the same key. */
const NEW_KEY = 'newKey'

/**
 * Asks for a one-time code, which is sent to the address.
 * Throws `ClientError`: HandleTaken, InvalidRequest, RateLimited, AlreadySignedIn.
 */
export const startRegistration = async (
  options: AccountOptions,
  account: NewAccount,
): Promise<OperationResponse<'startRegistration'>> => {
  await requireNobody(options.storage)
  return openHttp(options).call('startRegistration', { body: { ...account } })
}

/**
 * Completes a registration with its code: this device becomes the first one of a new account. May be repeated when
 * the answer got lost. Throws `ClientError`: InvalidCode, HandleTaken, AlreadySignedIn.
 */
export const completeRegistration = (
  options: AccountOptions,
  registration: { readonly registrationId: string; readonly code: string; readonly deviceName: string },
): Promise<Identity> => {
  const { registrationId, code, deviceName: name } = registration
  return becomeDevice(options, (http, publicKey) =>
    http.call('registerAccount', { body: { registrationId, code, device: { name, publicKey } } }),
  )
}

/**
 * Makes this device a further one of an account, with a token that a signed-in device shows (`createLinkToken`).
 * May be repeated when the answer got lost. Throws `ClientError`: InvalidLinkToken, Forbidden, AlreadySignedIn.
 */
export const linkDevice = (
  options: AccountOptions,
  link: { readonly token: string; readonly deviceName: string },
): Promise<Identity> =>
  becomeDevice(options, (http, publicKey) =>
    http.call('linkDevice', { body: { token: link.token, name: link.deviceName, publicKey } }),
  )

/** Who this device is. Throws `ClientError` NotSignedIn. */
export const loadIdentity = async (storage: ClientStorage): Promise<Identity> => {
  const [identity] = await storage.get([IDENTITY])
  if (identity === undefined)
    throw new ClientError('NotSignedIn', 'This storage holds no device; register, or link it to an account.')
  return identity as Identity
}

const requireNobody = async (storage: ClientStorage): Promise<void> => {
  const [identity] = await storage.get([IDENTITY])
  if (identity !== undefined)
    throw new ClientError('AlreadySignedIn', 'This storage belongs to a device already; open another one.')
}

const becomeDevice = async (
  options: AccountOptions,
  ask: (http: Http, publicKey: string) => Promise<{ readonly userId: string; readonly deviceId: string }>,
): Promise<Identity> => {
  const { storage } = options
  await requireNobody(storage)
  const key = await newKey(storage)
  const { userId, deviceId } = await ask(openHttp(options), key.x)
  const identity: Identity = { userId, deviceId, key }
  await storage.commit([{ key: IDENTITY, value: identity }, { key: NEW_KEY }])
  return identity
}

/** Stored before it is shown to anybody. */
const newKey = async (storage: ClientStorage): Promise<DeviceKey> => {
  const [kept] = await storage.get([NEW_KEY])
  if (kept !== undefined) return kept as DeviceKey
  const key = await createDeviceKey()
  await storage.commit([{ key: NEW_KEY, value: key }])
  return key
}

const openHttp = ({ url, fetch = globalThis.fetch, timers = systemTimers }: AccountOptions): Http =>
  createHttp({ url, fetch, timers, newId: createNewId(timers.now) })
