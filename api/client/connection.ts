import type { ClientFrameInput } from '../protocol/clientFrames.ts'
import type { ServerFrame, ServerFrameOf } from '../protocol/serverFrames.ts'
import {
  type ConnectionEffect,
  type ConnectionEvent,
  type ConnectionState,
  connectionStep,
  INITIAL,
} from './connectionState.ts'
import type { OpenSocket, Socket } from './socket.ts'
import type { Timers } from './timers.ts'

export type DeviceAuth = Extract<Extract<ClientFrameInput, { type: 'renew' }>['auth'], { kind: 'device' }>

export interface ConnectionDeps {
  /** Of the WebSocket. */
  readonly url: string
  readonly openSocket: OpenSocket
  readonly timers: Timers
  readonly newId: () => string
  readonly sign: (nonce: string) => Promise<DeviceAuth>
  /** The cursor that the device has stored, once everything is stored that came before. */
  readonly cursor: () => Promise<string | undefined>
  readonly changed: (state: ConnectionState) => void
  /** Everything that is not about the connection itself. */
  readonly received: (frame: ServerFrame) => void
}

export interface Connection {
  readonly state: ConnectionState
  step(event: ConnectionEvent): void
  /** Goes nowhere while no device is let in. */
  send(frame: ClientFrameInput): void
  /** As if the connection had failed: what was received last could not be stored. */
  drop(): void
}

/** Silence after which the peer counts as gone, in heartbeats. */
const PATIENCE = 2.5
const LOST = 1006

/** The shell around `connectionStep`: one socket at a time, one timer, and heartbeats. */
export const createConnection = (deps: ConnectionDeps): Connection => {
  const { timers } = deps
  let state = INITIAL
  let socket: Socket | undefined
  let nonce = ''
  let cancelTimer = () => {}
  let cancelBeat = () => {}
  let heardAt = 0
  let saidAt = 0
  let refusal = ''

  const step = (event: ConnectionEvent) => {
    const { state: next, effects } = connectionStep(state, event)
    const changed = next.phase !== state.phase
    state = next
    for (const effect of effects) perform(effect)
    if (changed) deps.changed(next)
  }

  const perform = (effect: ConnectionEffect) => {
    switch (effect.type) {
      case 'open':
        return open()
      case 'hello':
        return void hello()
      case 'close':
        return close()
      case 'setTimer':
        cancelTimer()
        cancelTimer = timers.after(effect.ms, () => step({ type: 'timerRang' }))
        return
      case 'clearTimer':
        return cancelTimer()
    }
  }

  const open = () => {
    refusal = ''
    const opened: Socket = deps.openSocket(deps.url, {
      received: (text) => {
        if (opened === socket) receive(text)
      },
      closed: (code, text) => {
        if (opened === socket) lost(code, text)
      },
    })
    socket = opened
  }

  const close = () => {
    cancelBeat()
    socket?.close()
    socket = undefined
  }

  const lost = (code: number, text: string) => {
    close()
    step({ type: 'closed', code, text: refusal === '' ? text : refusal, random: timers.random() })
  }

  const hello = async () => {
    const greeted = socket
    try {
      const cursor = await deps.cursor()
      const auth = await deps.sign(nonce)
      if (greeted === socket) write({ type: 'hello', auth, ...(cursor !== undefined && { cursor }) })
    } catch (error) {
      if (greeted !== socket) return
      refusal = String(error)
      lost(LOST, '')
    }
  }

  const renew = async (proof: string) => {
    const renewed = socket
    const auth = await deps.sign(proof)
    if (renewed === socket) write({ type: 'renew', id: deps.newId(), auth })
  }

  const write = (frame: ClientFrameInput) => {
    saidAt = timers.now()
    socket?.send(JSON.stringify(frame))
  }

  const receive = (text: string) => {
    heardAt = timers.now()
    const frame = parse(text)
    if (frame === undefined) return lost(LOST, 'something that is not of this protocol came')
    switch (frame.type) {
      case 'challenge':
        nonce = frame.nonce
        return step({ type: 'challenged' })
      case 'heartbeat':
        return
      case 'goaway':
        return step({ type: 'goaway', withinMs: frame.withinMs, random: timers.random() })
      case 'expiring':
        // Should it fail, the server closes and the next hello signs in.
        return void renew(frame.nonce).catch(() => {})
      case 'welcome':
        welcomed(frame)
        break
      case 'error':
        if (frame.id === undefined && state.phase === 'authenticating') refusal = `${frame.code}: ${frame.message}`
    }
    deps.received(frame)
  }

  const welcomed = ({ limits }: ServerFrameOf<'welcome'>) => {
    refusal = ''
    step({ type: 'welcomed' })
    const beat = () => {
      const now = timers.now()
      if (now - heardAt > limits.heartbeatMs * PATIENCE) return lost(LOST, 'the server fell silent')
      if (now - saidAt >= limits.heartbeatMs / 2) write({ type: 'heartbeat' })
      cancelBeat = timers.after(limits.heartbeatMs / 2, beat)
    }
    cancelBeat = timers.after(limits.heartbeatMs / 2, beat)
  }

  return {
    get state() {
      return state
    },
    step,
    send(frame) {
      if (state.phase === 'catchingUp' || state.phase === 'live') write(frame)
    },
    drop() {
      if (socket !== undefined) lost(LOST, 'what was received could not be stored')
    },
  }
}

const parse = (text: string): ServerFrame | undefined => {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
