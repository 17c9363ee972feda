import { expect } from 'chai'
import { describe, it } from 'mocha'
import type { Content } from '../../domain/content/content.ts'
import { receiptsStream, type UserId, userStateStream } from '../../domain/ids.ts'
import { inboxProjection } from '../../projections/inbox.ts'
import { ALICE, BOB, CAROL, GROUP, messageIdOf, telling, text } from '../support/conversation.ts'
import { folding } from '../support/folding.ts'
import { atPlace, positionOf } from '../support/history.ts'

const HEAD = `h/${GROUP}`
const place = (userId: UserId): string => `m/${userId}/${GROUP}`

/** A group of two in which Alice has sent one message, at revision 3. */
const begun = () => {
  const group = telling()
  group.started()
  group.founded(ALICE, 'admin')
  group.founded(BOB)
  group.sent(ALICE, 'hello')
  return { ...group, past: group.history.events.slice() }
}

const HEAD_BEGUN = {
  conversationId: GROUP,
  kind: 'group',
  mode: 'plain',
  title: 'Friends',
  titleRevision: 0,
  lastSeq: 1,
  last: { messageId: messageIdOf(1), revision: 3, seq: 1, from: ALICE, at: atPlace(4), content: text('hello') },
}

/** The head once one more event has happened. */
const headNow = (changes: object = {}) => ({
  ...HEAD_BEGUN,
  revision: 4,
  position: positionOf(5),
  activity: atPlace(5),
  ...changes,
})

const ALICE_BEGUN = {
  userId: ALICE,
  conversationId: GROUP,
  role: 'admin',
  active: true,
  intervals: [{ from: 0 }],
  joinedSeq: 0,
  read: 0,
  lastSent: 1,
}
const BOB_BEGUN = { ...ALICE_BEGUN, userId: BOB, role: 'member', lastSent: 0 }

