import { categoryOf, conversationStream, idOf } from '../../domain/ids.ts'
import type { Projector } from '../../projections/projector.ts'
import type { TimelineItem } from '../../projections/timeline.ts'
import { type CatchUpDeps, type CaughtItem, catchUp, findSources } from './catchUp.ts'
import type { DeviceSession } from './deviceSession.ts'
import { eventFrame, frameOf } from './frames.ts'
import type { LivePush } from './livePush.ts'
import { Pushed, voidFrame } from './pushFrames.ts'
import type { StatePush } from './statePush.ts'

const EVENT_MODELS = ['timeline', 'inbox']
const STATE_MODELS = ['receipts', 'inbox', 'directory']
/** Events sent, and looked at, in one turn of the loop at most, so that one device does not hold up the others. */
const TURN = 256
const TURN_SEEN = 4_096
/** Time after which a waiting device is looked at again: it may be gone. */
const PATIENCE_MS = 1_000

export interface DeviceCatchUpDeps extends CatchUpDeps {
  readonly push: LivePush
  readonly states: StatePush
  readonly projector: Projector
}

/** Brings a device from its cursor to the feed without a hole, through its window, and makes it live. */
export const createDeviceCatchUp = (deps: DeviceCatchUpDeps) => {
  const { push, projector, states } = deps
  const { ring, deletions } = push

  const sendStates = async (session: DeviceSession): Promise<void> => {
    const upTo = projector.lowest(STATE_MODELS)
    if (upTo === undefined || upTo <= session.statesFrom) return waitFor(STATE_MODELS)
    await states.catchUp(session, session.statesFrom)
    session.statesFrom = upTo
  }

  const waitFor = async (models: readonly string[]): Promise<void> => {
    await projector.waitFor(models, ring.floor, PATIENCE_MS)
  }

  const sendFromModels = async (session: DeviceSession): Promise<void> => {
    const lowest = projector.lowest(EVENT_MODELS) ?? session.sentTo
    // Who may see what is known as of the feed: the models may be ahead of it.
    const upTo = lowest < ring.head ? lowest : ring.head
    const folded = projector.checkpoint('timeline') ?? upTo
    if (upTo <= session.sentTo || folded < deletions.forgottenTo) return waitFor(EVENT_MODELS)
    const sources = await findSources(deps, session.user.conversations, session.sentTo)
    for await (const chunk of catchUp(deps, sources, upTo)) {
      for (const caught of chunk) {
        if (session.room <= 0) await session.untilRoom()
        if (session.closed) return
        // Pages may be older than a deletion that is not remembered any more: they are read again.
        if (folded < deletions.forgottenTo) return
        sendItem(session, caught)
        session.sentTo = caught.item.position
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
    const target = messageOf(item)
    const deletedAt = target === undefined ? undefined : deletions.deletedAt(conversationId, target)
    const text = deletedAt === undefined ? dataText : blanked(dataText, deletedAt)
    const counts = seq > 0 && actor.userId !== session.userId
    const frame = eventFrame(cursor, stream, revision, eventType, at, actor, text)
    session.push(frame, item.position, counts ? conversationId : undefined, seq)
  }

  /** True when the device has everything and is live. */
  const sendFromRing = async (session: DeviceSession): Promise<boolean> => {
    while (!session.closed) {
      const { sentTo, statesFrom } = session
      const from = sentTo < statesFrom ? sentTo : statesFrom
      if (!ring.covers(from)) return false
      sendTurn(session, ring.after(from))
      if (session.sentTo >= ring.head && session.statesFrom >= ring.head) break
      await (session.room > 0 ? nextTurn() : session.untilRoom())
    }
    session.live = true
    session.writer.send(frameOf({ type: 'caughtUp', cursor: push.cursor(session.sentTo) }))
    if (session.sentTo > session.offeredTo) session.offeredTo = session.sentTo
    return true
  }

  const sendTurn = (session: DeviceSession, from: number): void => {
    const end = Math.min(ring.end, from + TURN_SEEN)
    let sent = 0
    for (let i = from; i < end && sent < TURN && session.room > 0; i++) {
      const event = ring.at(i)
      const { position, stream } = event
      if (categoryOf(stream) !== 'conversation') {
        if (position > session.statesFrom) states.pushTo(session, event, push.routing)
      } else if (position > session.sentTo && session.user.conversations.has(idOf(stream))) {
        push.send(session, new Pushed(event, push.cursor(position)))
        sent++
      }
      if (position > session.sentTo) session.sentTo = position
      if (position > session.statesFrom) session.statesFrom = position
    }
  }

  return async (session: DeviceSession): Promise<void> => {
    while (!session.closed) {
      if (!ring.covers(session.statesFrom)) await sendStates(session)
      if (!ring.covers(session.sentTo)) await sendFromModels(session)
      else if (ring.covers(session.statesFrom) && (await sendFromRing(session))) return
    }
  }
}

const nextTurn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

/** Revision of the message whose content an item carries. */
const messageOf = ({ eventType, revision, dataText }: TimelineItem & { kind: 'event' }): number | undefined => {
  if (eventType === 'MessageSent') return revision
  if (eventType !== 'MessageEdited') return undefined
  return (JSON.parse(dataText) as { targetRevision?: number }).targetRevision
}

const blanked = (dataText: string, deletedAt: string): string => {
  const { messageId, seq } = JSON.parse(dataText) as { messageId: string; seq: number }
  return JSON.stringify({ messageId, seq, deletedAt })
}
