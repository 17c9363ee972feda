import type { Position } from '../../domain/ids.ts'

const PREFIX = 8

/** A position as the outside sees it: opaque, ordered within one incarnation of the log. */
export const encodeCursor = (incarnation: string, position: Position): string =>
  `${incarnation.slice(0, PREFIX)}-${position}`

/** `undefined` when the cursor is of another incarnation of the log. */
export const decodeCursor = (incarnation: string, cursor: string): Position | undefined =>
  cursor.startsWith(`${incarnation.slice(0, PREFIX)}-`) ? (cursor.slice(PREFIX + 1) as Position) : undefined
