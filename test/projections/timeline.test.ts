import { expect } from 'chai'
import { afterEach, describe, it } from 'mocha'
import type { StoredEvent } from '../../domain/eventsourcing/message.ts'
import type { CommandId, Position } from '../../domain/ids.ts'
import { ALICE, BOB, GROUP, messageIdOf, OTHER, telling } from '../support/conversation.ts'
import { History, positionOf } from '../support/history.ts'
import { foldedReadSide, type ReadSide } from '../support/readSide.ts'

describe('timeline', () => {
  let side: ReadSide | undefined
  afterEach(async () => {
    await side?.close()
    side = undefined
  })

  /** Two conversations whose events alternate; `count` messages in each after their first event. */
  const alternating = async (count: number) => {
    const history = new History()
    const [group, other] = [telling(history), telling(history, OTHER)]
    group.started()
    other.started()
    for (let n = 0; n < count; n++) {
      group.sent(ALICE, 'hello')
      other.sent(BOB, 'hi')
    }
    side = await foldedReadSide(history.events)
    return { events: history.events, timeline: side.timeline }
  }

  describe('revisionAfter', () => {
    it('finds the first revision after any position', async () => {
      const { events, timeline } = await alternating(70)
      for (let place = 0; place <= events.length; place++) {
        const expected = events.find(({ stream, position }) => stream.endsWith(GROUP) && position > positionOf(place))
        expect(await timeline.revisionAfter(GROUP, positionOf(place)), `${place}`).to.equal(expected?.revision)
      }
    })

    it('finds nothing in a conversation that does not exist', async () => {
      side = await foldedReadSide([])
      expect(await side.timeline.revisionAfter(GROUP, positionOf(0))).to.equal(undefined)
    })
  })

  describe('revisionOf', () => {
    it('finds a message by its id, in its own conversation only', async () => {
      const { timeline } = await alternating(2)
      expect(await timeline.revisionOf(GROUP, messageIdOf(2))).to.equal(2)
      expect(await timeline.revisionOf(GROUP, messageIdOf(3))).to.equal(undefined)
      expect(
        await timeline.revisionOf('10000000-0000-8000-8000-000000000003' as typeof GROUP, messageIdOf(2)),
      ).to.equal(undefined)
    })

    it('takes no other command for a message', async () => {
      const { history, started, tell } = telling()
      started()
      tell({ type: 'DetailsChanged', data: { details: { title: 'Best friends' } } }, ALICE, messageIdOf(1))
      side = await foldedReadSide(history.events)
      expect(await side.timeline.revisionOf(GROUP, messageIdOf(1))).to.equal(undefined)
    })
  })

  describe('findCommand', () => {
    const COMMAND = messageIdOf(77) as string as CommandId

    const added = async () => {
      const { history, started, tell, sent } = telling()
      started()
      for (const userId of [ALICE, BOB])
        tell({ type: 'MemberAdded', data: { userId, role: 'member', lastSeq: 0 } }, ALICE, COMMAND)
      sent(BOB, 'hi')
      side = await foldedReadSide(history.events)
      return side.timeline
    }

    it('finds the first event of a command', async () => {
      expect(await (await added()).findCommand(GROUP, COMMAND, 3)).to.equal(1)
    })

    it('knows that a command never happened here', async () => {
      const timeline = await added()
      expect(await timeline.findCommand(GROUP, messageIdOf(78) as string as CommandId, 3)).to.equal('none')
      expect(await timeline.findCommand(OTHER, COMMAND, -1)).to.equal('none')
    })

    it('does not know while it is behind', async () => {
      const timeline = await added()
      expect(await timeline.findCommand(GROUP, COMMAND, 4)).to.equal('unknown')
      expect(await timeline.findCommand(OTHER, COMMAND, 0)).to.equal('unknown')
    })
  })

  describe('seqAt', () => {
    it('gives the newest message at or below a position', async () => {
      const { events, timeline } = await alternating(5)
      let expected = 0
      for (const { stream, type, data, position } of events) {
        if (stream.endsWith(GROUP) && type === 'MessageSent') expected = (data as { seq: number }).seq
        expect(await timeline.seqAt(GROUP, [{ from: 0 }], position)).to.equal(expected)
      }
    })

    it('looks at visible revisions only, and past what is not a message', async () => {
      const { history, started, sent, edited } = telling()
      started()
      sent(ALICE, 'one')
      sent(ALICE, 'two')
      for (let n = 0; n < 70; n++) edited(2, `two, version ${n}`)
      const last = sent(ALICE, 'three')
      side = await foldedReadSide(history.events)
      const { timeline } = side
      const before = (history.events[last.revision - 1] as StoredEvent).position as Position
      expect(await timeline.seqAt(GROUP, [{ from: 0 }], before)).to.equal(2)
      expect(await timeline.seqAt(GROUP, [{ from: 3 }], before)).to.equal(0)
      expect(await timeline.seqAt(GROUP, [{ from: 3 }], last.position)).to.equal(3)
      expect(await timeline.seqAt(GROUP, [{ from: 0, to: 1 }, { from: 5 }], before)).to.equal(1)
      expect(await timeline.seqAt(GROUP, [], last.position)).to.equal(0)
    })
  })
})
