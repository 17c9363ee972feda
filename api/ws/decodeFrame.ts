import { DomainError } from '../../domain/errors.ts'
import { CLIENT_FRAMES, type ClientFrame } from '../protocol/clientFrames.ts'

/** A frame that could not be understood, with its id where it had one. */
export interface BadFrame {
  readonly id: string | undefined
  readonly error: DomainError
}

export type Decoded = { readonly frame: ClientFrame } | BadFrame

const MAX_ID = 64

/** Checks the shape of a frame; throws `SyntaxError` for what is no JSON object. */
export const decodeFrame = (text: string): Decoded => {
  const raw: unknown = JSON.parse(text)
  if (typeof raw !== 'object' || raw === null || Array.isArray(raw)) throw new SyntaxError('no JSON object')
  const { type, id } = raw as { type?: unknown; id?: unknown }
  const echo = typeof id === 'string' && id.length <= MAX_ID ? id : undefined
  if (typeof type !== 'string' || !Object.hasOwn(CLIENT_FRAMES, type))
    return bad(echo, new DomainError('UnknownType', 'There is no such frame; see the AsyncAPI document for all types.'))
  const parsed = CLIENT_FRAMES[type as keyof typeof CLIENT_FRAMES].safeParse(raw)
  if (parsed.success) return { frame: parsed.data }
  const issue = parsed.error.issues[0]
  const where = issue === undefined || issue.path.length === 0 ? 'the frame' : issue.path.join('.')
  return bad(echo, new DomainError('InvalidRequest', `${type}: ${where}: ${issue?.message ?? 'is not valid'}.`))
}

const bad = (id: string | undefined, error: DomainError): BadFrame => ({ id, error })

/** The id that an answer to the frame carries. */
export const idOf = (decoded: Decoded): string | undefined => {
  if ('error' in decoded) return decoded.id
  return 'id' in decoded.frame ? decoded.frame.id : undefined
}
