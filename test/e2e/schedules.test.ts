import { expect } from 'chai'
import fc from 'fast-check'
import { after, before, describe, it } from 'mocha'
import { Device, eventually } from '../support/device.ts'
import { ServerProcess } from '../support/serverProcess.ts'

type Step =
  | { readonly kind: 'say'; readonly who: number; readonly burst: number }
  | { readonly kind: 'cut' | 'connect' | 'stall'; readonly who: number }
  | { readonly kind: 'delete' | 'edit'; readonly who: number }
  | { readonly kind: 'restart' }

const who = fc.integer({ min: 0, max: 3 })
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({ kind: fc.constant('say' as const), who, burst: fc.integer({ min: 1, max: 40 }) }),
  },
  {
    weight: 3,
    arbitrary: fc.record({ kind: fc.constantFrom('cut' as const, 'connect' as const, 'stall' as const), who }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constantFrom('delete' as const, 'edit' as const), who }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('restart' as const) }) },
)

/** G4: whatever happens on the way, in the end every device has everything, once, in one order. */
describe('Any schedule of sending, cutting, stalling and killing', function () {
  this.timeout(180_000)
  let server: ServerProcess
  let devices: Device[]

  before(async () => {
    // Small windows and memory, so that every way of catching up is taken.
    server = await ServerProcess.start({ PARLEY_WINDOW: '16', PARLEY_RING_EVENTS: '64' })
    const [alice, bob, carol] = await Promise.all([
      Device.register(server),
      Device.register(server),
      Device.register(server),
    ])
    devices = [alice as Device, await (alice as Device).link(), bob as Device, carol as Device]
  })
  after(() => server.dispose())

  it('converges without loss, without duplicates', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 25 }), async (steps) => {
        const [alice, , bob, carol] = devices as [Device, Device, Device, Device]
        await Promise.all(devices.map((device) => device.connect()))
        const talk = await alice.startGroup('Schedule', [bob, carol])
        const acknowledged: { text: string; messageId: string; revision: number; by: Device }[] = []
        const gone = new Set<string>()
        let sent = 0
        for (const each of steps) {
          if (each.kind === 'restart') {
            await server.restart()
            continue
          }
          const device = devices[each.who] as Device
          if (each.kind === 'cut') device.disconnect()
          else if (each.kind === 'connect') await device.connect()
          else if (each.kind === 'stall') device.acknowledges = false
          else if (each.kind === 'say') {
            for (let i = 0; i < each.burst; i++) {
              const text = `message ${sent++}`
              device.say(talk, text).then(
                ({ type, messageId, revision }) =>
                  type === 'ok' && acknowledged.push({ text, messageId, revision, by: device }),
                () => {},
              )
            }
          } else {
            const own = acknowledged.find(({ by, messageId }) => by === device && !gone.has(messageId))
            if (own === undefined) continue
            const { messageId, revision, text } = own
            const about = { conversationId: talk, messageId, revision }
            const answer =
              each.kind === 'delete'
                ? device.command({ type: 'DeleteMessage', ...about })
                : device.command({ type: 'EditMessage', ...about, content: { kind: 'text', text: `${text}!` } })
            answer.then(
              ({ type }) => type === 'ok' && each.kind === 'delete' && gone.add(messageId),
              () => {},
            )
          }
          await new Promise((resolve) => setTimeout(resolve, 3))
        }
        for (const device of devices) device.acknowledges = true
        await Promise.all(devices.map((device) => device.connect()))
        await Promise.all(devices.map((device) => device.caughtUp()))
        await alice.say(talk, 'the end')
        await Promise.all(devices.map((device) => device.hears('the end')))
        const [first, ...others] = devices.map((device) => revisionsOf(device, talk)) as [string[], ...string[][]]
        for (const other of others) expect(other).to.deep.equal(first)
        for (const { revision, messageId } of acknowledged) expect(first[revision]).to.equal(messageId)
        for (const device of devices) expect(device.problems).to.deep.equal([])
        const inLog = await eventually(() => alice.get(`/v1/conversations/${talk}/messages?limit=200`))
        for (const { messageId, text } of acknowledged)
          if (gone.has(messageId)) expect(JSON.stringify(inLog)).to.not.include(`"${text}"`)
      }),
      { numRuns: 6, endOnFailure: true },
    )
  })
})

/** What stands at each revision: the message's id, or the type of event. */
const revisionsOf = (device: Device, conversationId: string): string[] => {
  const stream = device.streams.get(`conversation-${conversationId}`) ?? new Map()
  return [...stream.entries()]
    .sort(([a], [b]) => a - b)
    .map(([, frame]) => (frame.eventType === 'MessageSent' ? frame.data.messageId : frame.eventType))
}
