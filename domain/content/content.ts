import { DomainError } from '../errors.ts'

/** A message that the server can read. */
export interface TextContent {
  readonly kind: 'text'
  /** Unicode text, at least one character that is not white space. */
  readonly text: string
}

/** The part of an encrypted message that stays clear, equal to the additional data of its encryption. */
export interface ClearHeader {
  readonly messageId: string
  /** False for an edit, a reaction or the like: such a payload gets no seq. */
  readonly counts: boolean
  readonly media: readonly string[]
  /** ISO 8601. */
  readonly expiresAt?: string | undefined
  readonly notify?: readonly string[] | undefined
}

/** A message that only the devices of its members can read. Bytes are base64url without padding. */
export interface EncryptedContent {
  readonly kind: 'encrypted'
  readonly groupId: string
  readonly epoch: number
  readonly header: ClearHeader
  readonly bytes: string
}

/** What a message can contain. Readers tolerate kinds they do not know. */
export type Content = TextContent | EncryptedContent

export interface ContentLimits {
  /** Largest content as UTF-8 JSON, in bytes. */
  readonly maxContentBytes: number
}

/** Refuses content that has a valid shape but no valid meaning; `undefined` when it is fine. */
export const checkContent = (content: Content, limits: ContentLimits): DomainError | undefined => {
  switch (content.kind) {
    case 'text':
      if (content.text.trim() === '') return new DomainError('ContentInvalid', 'A text message needs some text.')
      if (!isWellFormed(content.text))
        return new DomainError('ContentInvalid', 'The text has half of a surrogate pair; send well-formed Unicode.')
      return checkSize(content, limits)
    case 'encrypted':
      return new DomainError(
        'EncryptionUnavailable',
        'This server does not accept encrypted conversations yet; start the conversation with mode "plain".',
      )
  }
}

const checkSize = (content: TextContent, limits: ContentLimits): DomainError | undefined => {
  // A UTF-16 unit takes at most 3 bytes of UTF-8 (6 when JSON escapes it): short texts need no counting.
  if (content.text.length * 6 + 32 <= limits.maxContentBytes) return undefined
  const bytes = utf8Length(JSON.stringify(content))
  if (bytes <= limits.maxContentBytes) return undefined
  return new DomainError(
    'ContentTooLarge',
    `The content has ${bytes} bytes; at most ${limits.maxContentBytes} are accepted.`,
  )
}

const LONE_SURROGATE = /\p{Surrogate}/u

/** True when no surrogate stands alone: such text would not survive UTF-8. */
const isWellFormed = (text: string): boolean => !LONE_SURROGATE.test(text)

/** Length in bytes of a well-formed text as UTF-8. */
const utf8Length = (text: string): number => {
  let bytes = 0
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i)
    if (unit < 0x80) bytes += 1
    else if (unit < 0x800) bytes += 2
    else if (unit >= 0xd800 && unit <= 0xdbff) {
      bytes += 4
      i++
    } else bytes += 3
  }
  return bytes
}
