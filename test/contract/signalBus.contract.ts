import { expect } from 'chai'
import { beforeEach, describe, it } from 'mocha'
import type { Signal, SignalBus } from '../../api/ports.ts'
import type { ConversationId, DeviceId, UserId } from '../../domain/ids.ts'

export interface SignalBusSubject {
  readonly bus: SignalBus
  /** Resolves when what was published and subscribed before the call has taken effect. */
  settled(): Promise<void>
}

const presence = (user: string): Signal => ({ kind: 'presence', userId: user as UserId, online: true })
const TYPING: Signal = {
  kind: 'typing',
  conversationId: 'conversation' as ConversationId,
  userId: 'ann' as UserId,
  deviceId: 'phone' as DeviceId,
  active: true,
}

/** What every SignalBus does. */
export const signalBusContract = (current: () => SignalBusSubject): void => {
  describe('SignalBus contract', () => {
    let bus: SignalBus
    let settled: () => Promise<void>
    beforeEach(() => {
      ;({ bus, settled } = current())
    })

    const listen = async (): Promise<{ heard: Signal[]; stop: () => void }> => {
      const heard: Signal[] = []
      const ending = new AbortController()
      bus.subscribe((signal) => heard.push(signal), ending.signal)
      await settled()
      return { heard, stop: () => ending.abort() }
    }

    it('brings every signal, whole and in order, to every listener', async () => {
      const [first, second] = [await listen(), await listen()]
      const signals = [TYPING, presence('bob'), { ...TYPING, active: false }, presence('ann')]
      for (const signal of signals) bus.publish(signal)
      await settled()
      expect(first.heard).to.deep.equal(signals)
      expect(second.heard).to.deep.equal(signals)
    })

    it('keeps nothing for those who listen later', async () => {
      bus.publish(TYPING)
      await settled()
      const { heard } = await listen()
      bus.publish(presence('bob'))
      await settled()
      expect(heard).to.deep.equal([presence('bob')])
    })

    it('leaves a listener alone once its signal aborts, and goes on with the others', async () => {
      const [leaving, staying] = [await listen(), await listen()]
      bus.publish(presence('one'))
      await settled()
      leaving.stop()
      bus.publish(presence('two'))
      await settled()
      expect(leaving.heard).to.deep.equal([presence('one')])
      expect(staying.heard).to.deep.equal([presence('one'), presence('two')])
    })

    it('never begins with a listener whose signal has aborted already', async () => {
      const heard: Signal[] = []
      bus.subscribe((signal) => heard.push(signal), AbortSignal.abort())
      await settled()
      bus.publish(TYPING)
      await settled()
      expect(heard).to.deep.equal([])
    })

    it('is silent after it is closed', async () => {
      const { heard } = await listen()
      bus.close()
      bus.publish(TYPING)
      await settled()
      expect(heard).to.deep.equal([])
    })
  })
}
