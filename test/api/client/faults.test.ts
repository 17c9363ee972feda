import { expect } from 'chai'
import fc from 'fast-check'
import { after, before, describe, it } from 'mocha'
import type { Frame } from '../../support/device.ts'
import { FaultyLine, type Tamper } from './faultyLine.ts'
import { createWorld, type Person, type World } from './world.ts'

/** What a line does to frames, until it is told otherwise. */
type Fault = 'none' | 'loseAnswers' | 'loseEvents' | 'repeat' | 'swap' | 'stall'

type Step =
  | { readonly kind: 'say'; readonly who: 0 | 1; readonly burst: number }
  | { readonly kind: 'cut' | 'crash' | 'unplug' | 'plug'; readonly who: 0 | 1 }
  | { readonly kind: 'fault'; readonly who: 0 | 1; readonly fault: Fault }
  | { readonly kind: 'wait'; readonly ms: number }

const who = fc.constantFrom(0 as const, 1 as const)
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({ kind: fc.constant('say' as const), who, burst: fc.integer({ min: 1, max: 5 }) }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant('fault' as const),
      who,
      fault: fc.constantFrom<Fault>('none', 'loseAnswers', 'loseEvents', 'repeat', 'swap', 'stall'),
    }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constantFrom('cut' as const, 'crash' as const), who }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constantFrom('unplug' as const, 'plug' as const), who }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('wait' as const), ms: fc.integer({ min: 1, max: 40 }) }) },
)

const tamperWith = (fault: Fault): Tamper => {
  let kept: Frame | undefined
  let count = 0
  return (frame, from) => {
    const isEvent = frame.type === 'event' || frame.type === 'void'
    switch (fault) {
      case 'loseAnswers':
        return frame.type === 'ok' && ++count % 2 === 1 ? [] : [frame]
      case 'loseEvents':
        return isEvent && ++count % 3 === 1 ? [] : [frame]
      case 'repeat':
        return isEvent || (from === 'client' && frame.type === 'SendMessage') ? [frame, frame] : [frame]
      case 'swap': {
        if (!isEvent) return [frame]
        if (kept === undefined) {
          kept = frame
          return []
        }
        const first = kept
        kept = undefined
        return [frame, first]
      }
      case 'stall':
        return from === 'server' ? [] : [frame]
      case 'none':
        return [frame]
    }
  }
}

/** Whatever the lines and the processes do: in the end both have everything that was said, once, in one order. */
describe('Clients on faulty lines', function () {
  this.timeout(240_000)
  let lines: [FaultyLine, FaultyLine]
  let world: World
  let people: [Person, Person]

  before(async () => {
    lines = [await FaultyLine.open(), await FaultyLine.open()]
    // Small windows and memory, so that every way of catching up is taken.
    world = await createWorld(lines, {
      PARLEY_WINDOW: '8',
      PARLEY_RING_EVENTS: '16',
      PARLEY_MAX_BEHIND: '30',
      PARLEY_HEARTBEAT_MS: '1000',
    })
    people = [await world.register(lines[0]), await world.register(lines[1])]
  })
  after(async () => {
    await Promise.all(people.map((person) => person.close()))
    await world.dispose()
  })

  const heal = async (): Promise<void> => {
    for (const line of lines) {
      line.down = false
      line.tamper = tamperWith('none')
      // What a line has lost without being cut is noticed with the next event only.
      line.cut()
    }
    await Promise.all(people.map((person) => person.live()))
  }

  it('converge: nothing is lost, nothing comes twice, each one’s messages stay in order', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 4, maxLength: 20 }), async (steps) => {
        await heal()
        const [alice, bob] = people
        const talk = await alice.client.startGroup('Faults', [bob.client.userId])
        for (const person of people) {
          await person.hears('conversation', ({ conversation }) => conversation.conversationId === talk)
          person.events.length = 0
        }
        const said: [string[], string[]] = [[], []]
        const say = (by: 0 | 1, text: string): void => {
          said[by].push(text)
          people[by].client.send(talk, text).stored.catch(() => {})
        }
        for (const each of steps) {
          // A process that dies before it has stored what it was to say has not said it.
          await new Promise((resolve) => setImmediate(resolve))
          if (each.kind === 'wait') await new Promise((resolve) => setTimeout(resolve, each.ms))
          else if (each.kind === 'say')
            for (let i = 0; i < each.burst; i++) say(each.who, `${each.who}: ${said[each.who].length}`)
          else if (each.kind === 'fault') lines[each.who].tamper = tamperWith(each.fault)
          else if (each.kind === 'cut') lines[each.who].cut()
          else if (each.kind === 'unplug' || each.kind === 'plug') lines[each.who].down = each.kind === 'unplug'
          else {
            await people[each.who].crash()
            people[each.who].client.connect()
          }
        }
        await heal()
        say(0, '0: the end')
        say(1, '1: the end')
        for (const person of people) for (const end of ['0: the end', '1: the end']) await person.hearsText(end)

        const [first, second] = [await alice.texts(talk), await bob.texts(talk)]
        expect(first).to.deep.equal(second)
        for (const by of [0, 1] as const)
          expect(first.filter((text) => text.startsWith(`${by}: `))).to.deep.equal(said[by])
        for (const { told } of people) expect(new Set(told).size).to.equal(told.length)
        for (const { client } of people) {
          const { lastSeq, unread } = client.conversation(talk) ?? {}
          expect(lastSeq).to.equal(first.length)
          expect(unread).to.be.at.most(first.length)
        }
      }),
      { numRuns: 8, endOnFailure: true },
    )
  })
})
