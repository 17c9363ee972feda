import { type AfterClose, CLOSE_CODES } from '../protocol/errorTables.ts'

export type Phase = 'offline' | 'connecting' | 'authenticating' | 'catchingUp' | 'live' | 'waiting' | 'stopped'

/** Where a connection stands. Which socket is meant is the shell's business: it has one at a time. */
export interface ConnectionState {
  readonly phase: Phase
  /** Attempts since the last time everything had arrived. */
  readonly attempts: number
  /** The server said goodbye: it may close, and a new connection is due when the timer rings. */
  readonly leaving: boolean
  /** Present when `stopped`. */
  readonly reason?: StopReason
}

export type StopReason =
  | { readonly by: 'user' }
  | { readonly by: 'server'; readonly code: number; readonly text: string }

export type ConnectionEvent =
  | { readonly type: 'connect' }
  /** The platform says that there is a network again. */
  | { readonly type: 'networkFound' }
  | { readonly type: 'challenged' }
  | { readonly type: 'welcomed' }
  | { readonly type: 'caughtUp' }
  /** `random` is at least 0 and below 1. */
  | { readonly type: 'goaway'; readonly withinMs: number; readonly random: number }
  /** The socket is gone: by the peer, by a failure, or because a deadline passed. */
  | { readonly type: 'closed'; readonly code: number; readonly text: string; readonly random: number }
  | { readonly type: 'timerRang' }
  | { readonly type: 'stop' }

export type ConnectionEffect =
  | { readonly type: 'open' }
  /** Answer the challenge. */
  | { readonly type: 'hello' }
  | { readonly type: 'close' }
  /** Replaces the timer there was. */
  | { readonly type: 'setTimer'; readonly ms: number }
  | { readonly type: 'clearTimer' }

export interface Transition {
  readonly state: ConnectionState
  readonly effects: readonly ConnectionEffect[]
}

export const BACKOFF = { firstMs: 500, maxMs: 30_000 } as const
/** From opening a socket to the welcome. */
const CONNECT_DEADLINE_MS = 15_000

export const INITIAL: ConnectionState = { phase: 'offline', attempts: 0, leaving: false }

/** Full jitter: anything from nothing to the exponential bound, so that many clients do not return at once. */
export const backoffMs = (attempts: number, random: number): number =>
  Math.floor(random * Math.min(BACKOFF.maxMs, BACKOFF.firstMs * 2 ** Math.min(attempts, 16)))

export const afterClose = (code: number): AfterClose =>
  Object.values(CLOSE_CODES).find((known) => known.code === code)?.next ?? 'retry'

const stay = (state: ConnectionState): Transition => ({ state, effects: [] })

const open = (state: ConnectionState): Transition => ({
  state: { phase: 'connecting', attempts: state.attempts + 1, leaving: false },
  effects: [{ type: 'open' }, { type: 'setTimer', ms: CONNECT_DEADLINE_MS }],
})

const wait = (state: ConnectionState, random: number): Transition => ({
  state: { phase: 'waiting', attempts: state.attempts, leaving: false },
  effects: [{ type: 'setTimer', ms: backoffMs(state.attempts, random) }],
})

/** The connection's whole behaviour; docs/client.md has it as a table. */
export const connectionStep = (state: ConnectionState, event: ConnectionEvent): Transition => {
  if (state.phase === 'stopped') return event.type === 'connect' ? open(INITIAL) : stay(state)
  switch (event.type) {
    case 'connect':
      return state.phase === 'offline' || state.phase === 'waiting' ? open(state) : stay(state)
    case 'networkFound':
      return state.phase === 'waiting' ? open({ ...state, attempts: 0 }) : stay(state)
    case 'challenged':
      return state.phase === 'connecting'
        ? { state: { ...state, phase: 'authenticating' }, effects: [{ type: 'hello' }] }
        : stay(state)
    case 'welcomed':
      return state.phase === 'authenticating'
        ? { state: { ...state, phase: 'catchingUp' }, effects: [{ type: 'clearTimer' }] }
        : stay(state)
    case 'caughtUp':
      return state.phase === 'catchingUp' ? stay({ ...state, phase: 'live', attempts: 0 }) : stay(state)
    case 'goaway':
      return isOpen(state)
        ? {
            state: { ...state, leaving: true },
            effects: [{ type: 'setTimer', ms: Math.floor(event.random * event.withinMs) }],
          }
        : stay(state)
    case 'timerRang':
      return timerRang(state)
    case 'closed':
      return closed(state, event)
    case 'stop':
      return {
        state: { phase: 'stopped', attempts: 0, leaving: false, reason: { by: 'user' } },
        effects: hasSocket(state) ? [{ type: 'clearTimer' }, { type: 'close' }] : [{ type: 'clearTimer' }],
      }
  }
}

const isOpen = ({ phase }: ConnectionState): boolean => phase === 'catchingUp' || phase === 'live'
const hasSocket = (state: ConnectionState): boolean =>
  isOpen(state) || state.phase === 'connecting' || state.phase === 'authenticating'

const timerRang = (state: ConnectionState): Transition => {
  if (state.phase === 'waiting') return open(state)
  if (!hasSocket(state) || (isOpen(state) && !state.leaving)) return stay(state)
  // Either the server is about to go, or it took too long to let this device in.
  const { state: next, effects } = open(state)
  return { state: next, effects: [{ type: 'close' }, ...effects] }
}

const closed = (
  state: ConnectionState,
  { code, text, random }: Extract<ConnectionEvent, { type: 'closed' }>,
): Transition => {
  if (!hasSocket(state)) return stay(state)
  const next = afterClose(code)
  if (next === 'giveUp' || (next === 'reauthenticate' && !isOpen(state)))
    return {
      state: { phase: 'stopped', attempts: 0, leaving: false, reason: { by: 'server', code, text } },
      effects: [{ type: 'clearTimer' }],
    }
  // The session ended: every hello signs anew, so that connecting again is all there is to do.
  if (next === 'reauthenticate') return open(state)
  // The timer that the goodbye has set is running.
  if (state.leaving) return stay({ phase: 'waiting', attempts: state.attempts, leaving: false })
  return wait(state, random)
}
