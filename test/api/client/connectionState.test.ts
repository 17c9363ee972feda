import { expect } from 'chai'
import fc from 'fast-check'
import { describe, it } from 'mocha'
import {
  afterClose,
  BACKOFF,
  backoffMs,
  type ConnectionEvent,
  type ConnectionState,
  connectionStep,
  INITIAL,
} from '../../../api/client/connectionState.ts'
import { CLOSE_CODES } from '../../../api/protocol/errorTables.ts'

const codes = [1000, 1001, 1006, 1012, 3999, ...Object.values(CLOSE_CODES).map(({ code }) => code)]
const random = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true })
const event: fc.Arbitrary<ConnectionEvent> = fc.oneof(
  fc.constantFrom<ConnectionEvent>(
    { type: 'connect' },
    { type: 'networkFound' },
    { type: 'challenged' },
    { type: 'welcomed' },
    { type: 'caughtUp' },
    { type: 'timerRang' },
  ),
  fc.record({ type: fc.constant('goaway' as const), withinMs: fc.nat(10_000), random }),
  fc.record({ type: fc.constant('closed' as const), code: fc.constantFrom(...codes), text: fc.constant(''), random }),
  { weight: 1, arbitrary: fc.constant<ConnectionEvent>({ type: 'stop' }) },
)

const WITH_SOCKET: readonly string[] = ['connecting', 'authenticating', 'catchingUp', 'live']

/** A shell without a network: whether there is a socket, and how long the timer still runs. */
const createShell = () => {
  let state: ConnectionState = INITIAL
  let socket = false
  let timer: number | undefined

  return {
    get state() {
      return state
    },
    get socket() {
      return socket
    },
    get timer() {
      return timer
    },
    /** What cannot happen is left out: a close without a socket, a ring without a timer. */
    step(each: ConnectionEvent) {
      if (each.type === 'closed') {
        if (!socket) return
        socket = false
      }
      if (each.type === 'timerRang') {
        if (timer === undefined) return
        timer = undefined
      }
      const { state: next, effects } = connectionStep(state, each)
      state = next
      for (const effect of effects) {
        if (effect.type === 'open') {
          expect(socket, 'a second socket').to.equal(false)
          socket = true
        } else if (effect.type === 'close') socket = false
        else if (effect.type === 'setTimer') timer = effect.ms
        else if (effect.type === 'clearTimer') timer = undefined
      }
    },
  }
}

const HAPPY: readonly ConnectionEvent[] = [{ type: 'challenged' }, { type: 'welcomed' }, { type: 'caughtUp' }]

