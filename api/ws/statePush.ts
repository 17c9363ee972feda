import type { ProfileChanged } from '../../domain/account/events.ts'
import type { PositionedEvent } from '../../domain/eventsourcing/message.ts'
import { type ConversationId, categoryOf, idOf, type Position, type UserId } from '../../domain/ids.ts'
import type { Logger } from '../../domain/ports.ts'
import { type ReceiptsAdvanced, watermarksOfOthers } from '../../domain/receipts/events.ts'
import type { ReadPrivately } from '../../domain/userState/events.ts'
import type { Directory } from '../../projections/directory.ts'
import type { Inbox } from '../../projections/inbox.ts'
import type { Receipts } from '../../projections/receipts.ts'
import type { Roster } from '../../projections/roster.ts'
import type { ServerFrameOf } from '../protocol/serverFrames.ts'
import type { DeviceSession } from './deviceSession.ts'
import { frameOf } from './frames.ts'
import type { RoutedUser, Routing } from './routing.ts'

/** Of a conversation with more advances than this only the common watermarks are pushed; by whom is a query. */
const MAX_ADVANCES = 32

type State = ServerFrameOf<'state'>
type OnBehind = (session: DeviceSession) => void

export interface StatePushDeps {
  readonly inbox: Inbox
  readonly receipts: Receipts
  readonly roster: Roster
  readonly directory: Directory
  readonly logger: Logger
}

/** Results without a place in the order: receipts, own state, profiles, devices. */
export class StatePush {
  readonly #deps: StatePushDeps

  constructor(deps: StatePushDeps) {
    this.#deps = deps
  }

  /** To every live device that it concerns; those that do not read what they were sent fall behind. */
  push(event: PositionedEvent, routing: Routing<DeviceSession>, onBehind: OnBehind): void {
    const category = categoryOf(event.stream)
    if (category === 'receipts') return pushReceipts(event, routing, onBehind)
    const own = routing.user(idOf(event.stream))
    const frame = ownFrame(event)
    if (frame === undefined) return
    if (own !== undefined) sendToUser(own, frame, onBehind)
    if (event.type === 'ProfileChanged') this.#sendToContacts(idOf(event.stream), frame, routing)
  }

  /** To one device that is being caught up, if it concerns it. */
  pushTo(session: DeviceSession, event: PositionedEvent, routing: Routing<DeviceSession>): void {
    if (categoryOf(event.stream) === 'receipts') {
      const { conversationId } = event.data as ReceiptsAdvanced['data']
      if (routing.isMember(session.userId, conversationId)) session.writer.send(receiptsFrame(event, session.userId))
    } else if (idOf<UserId>(event.stream) === session.userId) {
      const frame = ownFrame(event)
      if (frame !== undefined) session.writer.send(frame)
    }
  }

  #sendToContacts(userId: UserId, frame: Buffer, routing: Routing<DeviceSession>): void {
    this.#deps.roster.conversationsOf(userId).then(
      (conversations) => {
        const contacts = new Set<RoutedUser<DeviceSession>>()
        for (const id of conversations)
          for (const member of routing.connectedMembers(id))
            if (member.userId !== userId && routing.isMember(member.userId, id)) contacts.add(member)
        for (const { sessions } of contacts) for (const session of sessions) if (session.live) session.signal(frame)
      },
      (error: unknown) => this.#deps.logger.warn({ error }, 'a changed profile could not be pushed'),
    )
  }

  /** What changed after `after` in the user's conversations, as results. */
  async catchUp(session: DeviceSession, after: Position): Promise<void> {
    for (const [conversationId, intervals] of session.user.conversations) {
      if (session.room <= 0) await session.untilRoom()
      if (session.closed) return
      // Who left is told nothing more.
      if (intervals.at(-1)?.to !== undefined) continue
      const found = await this.#deps.receipts.summary(conversationId)
      if (found === undefined || found.position <= after) continue
      const all = watermarksOfOthers(found.summary, session.userId)
      const { entries, next } = await this.#deps.receipts.entries(conversationId, { limit: MAX_ADVANCES })
      const advances =
        next === undefined ? entries.map(({ userId, delivered, read }) => ({ userId, delivered, read })) : []
      session.writer.send(stateFrame('receipts', conversationId, found.position, { conversationId, advances, ...all }))
    }
    await this.#catchUpOwn(session, after)
  }

  async #catchUpOwn(session: DeviceSession, after: Position): Promise<void> {
    for (const { membership, position } of await this.#deps.inbox.changedMemberships(session.userId, after)) {
      if (membership.read === 0) continue
      const { conversationId, read } = membership
      session.writer.send(stateFrame('userState', conversationId, position, { conversationId, read }))
    }
    const own = (await this.#deps.directory.users([session.userId])).get(session.userId)
    if (own === undefined || own.position <= after) return
    const { displayName, about } = own.user
    session.writer.send(
      stateFrame('profile', session.userId, own.position, { displayName, ...(about !== undefined && { about }) }),
    )
  }
}

/** One frame for all where by whom is shared; else each gets the own ones. The slowest sees how far the others are. */
const pushReceipts = (event: PositionedEvent, routing: Routing<DeviceSession>, onBehind: OnBehind): void => {
  const { conversationId, advances, slowest } = event.data as ReceiptsAdvanced['data']
  const shared = advances.length <= MAX_ADVANCES ? receiptsFrame(event, undefined) : undefined
  const apart = [slowest.delivered.userId, slowest.read.userId]
  for (const user of routing.connectedMembers(conversationId)) {
    if (!routing.isMember(user.userId, conversationId)) continue
    const frame = apart.includes(user.userId) ? undefined : shared
    sendToUser(user, frame ?? receiptsFrame(event, user.userId), onBehind)
  }
}

const receiptsFrame = (event: PositionedEvent, reader: UserId | undefined): Buffer => {
  const data = event.data as ReceiptsAdvanced['data']
  const { conversationId } = data
  const advances =
    data.advances.length <= MAX_ADVANCES ? data.advances : data.advances.filter(({ userId }) => userId === reader)
  const all = watermarksOfOthers(data, reader)
  return stateFrame('receipts', conversationId, event.position, { conversationId, advances, ...all })
}

/** What concerns the own devices of the user whose stream it is. */
const ownFrame = (event: PositionedEvent): Buffer | undefined => {
  switch (event.type) {
    case 'ReadPrivately': {
      const { conversationId, upTo } = event.data as ReadPrivately['data']
      return stateFrame('userState', conversationId, event.position, { conversationId, read: upTo })
    }
    case 'ProfileChanged': {
      const { details } = event.data as ProfileChanged['data']
      return stateFrame('profile', idOf(event.stream), event.position, details)
    }
    case 'DeviceLinked':
    case 'DeviceRenamed':
    case 'DeviceRevoked': {
      const { deviceId } = event.data as { deviceId: string }
      return stateFrame('devices', idOf(event.stream), event.position, { changed: event.type, deviceId })
    }
    default:
      return undefined
  }
}

/** A device that is behind gets the result when it has caught up. */
const sendToUser = (user: RoutedUser<DeviceSession>, frame: Buffer, onBehind: OnBehind): void => {
  for (const session of user.sessions) {
    if (!session.live) continue
    if (session.isStalled) onBehind(session)
    else session.writer.send(frame)
  }
}

const stateFrame = (kind: State['kind'], key: ConversationId | UserId, position: Position, data: object): Buffer =>
  frameOf({ type: 'state', kind, key, position, data: { ...data } })
