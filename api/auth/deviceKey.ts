import { createPublicKey, type KeyObject, verify } from 'node:crypto'
import { type LoginChallenge, loginText } from '../protocol/loginText.ts'

const RAW_ED25519 = /^[A-Za-z0-9_-]{43}$/

/** Whether the text is an Ed25519 public key: 32 bytes as base64url. */
export const isPublicKey = (text: string): boolean => importKey(text) !== undefined

/** Whether the key's owner signed exactly this login. */
export const verifyLogin = (login: LoginChallenge & { readonly signature: string }, publicKey: string): boolean => {
  const key = importKey(publicKey)
  if (key === undefined) return false
  return verify(null, Buffer.from(loginText(login)), key, Buffer.from(login.signature, 'base64url'))
}

const importKey = (x: string): KeyObject | undefined => {
  if (!RAW_ED25519.test(x)) return undefined
  try {
    return createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x }, format: 'jwk' })
  } catch {
    return undefined
  }
}
