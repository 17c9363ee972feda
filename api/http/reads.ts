import type { Accepted } from '../../commands/dispatch.ts'
import { DomainError } from '../../domain/errors.ts'
import type { ConversationId, UserId } from '../../domain/ids.ts'
import type { Inbox, Membership } from '../../projections/inbox.ts'
import type { Projector } from '../../projections/projector.ts'
import { decodeCursor, encodeCursor } from '../protocol/cursor.ts'

/** How long a query waits for a read model. */
const PATIENCE_MS = 2_000

export interface ReadsDeps {
  readonly projector: Pick<Projector, 'waitFor'>
  readonly inbox: Pick<Inbox, 'membership'>
  readonly incarnation: string
}

/** What all queries share. */
export interface Reads {
  /** Waits until the models show a position. Throws `DomainError`: InvalidCursor, NotYet. */
  caughtUp(atLeast: string | undefined, models: readonly string[]): Promise<void>
  /** Throws `DomainError` NotFound for who was never in the conversation, as if there were none. */
  membership(userId: UserId, conversationId: ConversationId): Promise<Membership>
  /** ... also for who is not in it now. */
  activeMembership(userId: UserId, conversationId: ConversationId): Promise<Membership>
  /** What a command is answered with. */
  accepted(outcome: Accepted): { readonly revision: number; readonly position?: string }
}

export const createReads = ({ projector, inbox, incarnation }: ReadsDeps): Reads => {
  const membership = async (userId: UserId, conversationId: ConversationId): Promise<Membership> => {
    const found = await inbox.membership(userId, conversationId)
    if (found === undefined) throw notFound()
    return found
  }
  return {
    membership,

    async activeMembership(userId, conversationId) {
      const found = await membership(userId, conversationId)
      if (!found.active) throw notFound()
      return found
    },

    async caughtUp(atLeast, models) {
      if (atLeast === undefined) return
      const position = decodeCursor(incarnation, atLeast)
      if (position === undefined)
        throw new DomainError('InvalidCursor', 'atLeast: this position is not of this log; leave it out.')
      if (!(await projector.waitFor(models, position, PATIENCE_MS)))
        throw new DomainError('NotYet', 'The answer does not show this position yet; ask again in a second.')
    },

    accepted: ({ revision, position }) => ({
      revision,
      ...(position !== undefined && { position: encodeCursor(incarnation, position) }),
    }),
  }
}

const notFound = () => new DomainError('NotFound', 'There is no such conversation, or you are not in it.')