describe('connectionStep', () => {
  it('opens, says hello, catches up and is live', () => {
    const shell = createShell()
    const phases = [{ type: 'connect' } as const, ...HAPPY].map((each) => {
      shell.step(each)
      return shell.state.phase
    })
    expect(phases).to.deep.equal(['connecting', 'authenticating', 'catchingUp', 'live'])
    expect(shell.state.attempts).to.equal(0)
    expect(shell.timer).to.equal(undefined)
  })

  it('has exactly one socket in the phases that need one, and none in the others, whatever happens', () => {
    fc.assert(
      fc.property(fc.array(event, { maxLength: 40 }), (events) => {
        const shell = createShell()
        for (const each of events) {
          shell.step(each)
          expect(shell.socket).to.equal(WITH_SOCKET.includes(shell.state.phase))
        }
      }),
    )
  })

  it('waits for nothing without a timer: neither for the next attempt, nor for being let in, nor to leave', () => {
    fc.assert(
      fc.property(fc.array(event, { maxLength: 40 }), (events) => {
        const shell = createShell()
        for (const each of events) {
          shell.step(each)
          const { phase, leaving } = shell.state
          const awaits = ['waiting', 'connecting', 'authenticating'].includes(phase) || leaving
          if (awaits) expect(shell.timer).to.be.a('number')
          if (phase === 'stopped') expect(shell.timer).to.equal(undefined)
        }
      }),
    )
  })

  it('is live again in the end, from wherever it is, unless it was stopped or never started', () => {
    fc.assert(
      fc.property(fc.array(event, { maxLength: 40 }), (events) => {
        const shell = createShell()
        for (const each of events) shell.step(each)
        if (shell.state.phase === 'offline' || shell.state.phase === 'stopped') shell.step({ type: 'connect' })
        if (shell.state.phase === 'waiting') shell.step({ type: 'timerRang' })
        for (const each of HAPPY) shell.step(each)
        expect(shell.state).to.include({ phase: 'live', attempts: 0 })
      }),
    )
  })

  it('stops only when it is told to, or when the server says that coming back is of no use', () => {
    fc.assert(
      fc.property(fc.array(event, { maxLength: 40 }), (events) => {
        const shell = createShell()
        for (const each of events) {
          const before = shell.state.phase
          const had = shell.socket
          shell.step(each)
          if (shell.state.phase !== 'stopped' || before === 'stopped') continue
          if (each.type === 'stop') expect(shell.state.reason).to.deep.equal({ by: 'user' })
          else {
            expect(each.type).to.equal('closed')
            expect(had).to.equal(true)
            expect(each.type === 'closed' && afterClose(each.code)).to.be.oneOf(['giveUp', 'reauthenticate'])
          }
        }
      }),
    )
  })

  it('stays stopped until it is told to connect', () => {
    fc.assert(
      fc.property(event, (each) => {
        const { state } = connectionStep(INITIAL, { type: 'stop' })
        const next = connectionStep(state, each)
        if (each.type === 'connect') expect(next.state.phase).to.equal('connecting')
        else if (each.type !== 'stop') expect(next).to.deep.equal({ state, effects: [] })
      }),
    )
  })

  it('does after every close code what the protocol says', () => {
    const live = (): ConnectionState => ({ phase: 'live', attempts: 0, leaving: false })
    const phaseAfter = (state: ConnectionState, code: number) =>
      connectionStep(state, { type: 'closed', code, text: '', random: 0.5 }).state.phase
    for (const { code, next } of Object.values(CLOSE_CODES)) {
      const expected = { giveUp: 'stopped', reauthenticate: 'connecting', retry: 'waiting' }[next]
      expect(phaseAfter(live(), code), String(code)).to.equal(expected)
    }
    for (const code of [1000, 1001, 1006, 1012, 4999]) expect(phaseAfter(live(), code)).to.equal('waiting')
    // A key that is refused is refused again.
    expect(phaseAfter({ ...live(), phase: 'authenticating' }, CLOSE_CODES.NotAuthenticated.code)).to.equal('stopped')
  })

  it('spreads the attempts: anywhere below a bound that doubles, and is itself bounded', () => {
    fc.assert(
      fc.property(fc.nat(100), random, (attempts, chance) => {
        const ms = backoffMs(attempts, chance)
        expect(ms).to.be.within(0, Math.min(BACKOFF.maxMs, BACKOFF.firstMs * 2 ** attempts))
      }),
    )
    expect(backoffMs(0, 0.5)).to.equal(BACKOFF.firstMs / 2)
    expect(backoffMs(3, 0.5)).to.equal(BACKOFF.firstMs * 4)
    expect(backoffMs(60, 0.999_999)).to.equal(BACKOFF.maxMs - 1)
  })

  it('counts attempts until everything has arrived, so that a server that fails early is not hammered', () => {
    const shell = createShell()
    shell.step({ type: 'connect' })
    for (let i = 1; i <= 5; i++) {
      shell.step({ type: 'challenged' })
      shell.step({ type: 'welcomed' })
      shell.step({ type: 'closed', code: 1006, text: '', random: 0.999 })
      expect(shell.state).to.include({ phase: 'waiting', attempts: i })
      shell.step({ type: 'timerRang' })
    }
  })

  it('leaves within the time that the goodbye names, also when the server closes first', () => {
    const leaving = () => {
      const shell = createShell()
      for (const each of [{ type: 'connect' } as const, ...HAPPY]) shell.step(each)
      shell.step({ type: 'goaway', withinMs: 5_000, random: 0.5 })
      return shell
    }
    const rung = leaving()
    expect(rung.timer).to.equal(2_500)
    rung.step({ type: 'timerRang' })
    expect(rung.state.phase).to.equal('connecting')

    const closed = leaving()
    closed.step({ type: 'closed', code: 1012, text: '', random: 0.9 })
    expect(closed.state.phase).to.equal('waiting')
    expect(closed.timer).to.equal(2_500)
  })
})
