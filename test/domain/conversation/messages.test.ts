import { expect } from 'chai'
import { describe, it } from 'mocha'
import type { ConversationEvent } from '../../../domain/conversation/events.ts'
import { MAX_EDIT_WINDOW_MS } from '../../../domain/conversation/state.ts'
import { by, given } from '../../support/decider.ts'
import {
  alice,
  asAlice,
  asBob,
  asCarol,
  bob,
  carol,
  conversation,
  conversationId,
  direct,
  group,
  type History,
  limits,
  messageId,
  messageSent,
  NOW,
  otherMessageId,
  sent,
  target,
  text,
} from './fixtures.ts'

const send = (words: string) => ({ type: 'SendMessage', conversationId, messageId, content: text(words) }) as const
const edit = { type: 'EditMessage', conversationId, messageId, revision: 3, content: text('hello') } as const
const remove = { type: 'DeleteMessage', conversationId, messageId, revision: 3 } as const
const deleted: ConversationEvent = { type: 'MessageDeleted', data: { messageId, seq: 1, targetRevision: 3 } }

describe('SendMessage', () => {
  it('numbers the first message 1', () => {
    given(conversation, group)
      .when(send('hi'), asBob)
      .then([messageSent({ messageId, seq: 1, content: text('hi') })])
  })

  it('numbers messages densely, whatever happens between them', () => {
    given(conversation, [...group, sent(alice, 1), deleted, sent(bob, 2, otherMessageId)])
      .when(send('hi'), asAlice)
      .then([messageSent({ messageId, seq: 3, content: text('hi') })])
  })

  it('keeps what it replies to', () => {
    const replyTo = { messageId, revision: 3 }
    given(conversation, [...direct, sent(alice, 1)])
      .when({ ...send('yes'), messageId: otherMessageId, replyTo }, { ...asBob, facts: target(alice) })
      .then([messageSent({ messageId: otherMessageId, seq: 2, replyTo, content: text('yes') })])
  })

  it('is refused when it replies to nothing', () => {
    given(conversation, direct)
      .when({ ...send('yes'), replyTo: { messageId: otherMessageId, revision: 3 } }, { ...asBob, facts: target(alice) })
      .then('NotFound')
  })

  it('is refused when the sender is not a member', () => {
    given(conversation, group).when(send('hi'), asCarol).then('NotFound')
  })

  it('is refused when nobody started the conversation, with the same words', () => {
    const absent = given(conversation, []).when(send('hi'), asCarol).outcome
    const forbidden = given(conversation, group).when(send('hi'), asCarol).outcome
    expect(absent).to.have.property('message', (forbidden as unknown as Error).message)
  })

  it('is refused after the sender was removed', () => {
    given(conversation, [...group, { type: 'MemberRemoved', data: { userId: bob, lastSeq: 0 } }])
      .when(send('hi'), asBob)
      .then('NotFound')
  })

  it('is refused without words', () => {
    given(conversation, group).when(send(' \n\t '), asBob).then('ContentInvalid')
  })

  it('is refused with half of a surrogate pair', () => {
    given(conversation, group).when(send('\ud83d'), asBob).then('ContentInvalid')
  })

  it('is refused when its content is larger than the limit, in bytes', () => {
    const fits = 'é'.repeat((limits.maxContentBytes - JSON.stringify(text('')).length) / 2)
    given(conversation, group)
      .when(send(fits), asBob)
      .then([messageSent({ messageId, seq: 1, content: text(fits) })])
    given(conversation, group)
      .when(send(`${fits}é`), asBob)
      .then('ContentTooLarge')
  })

  it('is refused when it is encrypted: encrypted conversations are not accepted yet', () => {
    const header = { messageId, counts: true, media: [] }
    const content = { kind: 'encrypted', groupId: 'AA', epoch: 0, header, bytes: 'AA' } as const
    given(conversation, group)
      .when({ ...send(''), content }, asBob)
      .then('EncryptionUnavailable')
  })
})