describe('inbox', () => {
  it('begins a conversation', () => {
    const { started } = telling()
    folding(inboxProjection, [])
      .when(started())
      .then({
        [HEAD]: {
          conversationId: GROUP,
          kind: 'group',
          mode: 'plain',
          title: 'Friends',
          titleRevision: 0,
          revision: 0,
          position: positionOf(1),
          lastSeq: 0,
          activity: atPlace(1),
        },
      })
  })

  it('knows both sides of a direct conversation', () => {
    const { startedDirect, founded } = telling()
    const past = [startedDirect(), founded(ALICE)]
    folding(inboxProjection, past)
      .when(founded(BOB))
      .then({
        [HEAD]: {
          conversationId: GROUP,
          kind: 'direct',
          mode: 'plain',
          peers: [ALICE, BOB],
          revision: 2,
          position: positionOf(3),
          lastSeq: 0,
          activity: atPlace(3),
        },
        [place(BOB)]: BOB_BEGUN,
      })
  })

  it('lets a founder see from the first revision, and who is added later from there', () => {
    const { past, added } = begun()
    folding(inboxProjection, past)
      .when(added(CAROL))
      .then({
        [HEAD]: headNow(),
        [place(CAROL)]: { ...BOB_BEGUN, userId: CAROL, intervals: [{ from: 4 }], joinedSeq: 1 },
      })
  })

  it('puts a message in front, and its sender past it', () => {
    const { past, sent } = begun()
    folding(inboxProjection, past)
      .when(sent(BOB, 'hi'))
      .then({
        [HEAD]: headNow({
          lastSeq: 2,
          last: { messageId: messageIdOf(2), revision: 4, seq: 2, from: BOB, at: atPlace(5), content: text('hi') },
        }),
        [place(BOB)]: { ...BOB_BEGUN, lastSent: 2 },
      })
  })

  it('keeps of an encrypted message the kind only', () => {
    const { past, sent } = begun()
    const header = { messageId: messageIdOf(2), counts: true, media: [] }
    const content: Content = { kind: 'encrypted', groupId: 'g', epoch: 1, header, bytes: 'AAAA' }
    folding(inboxProjection, past)
      .when(sent(BOB, content))
      .then({
        [HEAD]: headNow({
          lastSeq: 2,
          last: {
            messageId: messageIdOf(2),
            revision: 4,
            seq: 2,
            from: BOB,
            at: atPlace(5),
            content: { kind: 'encrypted' },
          },
        }),
        [place(BOB)]: { ...BOB_BEGUN, lastSent: 2 },
      })
  })

  it('shows the edited text of the last message, and keeps what it was before', () => {
    const { past, edited } = begun()
    const first = edited(1, 'hello!')
    const last = { ...HEAD_BEGUN.last, content: text('hello!'), edit: { revision: 4, before: text('hello') } }
    folding(inboxProjection, past)
      .when(first)
      .then({ [HEAD]: headNow({ last }) })
    folding(inboxProjection, [...past, first])
      .when(edited(1, 'hello?'))
      .then({
        [HEAD]: {
          ...headNow({ revision: 5, position: positionOf(6), activity: atPlace(6) }),
          last: { ...last, content: text('hello?'), edit: { revision: 5, before: text('hello') } },
        },
      })
  })

  it('leaves the preview alone when an older message is edited or deleted', () => {
    for (const change of ['edited', 'deleted'] as const) {
      const { past, sent, edited, deleted } = begun()
      const second = sent(BOB, 'hi')
      folding(inboxProjection, [...past, second])
        .when(change === 'edited' ? edited(1, 'hello!') : deleted(1))
        .then({
          [HEAD]: headNow({
            revision: 5,
            position: positionOf(6),
            activity: atPlace(6),
            lastSeq: 2,
            last: { messageId: messageIdOf(2), revision: 4, seq: 2, from: BOB, at: atPlace(5), content: text('hi') },
          }),
        })
    }
  })

  it('forgets the content of the last message when that is deleted, edits included', () => {
    const { past, edited, deleted } = begun()
    const edit = edited(1, 'hello!')
    const { content: _, ...last } = HEAD_BEGUN.last
    folding(inboxProjection, [...past, edit])
      .when(deleted(1))
      .then({
        [HEAD]: headNow({
          revision: 5,
          position: positionOf(6),
          activity: atPlace(6),
          last: { ...last, deleted: true },
        }),
      })
  })

  it('follows a new title', () => {
    const { past, renamed } = begun()
    folding(inboxProjection, past)
      .when(renamed('Best friends'))
      .then({ [HEAD]: headNow({ title: 'Best friends', titleRevision: 4 }) })
  })

  it('follows a new role', () => {
    const { past, roleChanged } = begun()
    folding(inboxProjection, past)
      .when(roleChanged(BOB, 'admin'))
      .then({ [HEAD]: headNow(), [place(BOB)]: { ...BOB_BEGUN, role: 'admin' } })
  })

  it('ends a membership with the conversation as it was then', () => {
    for (const end of ['removed', 'left'] as const) {
      const story = begun()
      folding(inboxProjection, story.past)
        .when(story[end](BOB))
        .then({
          [HEAD]: headNow(),
          [place(BOB)]: {
            ...BOB_BEGUN,
            active: false,
            intervals: [{ from: 0, to: 4 }],
            left: { seq: 1, at: atPlace(5), position: positionOf(5) },
          },
        })
    }
  })

  it('begins another interval for who comes back', () => {
    const { past, removed, sent, added } = begun()
    const away = [removed(BOB), sent(ALICE, 'he is gone')]
    folding(inboxProjection, [...past, ...away])
      .when(added(BOB))
      .then({
        [HEAD]: headNow({
          revision: 6,
          position: positionOf(7),
          activity: atPlace(7),
          lastSeq: 2,
          last: {
            ...HEAD_BEGUN.last,
            messageId: messageIdOf(2),
            revision: 5,
            seq: 2,
            at: atPlace(6),
            content: text('he is gone'),
          },
        }),
        [place(BOB)]: { ...BOB_BEGUN, intervals: [{ from: 0, to: 4 }, { from: 6 }], joinedSeq: 2 },
      })
  })

  it('moves on with an event of a type that it does not know', () => {
    const { past, wondered } = begun()
    folding(inboxProjection, past)
      .when(wondered({}))
      .then({ [HEAD]: headNow() })
  })

  describe('own reading', () => {
    const receipts = (advances: readonly { userId: UserId; delivered: number; read: number }[]) => ({
      type: 'ReceiptsAdvanced',
      data: { conversationId: GROUP, advances, allDelivered: 0, allRead: 0 },
    })

    it('advances by what was told to others', () => {
      const { past, history } = begun()
      const advances = [
        { userId: BOB, delivered: 1, read: 1 },
        { userId: ALICE, delivered: 1, read: 0 },
      ]
      folding(inboxProjection, past)
        .when(history.happened(receiptsStream(GROUP), receipts(advances)))
        .then({ [place(BOB)]: { ...BOB_BEGUN, read: 1 }, [place(ALICE)]: ALICE_BEGUN })
    })

    it('advances by what was read privately', () => {
      const { past, history } = begun()
      const event = { type: 'ReadPrivately', data: { conversationId: GROUP, upTo: 1 } }
      folding(inboxProjection, past)
        .when(history.happened(userStateStream(BOB), event))
        .then({ [place(BOB)]: { ...BOB_BEGUN, read: 1 } })
    })

    it('never goes back', () => {
      const { past, history } = begun()
      const event = { type: 'ReadPrivately', data: { conversationId: GROUP, upTo: 1 } }
      const read = history.happened(userStateStream(BOB), event)
      folding(inboxProjection, [...past, read])
        .when(history.happened(receiptsStream(GROUP), receipts([{ userId: BOB, delivered: 1, read: 0 }])))
        .then({ [place(BOB)]: { ...BOB_BEGUN, read: 1 } })
    })

    it('does not make a member of somebody who never was one', () => {
      const { past, history } = begun()
      const event = { type: 'ReadPrivately', data: { conversationId: GROUP, upTo: 1 } }
      folding(inboxProjection, past)
        .when(history.happened(userStateStream(CAROL), event))
        .then({ [place(CAROL)]: undefined })
    })

    it('counts the same object as unchanged', () => {
      const { history } = begun()
      const event = history.happened(receiptsStream(GROUP), receipts([{ userId: BOB, delivered: 1, read: 0 }]))
      const before = { ...BOB_BEGUN }
      expect(inboxProjection.project(before as never, event, 0)).to.equal(before)
    })
  })
})
