import type { Accepted, Dispatch } from '../../commands/dispatch.ts'
import type { MessageSent } from '../../domain/conversation/events.ts'
import { DomainError } from '../../domain/errors.ts'
import type { CommandId } from '../../domain/ids.ts'
import type { Logger } from '../../domain/ports.ts'
import type { ClientFrame, CommandFrame } from '../protocol/clientFrames.ts'
import { decodeCursor, encodeCursor } from '../protocol/cursor.ts'
import { toCommand } from '../toCommand.ts'
import type { DeviceSession } from './deviceSession.ts'
import { frameOf, messageOkFrame } from './frames.ts'
import type { Presence } from './presence.ts'
import type { Routing } from './routing.ts'
import { TokenBucket } from './tokenBucket.ts'
import type { Watermarks } from './watermarks.ts'

/** Typing signals of one connection, each of which goes to many. */
const TYPING_PER_SECOND = 2
const TYPING_BURST = 10

/** Frames of the connection itself are not among them. */
export type DeviceFrame = Exclude<ClientFrame, { type: 'hello' | 'renew' | 'heartbeat' }>

/** The connection that a frame came on. */
export interface Caller {
  /** Commands that wait for their answer. */
  inFlight: number
  typing: TokenBucket | undefined
  refuse(id: string | undefined, error: DomainError): void
}

export interface DeviceFramesDeps {
  readonly dispatch: Dispatch
  readonly watermarks: Watermarks
  readonly presence: Presence
  readonly routing: Routing<DeviceSession>
  readonly incarnation: string
  /** Milliseconds; need not be exact. */
  readonly now: () => number
  readonly logger: Logger
}

export type HandleFrame = (caller: Caller, session: DeviceSession, frame: DeviceFrame) => void

/** What the devices that were let in ask for. */
export const createDeviceFrames = (
  deps: DeviceFramesDeps,
  /** Commands of one connection that may wait for their answer. */
  { maxInFlight }: { readonly maxInFlight: number },
): HandleFrame => {
  const { dispatch, watermarks, presence, routing, incarnation, now, logger } = deps

  const attempt = (caller: Caller, id: string | undefined, work: Promise<void>): void => {
    work.catch((error: unknown) => {
      if (error instanceof DomainError) return caller.refuse(id, error)
      logger.error({ error }, 'a frame failed')
      caller.refuse(id, failed())
    })
  }

  const acknowledge = (caller: Caller, session: DeviceSession, cursor: string, id: string | undefined): void => {
    const position = decodeCursor(incarnation, cursor)
    if (position === undefined)
      return caller.refuse(id, new DomainError('InvalidCursor', 'This cursor is not of this log.'))
    if (position > session.offeredTo)
      return caller.refuse(id, new DomainError('AckBeyondSent', 'Acknowledge only what was sent on this connection.'))
    watermarks.acknowledge(session, position)
  }

  const type = (
    caller: Caller,
    session: DeviceSession,
    { id, conversationId, active }: Extract<DeviceFrame, { type: 'typing' }>,
  ): void => {
    if (!routing.isMember(session.userId, conversationId))
      return caller.refuse(id, new DomainError('NotFound', 'There is no such conversation, or you left it.'))
    caller.typing ??= new TokenBucket(TYPING_PER_SECOND, TYPING_BURST, now())
    if (!caller.typing.take(now()))
      return caller.refuse(id, new DomainError('RateLimited', 'Tell of typing again after a few seconds, not before.'))
    presence.typing(session, conversationId, active)
  }

  const command = (caller: Caller, session: DeviceSession, frame: CommandFrame): void => {
    if (caller.inFlight >= maxInFlight)
      return caller.refuse(frame.id, new DomainError('Busy', 'Too many commands wait for their answer; slow down.'))
    const commandId = (frame.type === 'SendMessage' ? frame.messageId : frame.id) as CommandId
    const asked = toCommand(frame, session.userId, commandId)
    caller.inFlight++
    dispatch.submit(asked, { actor: session.actor, commandId }, (outcome) => {
      caller.inFlight--
      if (outcome instanceof Error) return caller.refuse(frame.id, outcome)
      session.writer.send(answer(frame, asked, outcome))
    })
  }

  const answer = (frame: CommandFrame, asked: object, { event, revision, position }: Accepted): Buffer => {
    const cursor = position === undefined ? undefined : encodeCursor(incarnation, position)
    if (frame.type === 'SendMessage') {
      const { seq } = (event as MessageSent).data
      return messageOkFrame(frame.id, frame.messageId, revision, seq, cursor)
    }
    const { conversationId } = asked as { conversationId: string }
    const place = cursor === undefined ? {} : { position: cursor }
    return frameOf({ type: 'ok', id: frame.id, conversationId, revision, ...place })
  }

  return (caller, session, frame) => {
    switch (frame.type) {
      case 'ack':
        return acknowledge(caller, session, frame.cursor, frame.id)
      case 'read':
        return attempt(caller, frame.id, watermarks.read(session, frame.conversationId, frame.upTo))
      case 'typing':
        return type(caller, session, frame)
      case 'presence':
        return attempt(caller, frame.id, presence.watch(session, frame.watch))
      default:
        return command(caller, session, frame)
    }
  }
}

export const failed = () => new DomainError('Internal', 'The server failed; try the same again later.')
