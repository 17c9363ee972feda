import { expect } from 'chai'
import { afterEach, describe, it } from 'mocha'
import type { StoredEvent } from '../../domain/eventsourcing/message.ts'
import type { Position } from '../../domain/ids.ts'
import type { TimelineItem } from '../../projections/timeline.ts'
import type { Visibility } from '../../projections/visibility.ts'
import { ALICE, BOB, CAROL, GROUP, messageIdOf, telling, text } from '../support/conversation.ts'
import { atPlace } from '../support/history.ts'
import { foldedReadSide, type ReadSide } from '../support/readSide.ts'

const ALL: Visibility = [{ from: 0 }]

/** The event untouched. */
const asStored = (event: StoredEvent): TimelineItem => withData(event, event.data)

const withData = (event: StoredEvent, data: unknown): TimelineItem => {
  const { revision, position, type, metadata } = event
  return {
    kind: 'event',
    revision,
    position,
    eventType: type,
    at: metadata.at,
    actor: metadata.actor,
    ...(type === 'MessageSent' && { seq: (event.data as { seq: number }).seq }),
    dataText: JSON.stringify(data),
  }
}

const hidden = (from: number, to: number, position: Position): TimelineItem => ({ kind: 'void', from, to, position })

describe('readPage', () => {
  let side: ReadSide | undefined
  afterEach(async () => {
    await side?.close()
    side = undefined
  })

  /** A group of three, at revision 3. */
  const begun = () => {
    const group = telling()
    group.started()
    group.founded(ALICE, 'admin')
    group.founded(BOB)
    group.founded(CAROL)
    const page = async (visibility: Visibility, from = 0, limit = 100) => {
      side ??= await foldedReadSide(group.history.events)
      return side.timeline.readPage(GROUP, visibility, from, limit)
    }
    return { ...group, page, events: group.history.events }
  }

  it('gives a member every revision as it was stored, and the newest', async () => {
    const { sent, page, events } = begun()
    sent(ALICE, 'hello')
    sent(BOB, 'hi')
    expect(await page(ALL)).to.deep.equal({ items: events.map(asStored), headRevision: 5 })
  })

  it('gives the range that was asked for', async () => {
    const { sent, page, events } = begun()
    for (let n = 1; n <= 9; n++) sent(ALICE, `message ${n}`)
    expect(await page(ALL, 5, 3)).to.deep.equal({ items: events.slice(5, 8).map(asStored), headRevision: 12 })
    expect(await page(ALL, 11, 3)).to.deep.equal({ items: events.slice(11).map(asStored), headRevision: 12 })
    expect(await page(ALL, 13, 3)).to.deep.equal({ items: [], headRevision: 12 })
  })

  it('gives nothing of a conversation that does not exist', async () => {
    side = await foldedReadSide([])
    expect(await side.timeline.readPage(GROUP, ALL, 0, 10)).to.deep.equal({ items: [], headRevision: -1 })
  })

  it('counts what the reader may not see, in runs', async () => {
    const { sent, page, events } = begun()
    for (let n = 1; n <= 6; n++) sent(ALICE, `message ${n}`)
    const visibility = [{ from: 2, to: 4 }, { from: 8 }]
    expect((await page(visibility)).items).to.deep.equal([
      hidden(0, 1, (events[1] as StoredEvent).position),
      ...events.slice(2, 5).map(asStored),
      hidden(5, 7, (events[7] as StoredEvent).position),
      ...events.slice(8).map(asStored),
    ])
    expect((await page([{ from: 100 }], 3, 4)).items).to.deep.equal([hidden(3, 6, (events[6] as StoredEvent).position)])
  })

  it('shows the newest edit in the place of the message, and in that of its older edits', async () => {
    const { sent, edited, page } = begun()
    const message = sent(ALICE, 'hello')
    const first = edited(1, 'hello!')
    const second = edited(1, 'hello?')
    const newest = { content: text('hello?'), editedAtRevision: 6 }
    expect((await page(ALL, 4)).items).to.deep.equal([
      withData(message, { messageId: messageIdOf(1), seq: 1, ...newest }),
      withData(first, { messageId: messageIdOf(1), seq: 1, targetRevision: 4, ...newest }),
      asStored(second),
    ])
  })

  it('finds an edit far outside the page, and a message far before it', async () => {
    const { sent, edited, page, events } = begun()
    const message = sent(ALICE, 'hello')
    for (let n = 0; n < 20; n++) sent(BOB, 'noise')
    const first = edited(1, 'hello!')
    for (let n = 0; n < 20; n++) sent(BOB, 'noise')
    edited(1, 'hello?')
    const newest = { content: text('hello?'), editedAtRevision: 46 }
    expect((await page(ALL, 4, 1)).items).to.deep.equal([
      withData(message, { messageId: messageIdOf(1), seq: 1, ...newest }),
    ])
    expect((await page(ALL, 25, 2)).items).to.deep.equal([
      withData(first, { messageId: messageIdOf(1), seq: 1, targetRevision: 4, ...newest }),
      asStored(events[26] as StoredEvent),
    ])
  })

  it('shows who left the newest edit of their time, and nothing of later ones', async () => {
    const { sent, edited, page } = begun()
    const message = sent(ALICE, 'hello')
    const first = edited(1, 'hello!')
    edited(1, 'secret')
    const seen = { messageId: messageIdOf(1), seq: 1, content: text('hello!'), editedAtRevision: 5 }
    const { items } = await page([{ from: 0, to: 5 }], 4)
    expect(items.slice(0, 2)).to.deep.equal([withData(message, seen), asStored(first)])
    expect(items.slice(2).map(({ kind }) => kind)).to.deep.equal(['void'])
    expect((await page([{ from: 0, to: 4 }], 4, 1)).items).to.deep.equal([asStored(message)])
  })

  it('hides an edit and a deletion of a message that the reader may not see', async () => {
    const { sent, edited, deleted, page, events } = begun()
    sent(ALICE, 'before your time')
    sent(BOB, 'noise')
    edited(1, 'still before your time')
    deleted(1)
    const last = sent(BOB, 'hi')
    const { items } = await page([{ from: 5 }], 5)
    expect(items).to.deep.equal([
      asStored(events[5] as StoredEvent),
      hidden(6, 7, (events[7] as StoredEvent).position),
      asStored(last),
    ])
    expect((await page([{ from: 5 }], 6, 2)).items).to.deep.equal([hidden(6, 7, (events[7] as StoredEvent).position)])
  })

  it('hides an edit from who was away when the message was sent', async () => {
    const { sent, edited, page, events } = begun()
    sent(ALICE, 'you are away')
    sent(ALICE, 'you are back')
    edited(1, 'you were away')
    expect((await page([{ from: 0, to: 3 }, { from: 5 }])).items).to.deep.equal([
      ...events.slice(0, 4).map(asStored),
      hidden(4, 4, (events[4] as StoredEvent).position),
      asStored(events[5] as StoredEvent),
      hidden(6, 6, (events[6] as StoredEvent).position),
    ])
  })

  it('hides what it does not know about a message that the reader may not see', async () => {
    const { sent, wondered, page, events } = begun()
    sent(ALICE, 'before your time')
    wondered({ targetRevision: 4 })
    wondered({})
    expect((await page([{ from: 5 }], 5)).items).to.deep.equal([
      hidden(5, 5, (events[5] as StoredEvent).position),
      asStored(events[6] as StoredEvent),
    ])
  })

  it('never gives the content of a deleted message, nor of its edits', async () => {
    const { sent, edited, deleted, page } = begun()
    const message = sent(ALICE, 'regret')
    const edit = edited(1, 'regret more')
    const deletion = deleted(1)
    const gone = { messageId: messageIdOf(1), seq: 1, deletedAt: atPlace(7) }
    expect((await page(ALL, 4)).items).to.deep.equal([
      withData(message, gone),
      withData(edit, gone),
      asStored(deletion),
    ])
  })

  it('gives no content of a deleted message to who left before the deletion', async () => {
    const { sent, edited, deleted, page } = begun()
    const message = sent(ALICE, 'regret')
    const edit = edited(1, 'regret more')
    deleted(1)
    const gone = { messageId: messageIdOf(1), seq: 1, deletedAt: atPlace(7) }
    const { items } = await page([{ from: 0, to: 5 }], 4)
    expect(items.slice(0, 2)).to.deep.equal([withData(message, gone), withData(edit, gone)])
  })

  it('gives nothing that the timeline has not folded', async () => {
    const { sent, page, events } = begun()
    expect((await page(ALL)).headRevision).to.equal(3)
    await side?.stopProjectors()
    sent(ALICE, 'hello')
    await side?.append(events)
    expect(await page(ALL)).to.deep.equal({ items: events.slice(0, 4).map(asStored), headRevision: 3 })
    expect(await page(ALL, 4)).to.deep.equal({ items: [], headRevision: 3 })
  })
})
