import type { Content } from '../../domain/content/content.ts'
import { ClientError } from './clientError.ts'
import type { Stored } from './outbox.ts'
import type { CommandInput } from './store.ts'
import type { Message, MessageReference } from './timelineRecord.ts'

/** Names a message. Without a revision it is not stored yet, and cannot be edited, deleted or answered: `NotYet`. */
export type Target = Pick<Message, 'conversationId' | 'messageId' | 'revision'>

export interface SendOptions {
  /** The message that this one answers. */
  readonly replyTo?: Omit<Target, 'conversationId'>
}

export interface Sending {
  readonly messageId: string
  /** Resolves once the server has stored it; rejects with a `ClientError` when it is refused for good. */
  readonly stored: Promise<Stored>
}

/** What changes a conversation. Stored first, sent in order, repeated until answered: no effect is lost or doubled. */
export interface Commands {
  /** Text, or content of another kind. The messageId is there at once. */
  send(conversationId: string, content: string | Content, options?: SendOptions): Sending
  edit(message: Target, content: string | Content): Promise<Stored>
  /** For everyone. */
  delete(message: Target): Promise<Stored>
  /** The conversationId of the direct conversation with a user; there is one. */
  startDirect(userId: string): Promise<string>
  /** The conversationId of a new group, whose admin you are. */
  startGroup(title: string, members?: readonly string[]): Promise<string>
  rename(conversationId: string, title: string): Promise<Stored>
  addMembers(conversationId: string, userIds: readonly string[]): Promise<Stored>
  removeMember(conversationId: string, userId: string): Promise<Stored>
  /** The last admin names a successor. */
  leave(conversationId: string, successor?: string): Promise<Stored>
  changeRole(conversationId: string, userId: string, role: 'admin' | 'member'): Promise<Stored>
}

/** `submit` puts a frame into the outbox under its id. */
export const createCommands = (
  newId: () => string,
  submit: (id: string, frame: CommandInput) => Promise<Stored>,
): Commands => {
  const command = (frameOf: (id: string) => CommandInput): Promise<Stored> => {
    const id = newId()
    return submit(id, frameOf(id))
  }

  return {
    send(conversationId, content, { replyTo } = {}) {
      const messageId = newId()
      const frame: CommandInput = {
        type: 'SendMessage',
        id: messageId,
        conversationId,
        messageId,
        content: contentOf(content),
        ...(replyTo !== undefined && { replyTo: referenceOf(replyTo) }),
      }
      return { messageId, stored: submit(messageId, frame) }
    },
    edit: async ({ conversationId, ...message }, content) =>
      command((id) => ({
        type: 'EditMessage',
        id,
        conversationId,
        ...referenceOf(message),
        content: contentOf(content),
      })),
    delete: async ({ conversationId, ...message }) =>
      command((id) => ({ type: 'DeleteMessage', id, conversationId, ...referenceOf(message) })),
    startDirect: async (userId) =>
      (await command((id) => ({ type: 'StartConversation', id, kind: 'direct', userId }))).conversationId,
    startGroup: async (title, members = []) =>
      (await command((id) => ({ type: 'StartConversation', id, kind: 'group', title, members: [...members] })))
        .conversationId,
    rename: (conversationId, title) => command((id) => ({ type: 'ChangeDetails', id, conversationId, title })),
    addMembers: (conversationId, userIds) =>
      command((id) => ({ type: 'AddMembers', id, conversationId, userIds: [...userIds] })),
    removeMember: (conversationId, userId) => command((id) => ({ type: 'RemoveMember', id, conversationId, userId })),
    leave: (conversationId, successor) =>
      command((id) => ({
        type: 'LeaveConversation',
        id,
        conversationId,
        ...(successor !== undefined && { successor }),
      })),
    changeRole: (conversationId, userId, role) =>
      command((id) => ({ type: 'ChangeRole', id, conversationId, userId, role })),
  }
}

const referenceOf = ({ messageId, revision }: Omit<Target, 'conversationId'>): MessageReference => {
  if (revision === undefined) throw new ClientError('NotYet', 'The message is not stored yet; wait until it is sent.')
  return { messageId, revision }
}

const contentOf = (content: string | Content): Mutable<Content> =>
  typeof content === 'string' ? { kind: 'text', text: content } : (content as Mutable<Content>)

/** The schemas of the protocol have no notion of read-only. */
type Mutable<T> = T extends object
  ? { -readonly [K in keyof T]: T[K] extends readonly (infer I)[] ? I[] : Mutable<T[K]> }
  : T