describe('EditMessage', () => {
  const past: History = [...group, sent(bob, 1)]

  it('keeps the place of the message', () => {
    given(conversation, past)
      .when(edit, { ...asBob, facts: target(bob) })
      .then([{ type: 'MessageEdited', data: { messageId, seq: 1, targetRevision: 3, content: text('hello') } }])
  })

  it('is refused for anybody but the author, admins included', () => {
    given(conversation, past)
      .when(edit, { ...asAlice, facts: target(bob) })
      .then('NotAuthor')
  })

  it('is refused once the window has closed', () => {
    const atTheEnd = target(bob, NOW - limits.editWindowMs)
    expect(given(conversation, past).when(edit, { ...asBob, facts: atTheEnd }).outcome).to.be.an('array')
    const after = target(bob, NOW - limits.editWindowMs - 1)
    given(conversation, past)
      .when(edit, { ...asBob, facts: after })
      .then('EditWindowClosed')
  })

  it('is refused after the message was deleted', () => {
    given(conversation, [...past, by<ConversationEvent>(bob, deleted, new Date(NOW).toISOString())])
      .when(edit, { ...asBob, facts: target(bob) })
      .then('MessageDeleted')
  })

  it('is refused for a message that is not at that revision', () => {
    given(conversation, past)
      .when(edit, { ...asBob, facts: {} })
      .then('NotFound')
    given(conversation, past)
      .when({ ...edit, messageId: otherMessageId }, { ...asBob, facts: target(bob) })
      .then('NotFound')
  })

  it('is refused with content that could not be sent', () => {
    given(conversation, past)
      .when({ ...edit, content: text(' ') }, { ...asBob, facts: target(bob) })
      .then('ContentInvalid')
  })
})

describe('DeleteMessage', () => {
  const past: History = [...group, sent(bob, 1)]
  const long = NOW - limits.deleteWindowMs

  it('deletes for everyone', () => {
    given(conversation, past)
      .when(remove, { ...asBob, facts: target(bob) })
      .then([deleted])
  })

  it('is refused for the sender once the window has closed', () => {
    expect(given(conversation, past).when(remove, { ...asBob, facts: target(bob, long) }).outcome).to.be.an('array')
    given(conversation, past)
      .when(remove, { ...asBob, facts: target(bob, long - 1) })
      .then('DeleteWindowClosed')
  })

  it('is open to admins at any time', () => {
    given(conversation, past)
      .when(remove, { ...asAlice, facts: target(bob, long - 1) })
      .then([deleted])
  })

  it('is refused for other members', () => {
    const withCarol: ConversationEvent = { type: 'MemberAdded', data: { userId: carol, role: 'member', lastSeq: 1 } }
    given(conversation, [...past, withCarol])
      .when(remove, { ...asCarol, facts: target(bob) })
      .then('NotAuthor')
  })

  it('is refused for the other side of a direct conversation', () => {
    given(conversation, [...direct, sent(bob, 1)])
      .when(remove, { ...asAlice, facts: target(bob) })
      .then('NotAuthor')
  })

  it('does nothing when it was deleted lately', () => {
    given(conversation, [...past, by<ConversationEvent>(bob, deleted, new Date(NOW).toISOString())])
      .when(remove, { ...asBob, facts: target(bob) })
      .then([])
  })

  it('is forgotten by the state once no edit can come any more', () => {
    const at = (ms: number) => new Date(ms).toISOString()
    const { state } = given(conversation, [
      ...past,
      by<ConversationEvent>(bob, deleted, at(NOW - MAX_EDIT_WINDOW_MS - 1)),
      by<ConversationEvent>(bob, { ...deleted, data: { ...deleted.data, targetRevision: 4 } }, at(NOW)),
    ])
    expect(state.deleted).to.deep.equal([{ revision: 4, at: NOW }])
  })
})
