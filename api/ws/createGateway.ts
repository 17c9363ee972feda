import type { PositionedEvent } from '../../domain/eventsourcing/message.ts'
import type { Position } from '../../domain/ids.ts'
import type { Directory } from '../../projections/directory.ts'
import type { Receipts } from '../../projections/receipts.ts'
import type { Roster } from '../../projections/roster.ts'
import type { SignalBus } from '../ports.ts'
import { CursorKeeper } from './cursorKeeper.ts'
import { createDeviceCatchUp } from './deviceCatchUp.ts'
import { type AnnouncedLimits, Gateway, type GatewayDeps, type GatewayOptions } from './gateway.ts'
import { LivePush } from './livePush.ts'
import { Presence } from './presence.ts'
import { ReceiptCollector } from './receiptCollector.ts'
import { StatePush } from './statePush.ts'

export interface CreateGatewayDeps extends Omit<GatewayDeps, 'receiptCollector' | 'keeper'> {
  readonly receipts: Receipts
  readonly roster: Roster
  readonly directory: Directory
  readonly signals: SignalBus
}

export interface CreateGatewayOptions extends GatewayOptions {
  readonly ringEvents: number
  readonly ringBytes: number
}

/** The gateway with its parts; `head` is the position of the log's newest event when the node started. */
export const createGateway = (
  deps: CreateGatewayDeps,
  options: CreateGatewayOptions,
  limits: AnnouncedLimits,
  head: Position,
): Gateway => {
  const { dispatch, roster, cursors, clock, projector, logger, timeline, inbox } = deps
  const receiptCollector = new ReceiptCollector(deps)
  const states = new StatePush(deps)
  const push = new LivePush(
    {
      ...deps,
      states,
      ringEvents: options.ringEvents,
      ringBytes: options.ringBytes,
      onEvent: (event: PositionedEvent) => dispatch.observe(event),
      onBehind: (session) => gateway.catchUp(session),
      onRevoked: (deviceId) => gateway.revoked(deviceId),
    },
    head,
  )
  const gateway: Gateway = new Gateway(
    { ...deps, receiptCollector, keeper: new CursorKeeper({ cursors, receipts: receiptCollector, clock, logger }) },
    options,
    limits,
    push,
    new Presence({ bus: deps.signals, roster, cursors, dispatch, routing: push.routing, clock }),
    createDeviceCatchUp({ inbox, timeline, deletions: push, push, states, projector, logger }),
  )
  return gateway
}
