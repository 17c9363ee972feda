import type { Content } from './content.ts'

/** What became of one message, as far as one reader may see it. */
export interface MessageHistory {
  readonly original: Content
  /** Edits in the order of their revisions. */
  readonly edits: readonly { readonly revision: number; readonly content: Content }[]
  /** ISO 8601; present once it was deleted for everyone. */
  readonly deletedAt?: string
}

/** What a person sees of a message: its newest content, whether it was edited, or that it is gone. */
export type VisibleMessage =
  | { readonly deleted: false; readonly content: Content; readonly editedAtRevision?: number }
  | { readonly deleted: true; readonly deletedAt: string }

/** The fold from message events to what a person sees, for servers and clients alike. */
export const visibleMessage = (history: MessageHistory): VisibleMessage => {
  if (history.deletedAt !== undefined) return { deleted: true, deletedAt: history.deletedAt }
  const newest = history.edits.at(-1)
  if (newest === undefined) return { deleted: false, content: history.original }
  return { deleted: false, content: newest.content, editedAtRevision: newest.revision }
}
