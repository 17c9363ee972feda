import { describe, it } from 'mocha'
import { timelineProjection } from '../../projections/timeline.ts'
import { ALICE, BOB, GROUP, messageIdOf, telling } from '../support/conversation.ts'
import { folding } from '../support/folding.ts'
import { atPlace, positionOf } from '../support/history.ts'

const key = (revision: number): string => `${GROUP}/${revision.toString(16).padStart(8, '0')}`

/** A group of two in which Alice has sent one message, at revision 3. */
const begun = () => {
  const group = telling()
  group.started()
  group.founded(ALICE, 'admin')
  group.founded(BOB)
  group.sent(ALICE, 'hello')
  return { ...group, past: group.history.events.slice() }
}

describe('timeline', () => {
  it('keeps of a message its place, its command and its seq, never its content', () => {
    const { past, sent } = begun()
    folding(timelineProjection, past)
      .when(sent(BOB, 'hi'))
      .then({ [key(4)]: { position: positionOf(5), commandId: messageIdOf(2), seq: 2 } })
  })

  it('keeps of any other event its place and its command', () => {
    const { past, added } = begun()
    const event = added(BOB)
    folding(timelineProjection, past)
      .when(event)
      .then({ [key(4)]: { position: positionOf(5), commandId: event.metadata.commandId } })
  })

  it('enters an edit, and notes it at the message', () => {
    const { past, edited } = begun()
    const event = edited(1, 'hello!')
    folding(timelineProjection, past)
      .when(event)
      .then({
        [key(4)]: { position: positionOf(5), commandId: event.metadata.commandId, targetRevision: 3 },
        [key(3)]: { position: positionOf(4), commandId: messageIdOf(1), seq: 1, edits: [4] },
      })
  })

  it('notes every edit of a message', () => {
    const { past, edited } = begun()
    const first = edited(1, 'hello!')
    const second = edited(1, 'hello?')
    folding(timelineProjection, [...past, first])
      .when(second)
      .then({
        [key(5)]: { position: positionOf(6), commandId: second.metadata.commandId, targetRevision: 3 },
        [key(3)]: { position: positionOf(4), commandId: messageIdOf(1), seq: 1, edits: [4, 5] },
      })
  })

  it('enters a deletion, and notes when at the message', () => {
    const { past, deleted } = begun()
    const event = deleted(1)
    folding(timelineProjection, past)
      .when(event)
      .then({
        [key(4)]: { position: positionOf(5), commandId: event.metadata.commandId, targetRevision: 3 },
        [key(3)]: { position: positionOf(4), commandId: messageIdOf(1), seq: 1, deletedAt: atPlace(5) },
      })
  })

  it('keeps the time of the first deletion', () => {
    const { past, deleted } = begun()
    const first = deleted(1)
    const second = deleted(1, BOB)
    folding(timelineProjection, [...past, first])
      .when(second)
      .then({
        [key(5)]: { position: positionOf(6), commandId: second.metadata.commandId, targetRevision: 3 },
        [key(3)]: { position: positionOf(4), commandId: messageIdOf(1), seq: 1, deletedAt: atPlace(5) },
      })
  })

  it('enters what it does not know, so that revisions stay dense, with what that is about', () => {
    const { past, wondered } = begun()
    const event = wondered({ targetRevision: 3, why: '?' })
    folding(timelineProjection, past)
      .when(event)
      .then({
        [key(4)]: { position: positionOf(5), commandId: event.metadata.commandId, targetRevision: 3 },
        [key(3)]: { position: positionOf(4), commandId: messageIdOf(1), seq: 1 },
      })
  })
})
