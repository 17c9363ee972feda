import type { DeviceId } from '../../domain/ids.ts'

export interface LoginChallenge {
  /** The origin the client connected to, as in `https://chat.example`. */
  readonly origin: string
  readonly deviceId: DeviceId
  /** Of the server, good for one login. */
  readonly nonce: string
}

/** What a device signs to log in. The label keeps the signature from meaning anything else anywhere else. */
export const loginText = ({ origin, deviceId, nonce }: LoginChallenge): string =>
  `parley login v1 | ${origin} | ${deviceId} | ${nonce}`
