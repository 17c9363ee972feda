import type { Dispatch } from '../../commands/dispatch.ts'
import { DomainError } from '../../domain/errors.ts'
import { isUuid, type UserId } from '../../domain/ids.ts'
import type { Directory, DirectoryUser } from '../../projections/directory.ts'
import type { Roster } from '../../projections/roster.ts'
import { hashHandle, normaliseHandle } from '../auth/handleHash.ts'
import type { DeviceCursorStore } from '../ports.ts'
import type { OperationResponse } from '../protocol/operations.ts'
import { metaOf, type OperationHandlers } from './operationHandlers.ts'
import type { Reads } from './reads.ts'

export interface UserDeps {
  readonly dispatch: Dispatch
  readonly directory: Directory
  readonly roster: Roster
  readonly cursors: DeviceCursorStore
  readonly gateway: { isOnline(userId: UserId): boolean }
  /** Handles are looked up by their hash under this key. */
  readonly handleKey: Uint8Array
}

type Profile = OperationResponse<'getUser'>
type Person = Pick<DirectoryUser, 'userId' | 'handle' | 'displayName' | 'about' | 'privacy'>

const MAX_IDS = 100

/** People: the own profile, and what others may see of it. */
export const userHandlers = (deps: UserDeps, reads: Reads) => {
  const { dispatch } = deps

  /** Asks the streams: an account that was made a moment ago is found. */
  const byHandle = async (typed: string): Promise<readonly Person[]> => {
    const handle = normaliseHandle(typed)
    if (handle === undefined) return []
    const { claimedBy } = await dispatch.handle(hashHandle(deps.handleKey, handle))
    if (claimedBy === undefined) return []
    const { details, privacy } = await dispatch.account(claimedBy)
    return details === undefined ? [] : [{ userId: claimedBy, ...details, privacy }]
  }

  const byIds = async (userIds: readonly UserId[]): Promise<readonly Person[]> =>
    [...(await deps.directory.users(userIds)).values()].map(({ user }) => user)

  const seenBy = async (reader: UserId, people: readonly Person[]): Promise<Profile[]> => {
    const visible = people.filter(({ privacy }) => privacy.lastSeen).map(({ userId }) => userId)
    const sharing = await deps.roster.sharing(reader, visible)
    const lastSeen = await deps.cursors.lastSeen([...sharing])
    return people.map(({ userId, handle, displayName, about }) => {
      const profile = { userId, handle, displayName, about }
      if (!sharing.has(userId)) return profile
      const online = deps.gateway.isOnline(userId)
      return { ...profile, online, lastSeen: online ? undefined : lastSeen.get(userId) }
    })
  }

  return {
    async getMe(_, { session }) {
      const { details, privacy } = await dispatch.account(session.userId)
      if (details === undefined) throw notFound()
      return { userId: session.userId, ...details, privacy }
    },
    async changeProfile({ body: { displayName, about } }, { session, commandId }) {
      const { userId } = session
      const command = { type: 'ChangeProfile', userId, displayName, ...(about !== undefined && { about }) } as const
      return reads.accepted(await dispatch.execute(command, metaOf(session, commandId)))
    },
    async changePrivacy({ body }, { session, commandId }) {
      const command = { type: 'ChangePrivacy', userId: session.userId, ...body } as const
      return reads.accepted(await dispatch.execute(command, metaOf(session, commandId)))
    },

    async findUsers({ query: { handle, userIds, atLeast } }, { session }) {
      await reads.caughtUp(atLeast, ['directory', 'roster'])
      if ((handle === undefined) === (userIds === undefined))
        throw new DomainError('InvalidRequest', 'Ask with either `handle` or `userIds`.')
      const people = handle === undefined ? await byIds(idsIn(userIds ?? '')) : await byHandle(handle)
      return { users: await seenBy(session.userId, people) }
    },
    async getUser({ params, query }, { session }) {
      await reads.caughtUp(query.atLeast, ['directory', 'roster'])
      const [profile] = await seenBy(session.userId, await byIds([params.userId]))
      if (profile === undefined) throw notFound()
      return profile
    },
  } satisfies Partial<OperationHandlers>
}

const idsIn = (text: string): readonly UserId[] => {
  const ids = [...new Set(text.split(','))]
  if (ids.length > MAX_IDS || !ids.every(isUuid))
    throw new DomainError('InvalidRequest', `query.userIds: must be up to ${MAX_IDS} user ids, separated by commas.`)
  return ids as UserId[]
}

const notFound = () => new DomainError('NotFound', 'There is no such user.')
