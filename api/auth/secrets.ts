import { createHash, createHmac, randomBytes, timingSafeEqual } from 'node:crypto'

/** 256 random bits as base64url. */
export const newSecret = (): string => randomBytes(32).toString('base64url')

/** Under this a secret is kept: what has 256 random bits needs no salt. */
export const hashSecret = (secret: string): string => createHash('sha256').update(secret).digest('hex')

/** For what could be guessed: without the key, the hash does not tell when a guess is right. */
export const keyedHash = (key: Uint8Array, text: string): string => createHmac('sha256', key).update(text).digest('hex')

/** Takes the same time wherever two hashes differ. */
export const sameHash = (a: string, b: string): boolean =>
  a.length === b.length && timingSafeEqual(Buffer.from(a), Buffer.from(b))
