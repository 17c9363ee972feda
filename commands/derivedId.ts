import { createHash } from 'node:crypto'
import type { CommandId, ConversationId, UserId } from '../domain/ids.ts'

/** A UUIDv8 that depends on nothing but the parts: whoever repeats a step meets what the first attempt made. */
export const derivedId = <Id extends string>(...parts: readonly string[]): Id => {
  const hex = hashOf(parts)
  return uuid(hex.slice(0, 12), '8', hex) as Id
}

/**
 * The id of a command that follows from something which happened at `at` (milliseconds since the epoch). Streams
 * remember commands by the order of their ids, so it carries that moment, as every command's id does.
 */
export const derivedCommandId = (at: number, ...parts: readonly string[]): CommandId =>
  uuid(at.toString(16).padStart(12, '0'), '7', hashOf(parts)) as CommandId

/** The one direct conversation of two users, whoever of them starts it. */
export const directConversationId = (a: UserId, b: UserId): ConversationId =>
  derivedId('direct', ...(a < b ? [a, b] : [b, a]))

/** JSON, so that no two lists of parts run together to the same text. */
const hashOf = (parts: readonly string[]): string => createHash('sha256').update(JSON.stringify(parts)).digest('hex')

const uuid = (first48Bits: string, version: '7' | '8', hex: string): string => {
  const variant = ((Number.parseInt(hex.charAt(15), 16) & 3) | 8).toString(16)
  const time = `${first48Bits.slice(0, 8)}-${first48Bits.slice(8)}`
  return `${time}-${version}${hex.slice(12, 15)}-${variant}${hex.slice(16, 19)}-${hex.slice(19, 31)}`
}
