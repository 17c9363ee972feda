import { categoryOf, conversationStream, type Position } from '../../domain/ids.ts'
import type { Logger } from '../../domain/ports.ts'
import type { Projector } from '../../projections/projector.ts'
import { type CatchUpDeps, type CaughtItem, catchUp, findSources } from './catchUp.ts'
import type { DeviceSession } from './deviceSession.ts'
import { eventFrame, frameOf } from './frames.ts'
import { type LivePush, nextAdvance } from './livePush.ts'
import { Pushed, voidFrame } from './pushFrames.ts'
import type { StatePush } from './statePush.ts'

const EVENT_MODELS = ['timeline', 'inbox']
const STATE_MODELS = ['receipts', 'inbox', 'directory']
/** Events sent in one turn of the loop at most, so that one device does not hold up the others. */
const TURN = 256

export interface DeviceCatchUpDeps extends CatchUpDeps {
  readonly push: LivePush
  readonly states: StatePush
  readonly projector: Projector
  readonly logger: Logger
}

/** Brings a device from its cursor to the feed without a hole, through its window, and makes it live. */
export const createDeviceCatchUp = (deps: DeviceCatchUpDeps) => {
  const { push, projector, states } = deps

  const run = async (session: DeviceSession): Promise<void> => {
    while (!session.closed) {
      const statesTo = projector.lowest(STATE_MODELS)
      await states.catchUp(session, session.statesFrom)
      session.statesFrom = statesTo
      if (!push.ring.covers(session.sentTo)) await sendFromModels(session)
      else if (statesTo !== undefined && push.ring.covers(statesTo)) {
        if (await sendFromRing(session, statesTo)) return
        // The models may have gone on while they were read: wait only if they have not.
      } else if (projector.lowest(STATE_MODELS) === statesTo) await nextAdvance(projector)
    }
  }

  const sendFromModels = async (session: DeviceSession): Promise<void> => {
    const upTo = projector.lowest(EVENT_MODELS)
    if (upTo === undefined || upTo <= session.sentTo) return nextAdvance(projector)
    const sources = await findSources(deps, session.user.conversations, session.sentTo)
    for await (const chunk of catchUp(deps, sources, upTo)) {
      for (const caught of chunk) {
        while (session.room <= 0 && !session.closed) await roomIn(session)
        if (session.closed) return
        sendItem(session, caught)
      }
    }
    session.sentTo = upTo
  }

  const sendItem = (session: DeviceSession, { conversationId, item }: CaughtItem): void => {
    const cursor = push.cursor(item.position)
    const stream = conversationStream(conversationId)
    if (item.kind === 'void') {
      return session.push(voidFrame(cursor, stream, item.from, item.to), item.position, undefined, 0)
    }
    const { revision, eventType, at, actor, dataText, seq = 0 } = item
    const deletedAt = eventType === 'MessageSent' ? push.deletedAt(conversationId, revision) : undefined
    const text = deletedAt === undefined ? dataText : blanked(dataText, deletedAt)
    const counts = seq > 0 && actor.userId !== session.userId
    const frame = eventFrame(cursor, stream, revision, eventType, at, actor, text)
    session.push(frame, item.position, counts ? conversationId : undefined, seq)
  }

  /** True when the device has everything and is live. */
  const sendFromRing = async (session: DeviceSession, statesTo: Position): Promise<boolean> => {
    const { ring } = push
    let sentStates = statesTo
    for (;;) {
      const from = session.sentTo < sentStates ? session.sentTo : sentStates
      if (!ring.covers(from)) return false
      let sent = 0
      for (let i = ring.after(from); i < ring.end && sent < TURN && session.room > 0; i++) {
        const event = ring.at(i)
        if (categoryOf(event.stream) === 'conversation') {
          if (event.position > session.sentTo) {
            push.send(session, new Pushed(event, push.cursor(event.position)))
            sent++
          }
        } else if (event.position > sentStates) states.pushTo(session, event, push.routing)
        if (event.position > session.sentTo) session.sentTo = event.position
        if (event.position > sentStates) sentStates = event.position
      }
      session.statesFrom = sentStates
      if (session.closed) return true
      if (session.sentTo >= ring.head) break
      await (session.room > 0 ? nextTurn() : roomIn(session))
    }
    session.live = true
    session.writer.send(frameOf({ type: 'caughtUp', cursor: push.cursor(session.sentTo) }))
    if (session.sentTo > session.offeredTo) session.offeredTo = session.sentTo
    return true
  }

  return (session: DeviceSession, onFailure: (error: unknown) => void): void => {
    run(session).catch((error: unknown) => {
      deps.logger.error({ error, deviceId: session.deviceId }, 'a device could not be caught up')
      onFailure(error)
    })
  }
}

const roomIn = (session: DeviceSession): Promise<void> =>
  new Promise((resolve) => {
    session.wake = () => {
      session.wake = undefined
      resolve()
    }
  })

const nextTurn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

const blanked = (dataText: string, deletedAt: string): string => {
  const { messageId, seq } = JSON.parse(dataText) as { messageId: string; seq: number }
  return JSON.stringify({ messageId, seq, deletedAt })
}
