import type { Dispatch } from '../../commands/dispatch.ts'
import type { EventStore } from '../../domain/eventsourcing/eventStore.ts'
import type { Position } from '../../domain/ids.ts'
import type { Clock, Logger, Metrics, NewId } from '../../domain/ports.ts'
import type { Directory } from '../../projections/directory.ts'
import type { Inbox } from '../../projections/inbox.ts'
import type { Projector } from '../../projections/projector.ts'
import type { Receipts } from '../../projections/receipts.ts'
import type { Roster } from '../../projections/roster.ts'
import type { Timeline } from '../../projections/timeline.ts'
import type { Authenticator } from '../auth/login.ts'
import type { DeviceCursorStore, SignalBus } from '../ports.ts'
import { type AdmissionOptions, createAdmission } from './admission.ts'
import { CursorKeeper } from './cursorKeeper.ts'
import { createDeviceCatchUp } from './deviceCatchUp.ts'
import { createDeviceFrames } from './deviceFrames.ts'
import { type AnnouncedLimits, Gateway, type GatewayOptions } from './gateway.ts'
import { LivePush } from './livePush.ts'
import { Presence } from './presence.ts'
import { ReceiptCollector } from './receiptCollector.ts'
import { StatePush } from './statePush.ts'
import { createWatermarks } from './watermarks.ts'

export interface CreateGatewayDeps {
  readonly log: EventStore
  readonly dispatch: Dispatch
  readonly authenticator: Authenticator
  readonly projector: Projector
  readonly timeline: Timeline
  readonly inbox: Inbox
  readonly roster: Roster
  readonly receipts: Receipts
  readonly directory: Directory
  readonly cursors: DeviceCursorStore
  readonly signals: SignalBus
  readonly incarnation: string
  readonly clock: Clock
  readonly newId: NewId
  readonly logger: Logger
  readonly metrics: Metrics
}

export interface CreateGatewayOptions extends GatewayOptions, AdmissionOptions {
  /** Events kept in memory for devices that lag a little. */
  readonly ringEvents: number
  readonly ringBytes: number
  /** Commands of one connection that may wait for their answer. */
  readonly maxInFlight: number
}

/** The gateway with its parts; `head` is the position of the log's newest event when the node started. */
export const createGateway = (
  deps: CreateGatewayDeps,
  options: CreateGatewayOptions,
  limits: AnnouncedLimits,
  head: Position,
): Gateway => {
  const { dispatch } = deps
  const receipts = new ReceiptCollector(deps)
  const keeper = new CursorKeeper({ ...deps, receipts })
  const watermarks = createWatermarks({ ...deps, receipts, keeper })
  const states = new StatePush(deps)
  const { ringEvents, ringBytes } = options
  const push = new LivePush(
    {
      ...deps,
      ...{ states, ringEvents, ringBytes },
      onEvent: dispatch.observe,
      onBehind: (session) => gateway.catchUp(session),
      onRevoked: (deviceId) => gateway.revoked(deviceId),
      onInterrupted: () => gateway.interrupted(),
    },
    head,
  )
  const { routing } = push
  const presence = new Presence({ ...deps, bus: deps.signals, routing })
  const now = () => gateway.now()
  const gateway: Gateway = new Gateway(
    {
      ...deps,
      ...{ push, presence, watermarks, keeper },
      admit: createAdmission({ ...deps, push, watermarks }, options),
      catchUp: createDeviceCatchUp({ ...deps, push, states }),
      handle: createDeviceFrames({ ...deps, watermarks, presence, routing, now }, options),
    },
    options,
    limits,
  )
  return gateway
}
