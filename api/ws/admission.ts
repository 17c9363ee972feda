import type { Position } from '../../domain/ids.ts'
import type { Inbox } from '../../projections/inbox.ts'
import type { Timeline } from '../../projections/timeline.ts'
import type { Session } from '../auth/session.ts'
import type { DeviceCursorStore } from '../ports.ts'
import { decodeCursor } from '../protocol/cursor.ts'
import { countBehind, findSources } from './catchUp.ts'
import { DeviceSession, type WindowLimits } from './deviceSession.ts'
import type { LivePush } from './livePush.ts'
import type { RoutedUser } from './routing.ts'
import type { SocketWriter } from './socketWriter.ts'
import type { Watermarks } from './watermarks.ts'

/** A connection whose device is known and not let in yet. */
export interface Arrival {
  readonly closed: boolean
  readonly writer: SocketWriter
  session: DeviceSession | undefined
}

export type Resumed = 'cursor' | 'snapshot'

export interface AdmissionDeps {
  readonly push: LivePush
  readonly watermarks: Watermarks
  readonly inbox: Inbox
  readonly timeline: Timeline
  readonly cursors: DeviceCursorStore
  readonly incarnation: string
}

export interface AdmissionOptions {
  /** Events a device may leave unacknowledged. */
  readonly window: number
  /** Bytes a device may leave unacknowledged, or unread. */
  readonly windowBytes: number
  /** A device more visible events behind than this loads a snapshot instead. */
  readonly maxBehind: number
}

/** Gives the arrival its session, among those of its user; `undefined` when it went meanwhile. */
export type Admit = (
  arrival: Arrival,
  device: Session,
  cursor: string | undefined,
) => Promise<{ readonly session: DeviceSession; readonly resumed: Resumed } | undefined>

export const createAdmission = (deps: AdmissionDeps, options: AdmissionOptions): Admit => {
  const { push, watermarks, cursors, incarnation } = deps
  const limits: WindowLimits = { maxEvents: options.window, maxBytes: options.windowBytes }

  /** The position to resume from; `undefined` when the device has to load a snapshot. */
  const resumable = async (
    user: RoutedUser<DeviceSession>,
    cursor: string | undefined,
  ): Promise<Position | undefined> => {
    const after = cursor === undefined ? undefined : decodeCursor(incarnation, cursor)
    if (after === undefined || after > push.ring.head) return undefined
    if (push.ring.covers(after)) return after
    const sources = await findSources(deps, user.conversations, after)
    return countBehind(sources) > options.maxBehind ? undefined : after
  }

  const open = (
    arrival: Arrival,
    user: RoutedUser<DeviceSession>,
    { deviceId }: Session,
    after: Position | undefined,
    confirmed: Position | undefined,
  ): DeviceSession => {
    const session = new DeviceSession(user, deviceId, arrival.writer, limits, after ?? push.ring.head)
    arrival.session = session
    user.sessions.add(session)
    if (after === undefined || confirmed === undefined || after > confirmed)
      session.owed = { from: confirmed, to: session.sentTo, gathering: false }
    if (after === undefined) return session
    // To resume from a cursor is to acknowledge it. A snapshot is acknowledged when it was loaded.
    watermarks.acknowledge(session, after)
    return session
  }

  return async (arrival, device, cursor) => {
    const stored = await cursors.load(device.deviceId)
    const confirmed = stored === undefined ? undefined : decodeCursor(incarnation, stored.cursor)
    try {
      const arriving = await push.admit(device.userId, arrival)
      const after = arriving && (await resumable(arriving, cursor))
      for (;;) {
        const user = await push.admit(device.userId, arrival)
        if (user === undefined || arrival.closed) return undefined
        // The last other connection of the user may have been closed meanwhile.
        if (push.routing.user(device.userId) !== user) continue
        const session = open(arrival, user, device, after, confirmed)
        return { session, resumed: after === undefined ? 'snapshot' : 'cursor' }
      }
    } finally {
      push.release(device.userId)
    }
  }
}
