import type { DeviceId } from '../../domain/ids.ts'
import { loginText } from '../protocol/loginText.ts'

/** An Ed25519 key pair as it is stored; never leaves the device. */
export interface DeviceKey {
  readonly kty: 'OKP'
  readonly crv: 'Ed25519'
  /** Public part, 32 bytes as base64url. */
  readonly x: string
  /** Private part, the same. */
  readonly d: string
}

/** Makes the key pair of a new device. Browsers do this in secure contexts only: https, or localhost. */
export const createDeviceKey = async (): Promise<DeviceKey> => {
  const pair = await crypto.subtle.generateKey('Ed25519', true, ['sign', 'verify'])
  const { x, d } = await crypto.subtle.exportKey('jwk', (pair as CryptoKeyPair).privateKey)
  if (x === undefined || d === undefined) throw new TypeError('this platform cannot export Ed25519 keys')
  return { kty: 'OKP', crv: 'Ed25519', x, d }
}

/** Signs the login text, as base64url. */
export const signLogin = async (
  { kty, crv, x, d }: DeviceKey,
  login: { readonly origin: string; readonly deviceId: string; readonly nonce: string },
): Promise<string> => {
  const key = await crypto.subtle.importKey('jwk', { kty, crv, x, d }, 'Ed25519', false, ['sign'])
  const text = loginText({ ...login, deviceId: login.deviceId as DeviceId })
  return toBase64url(new Uint8Array(await crypto.subtle.sign('Ed25519', key, new TextEncoder().encode(text))))
}

const toBase64url = (bytes: Uint8Array): string =>
  btoa(String.fromCharCode(...bytes))
    .replaceAll('+', '-')
    .replaceAll('/', '_')
    .replace(/=+$/, '')
