import { expect } from 'chai'
import fc from 'fast-check'
import { describe, it } from 'mocha'
import { type ConversationId, conversationStream } from '../../../domain/ids.ts'
import { isVisible } from '../../../projections/visibility.ts'
import type { Frame } from '../../support/device.ts'
import type { Person } from '../../support/people.ts'
import { type Line, type Node, openWorld, type World } from './node.ts'

type Step =
  | { readonly kind: 'say'; readonly count: number }
  | { readonly kind: 'edit' | 'delete'; readonly which: number }
  | { readonly kind: 'add' | 'remove' | 'cut' | 'connect' | 'stall' | 'go on' | 'restart' | 'fold' }

const simple = (...kinds: Exclude<Step['kind'], 'say' | 'edit' | 'delete'>[]) =>
  fc.record({ kind: fc.constantFrom(...kinds) }) as fc.Arbitrary<Step>
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 5, arbitrary: fc.record({ kind: fc.constant('say' as const), count: fc.integer({ min: 1, max: 12 }) }) },
  {
    weight: 2,
    arbitrary: fc.record({ kind: fc.constantFrom('edit' as const, 'delete' as const), which: fc.nat({ max: 50 }) }),
  },
  { weight: 3, arbitrary: simple('add', 'remove') },
  { weight: 3, arbitrary: simple('cut', 'connect', 'stall', 'go on') },
  { weight: 1, arbitrary: simple('restart', 'fold') },
)

/** What a device keeps over all its connections, checked as it comes. */
class Keeping {
  readonly revisions = new Map<number, Frame>()
  cursor: string | undefined
  head = -1
  acknowledges = true
  readonly problems: string[] = []
  readonly #stream: string
  readonly #waiting: Frame[] = []

  constructor(conversationId: ConversationId) {
    this.#stream = conversationStream(conversationId)
  }

  /** Keeps what comes on a line, unless it stalls: then it does so when it goes on. */
  on(line: Line): void {
    this.#waiting.length = 0
    line.socket.on('message', (data: Buffer) => this.#take(JSON.parse(data.toString()), line))
  }

  goOn(line: Line): void {
    this.acknowledges = true
    for (const frame of this.#waiting.splice(0)) this.#take(frame, line)
  }

  #take(frame: Frame, line: Line): void {
    if (frame.type !== 'event' && frame.type !== 'void' && frame.type !== 'caughtUp') return
    if (!this.acknowledges) {
      this.#waiting.push(frame)
      return
    }
    if (this.cursor !== undefined && frame.cursor < this.cursor)
      throw new Error(`the cursor went back: ${frame.cursor}`)
    if (frame.stream === this.#stream) this.#keep(frame)
    this.cursor = frame.cursor
    line.send({ type: 'ack', cursor: frame.cursor })
  }

  #keep(frame: Frame): void {
    const { from, to } = frame.type === 'void' ? frame : { from: frame.revision, to: frame.revision }
    if (from > this.head + 1) this.problems.push(`a gap: ${this.head}, then ${from}`)
    for (let revision = from; revision <= to; revision++)
      if (!this.revisions.has(revision)) this.revisions.set(revision, frame)
    this.head = Math.max(this.head, to)
  }
}

/** G4 and G6 with members who come and go. */
describe('Any schedule of comings and goings', function () {
  this.timeout(60_000)

  it('shows a device each revision that its user may see, and counts the others', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 10, maxLength: 40 }), async (steps) => {
        const world = await openWorld()
        try {
          await play(world, steps)
        } finally {
          await world.close()
        }
      }),
      { numRuns: 25, endOnFailure: true },
    )
  })
})

const OPTIONS = { ringEvents: 16, window: 8 }

const play = async (world: World, steps: readonly Step[]): Promise<void> => {
  const alice = await world.register('alice')
  const bob = await world.register('bob')
  let node: Node = await world.startNode(OPTIONS)
  const group = await world.startGroup(alice)
  const keeping = new Keeping(group)
  const said: Awaited<ReturnType<World['say']>>[] = []
  const stray: unknown[] = []
  let line: Line | undefined
  const attempt = (work: Promise<unknown>) => work.catch(() => undefined)
  const connect = async (): Promise<void> => {
    await line?.cut()
    line = world.open(node)
    line.socket.on('error', (error) => stray.push(error))
    keeping.on(line)
    await line.hello(await world.tokenOf(bob), keeping.cursor)
    await line.next(({ type }) => type === 'welcome')
  }
  const membership = (kind: 'add' | 'remove') =>
    kind === 'add'
      ? world.execute(alice, { type: 'AddMembers', conversationId: group, userIds: [bob.userId] })
      : world.execute(alice, { type: 'RemoveMember', conversationId: group, userId: bob.userId })

  await connect()
  await line?.caughtUp()
  for (const each of steps) {
    switch (each.kind) {
      case 'say':
        said.push(...(await Promise.all(Array.from({ length: each.count }, () => world.say(alice, group, 'message')))))
        break
      case 'edit':
      case 'delete': {
        const message = said[each.which % Math.max(1, said.length)]
        if (message === undefined) break
        const content = { kind: 'text' as const, text: 'edited' }
        if (each.kind === 'edit') await attempt(world.execute(alice, { type: 'EditMessage', ...message, content }))
        else await attempt(world.execute(alice, { type: 'DeleteMessage', ...message }))
        break
      }
      case 'add':
      case 'remove':
        await attempt(membership(each.kind))
        break
      case 'cut':
        await line?.cut()
        break
      case 'connect':
        await connect()
        break
      case 'stall':
        keeping.acknowledges = false
        break
      case 'go on':
        if (line !== undefined) keeping.goOn(line)
        break
      case 'restart':
        await node.stop()
        node = await world.startNode(OPTIONS)
        await connect()
        break
      case 'fold':
        await world.folded()
    }
  }
  if (line !== undefined) keeping.goOn(line)
  await attempt(membership('add'))
  await connect()
  const last = await world.say(alice, group, 'the end')
  await line?.hears('the end')
  await line?.caughtUp()
  await expectKept(world, bob, group, keeping, last.revision)
}

const expectKept = async (
  world: World,
  bob: Person,
  group: ConversationId,
  keeping: Keeping,
  last: number,
): Promise<void> => {
  await world.folded()
  const visibility = (await world.inbox.membership(bob.userId, group))?.intervals ?? []
  const events = await world.log.readStream(conversationStream(group), { maxCount: 10_000 })
  expect(keeping.problems).to.deep.equal([])
  expect(keeping.head).to.equal(last)
  for (const { revision, type, data } of events) {
    const { targetRevision = revision } = data as { targetRevision?: number }
    const isShown = isVisible(visibility, revision) && isVisible(visibility, targetRevision)
    const kept = keeping.revisions.get(revision)
    expect(kept?.type, `revision ${revision}`).to.equal(isShown ? 'event' : 'void')
    if (isShown) expect(kept.eventType).to.equal(type)
  }
}
