import type { OperationResponse } from '../protocol/operations.ts'
import { ClientError } from './clientError.ts'
import type { Http } from './http.ts'

export type Profile = OperationResponse<'getUser'>
export type OwnProfile = OperationResponse<'getMe'>
export type Device = OperationResponse<'listDevices'>['devices'][number]
export type Member = OperationResponse<'listMembers'>['members'][number]
export type Privacy = OwnProfile['privacy']

/**
 * People and devices, asked for over HTTP. Every method rejects with a `ClientError`.
 * `seen`: answers show everything up to there, which is what this device has seen already.
 */
export const createDirectory = (http: Http, seen: () => { readonly atLeast?: string }) => ({
  me: (): Promise<OwnProfile> => http.call('getMe', {}),
  async changeProfile(profile: { readonly displayName: string; readonly about?: string }): Promise<void> {
    await http.call('changeProfile', { body: { ...profile } })
  },
  async changePrivacy(privacy: Privacy): Promise<void> {
    await http.call('changePrivacy', { body: privacy })
  },
  /** `undefined` when nobody has this handle. */
  async findUser(handle: string): Promise<Profile | undefined> {
    return (await http.call('findUsers', { query: { handle, ...seen() } })).users[0]
  },
  /** `undefined` when there is no such user. */
  async user(userId: string): Promise<Profile | undefined> {
    try {
      return await http.call('getUser', { params: { userId }, query: seen() })
    } catch (error) {
      if (error instanceof ClientError && error.code === 'NotFound') return undefined
      throw error
    }
  },
  /** Those that exist of up to 100 users, in no order. */
  users: async (userIds: readonly string[]): Promise<Profile[]> =>
    userIds.length === 0
      ? []
      : (await http.call('findUsers', { query: { userIds: userIds.join(','), ...seen() } })).users,
  /** Everybody in a conversation that you are in. */
  async members(conversationId: string): Promise<Member[]> {
    const members: Member[] = []
    let cursor: string | undefined
    do {
      const query = { limit: 200, ...seen(), ...(cursor !== undefined && { cursor }) }
      const page = await http.call('listMembers', { params: { conversationId }, query })
      members.push(...page.members)
      cursor = page.next
    } while (cursor !== undefined)
    return members
  },
  devices: async (): Promise<Device[]> => (await http.call('listDevices', {})).devices,
  /** For `linkDevice` on a new device; good once, for a short time. */
  createLinkToken: (): Promise<OperationResponse<'createLinkToken'>> => http.call('createLinkToken', {}),
  async renameDevice(deviceId: string, name: string): Promise<void> {
    await http.call('renameDevice', { params: { deviceId }, body: { name } })
  },
  /** Signs it out for good, at once. */
  async revokeDevice(deviceId: string): Promise<void> {
    await http.call('revokeDevice', { params: { deviceId } })
  },
})

export type Directory = ReturnType<typeof createDirectory>
