import type { Accepted, Dispatch } from '../../commands/dispatch.ts'
import { DomainError } from '../../domain/errors.ts'
import type { CommandId, ConversationId } from '../../domain/ids.ts'
import type { Inbox, InboxEntry } from '../../projections/inbox.ts'
import type { Roster } from '../../projections/roster.ts'
import type { Session } from '../auth/session.ts'
import type { OperationResponse } from '../protocol/operations.ts'
import { type CommandRequest, toCommand } from '../toCommand.ts'
import { metaOf, type OperationHandlers } from './operationHandlers.ts'
import type { Reads } from './reads.ts'

export interface ConversationDeps {
  readonly dispatch: Dispatch
  readonly inbox: Inbox
  readonly roster: Roster
}

/** Executes a command on a conversation. */
export const createConversationCommands = (dispatch: Dispatch, reads: Reads) => {
  const execute = async (
    request: CommandRequest,
    session: Session,
    commandId: CommandId,
  ): Promise<{ readonly conversationId: ConversationId; readonly outcome: Accepted }> => {
    const command = toCommand(request, session.userId, commandId)
    const outcome = await dispatch.execute(command, metaOf(session, commandId))
    return { conversationId: (command as { conversationId: ConversationId }).conversationId, outcome }
  }
  return {
    execute,
    /** ... and answers as most operations do. */
    async change(request: CommandRequest, { session, commandId }: { session: Session; commandId: CommandId }) {
      const { conversationId, outcome } = await execute(request, session, commandId)
      return { conversationId, ...reads.accepted(outcome) }
    },
  }
}

/** Conversations and who is in them. */
export const conversationHandlers = ({ dispatch, inbox, roster }: ConversationDeps, reads: Reads) => {
  const { execute, change } = createConversationCommands(dispatch, reads)

  return {
    async listInbox({ query: { atLeast, ...options } }, { session }) {
      await reads.caughtUp(atLeast, ['inbox'])
      const { entries, ...ends } = await inbox.page(session.userId, pageOptions(options))
      return { conversations: entries.map(shown), ...ends }
    },
    async getConversation({ params, query }, { session }) {
      await reads.caughtUp(query.atLeast, ['inbox'])
      const entry = await inbox.entry(session.userId, params.conversationId)
      if (entry === undefined) throw new DomainError('NotFound', 'There is no such conversation, or you are not in it.')
      return shown(entry)
    },

    async startConversation({ body }, { session, commandId }) {
      const { conversationId, outcome } = await execute({ type: 'StartConversation', ...body }, session, commandId)
      return { conversationId, ...reads.accepted(outcome), created: outcome.event !== undefined }
    },
    changeDetails: ({ params, body }, caller) => change({ type: 'ChangeDetails', ...params, ...body }, caller),
    leaveConversation: ({ params, body }, caller) => change({ type: 'LeaveConversation', ...params, ...body }, caller),

    async listMembers({ params: { conversationId }, query: { atLeast, ...options } }, { session }) {
      await reads.caughtUp(atLeast, ['inbox', 'roster'])
      await reads.activeMembership(session.userId, conversationId)
      const { members, ...ends } = await roster.members(conversationId, pageOptions(options))
      const listed = members.map(({ userId, role, since, sinceRevision }) => ({ userId, role, since, sinceRevision }))
      return { members: listed, ...ends }
    },
    addMembers: ({ params, body }, caller) => change({ type: 'AddMembers', ...params, ...body }, caller),
    changeRole: ({ params, body }, caller) => change({ type: 'ChangeRole', ...params, ...body }, caller),
    removeMember: ({ params }, caller) => change({ type: 'RemoveMember', ...params }, caller),
  } satisfies Partial<OperationHandlers>
}

export const pageOptions = ({ cursor, limit }: { readonly cursor?: string | undefined; readonly limit: number }) =>
  cursor === undefined ? { limit } : { cursor, limit }

const shown = ({ membership, head, unread }: InboxEntry): OperationResponse<'getConversation'> => {
  const { conversationId, kind, mode, title, peers, revision, lastSeq, activity, last } = head
  const { role, active, intervals, read } = membership
  return {
    conversationId,
    kind,
    mode,
    title,
    peers: peers && [...peers],
    role,
    active,
    visible: [...intervals],
    revision,
    lastSeq,
    read,
    unread,
    activity,
    last: last && lastShown(last),
  }
}

const lastShown = ({ messageId, revision, seq, from, at, content, deleted }: NonNullable<InboxEntry['head']['last']>) =>
  ({ messageId, revision, seq, from, at, content, deleted }) as OperationResponse<'getConversation'>['last']
