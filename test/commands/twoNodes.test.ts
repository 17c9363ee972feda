import { expect } from 'chai'
import fc from 'fast-check'
import { after, before, beforeEach, describe, it } from 'mocha'
import { type Accepted, type Command, createDispatch, type Dispatch } from '../../commands/dispatch.ts'
import type { ConversationEvent } from '../../domain/conversation/events.ts'
import { DomainError } from '../../domain/errors.ts'
import type { RecordedEvent } from '../../domain/eventsourcing/message.ts'
import {
  type CommandId,
  type ConversationId,
  conversationStream,
  type MessageId,
  type UserId,
} from '../../domain/ids.ts'
import { type Backend, openBackend } from '../support/backend.ts'
import { registerPerson } from '../support/people.ts'

/** A command as a person means it; `as` numbers it, and the same number is the same command id. */
type Intent = { readonly node: 0 | 1; readonly by: number; readonly as: number } & (
  | { readonly does: 'send'; readonly text: string }
  | { readonly does: 'add' | 'remove' | 'promote' | 'demote'; readonly whom: number }
  | { readonly does: 'rename'; readonly text: string }
  | { readonly does: 'leave' }
)

const PEOPLE = 4
const person = fc.nat(PEOPLE - 1)
const common = { node: fc.constantFrom(0 as const, 1 as const), by: person, as: fc.nat(24) }
const words = fc.constantFrom('yes', 'no')
const intent: fc.Arbitrary<Intent> = fc.oneof(
  { arbitrary: fc.record({ ...common, does: fc.constant('send' as const), text: words }), weight: 6 },
  {
    arbitrary: fc.record({ ...common, does: fc.constantFrom('add', 'remove', 'promote', 'demote'), whom: person }),
    weight: 4,
  },
  { arbitrary: fc.record({ ...common, does: fc.constant('rename' as const), text: words }), weight: 1 },
  { arbitrary: fc.record({ ...common, does: fc.constant('leave' as const) }), weight: 1 },
)
/** What is under way at the same time, one such group after another. */
const schedules = fc.array(fc.array(intent, { minLength: 1, maxLength: 8 }), { minLength: 1, maxLength: 8 })

type Answer = Accepted | DomainError

describe('two nodes on one log', () => {
  let backend: Backend
  let users: UserId[]
  let nodes: [Dispatch, Dispatch]
  let group: ConversationId

  before(async () => {
    backend = await openBackend()
    users = []
    for (let n = 0; n < PEOPLE; n++) users.push((await registerPerson(backend, `person${n}`)).userId)
  })
  after(() => backend.close())

  const userOf = (n: number): UserId => users[n] as UserId
  const on = (dispatch: Dispatch, command: Command, userId: UserId, id = backend.newId()): Promise<Answer> =>
    new Promise((resolve) => dispatch.submit(command, { actor: { userId }, commandId: id as CommandId }, resolve))
  const codeOf = (answer: Answer) => (answer instanceof DomainError ? answer.code : 'accepted')
  const read = async () =>
    (await backend.store.readStream(conversationStream(group), { maxCount: 10_000 })) as (RecordedEvent &
      ConversationEvent)[]

  /** A group of the first two; the others have accounts. Each node has it in its cache. */
  const startGroup = async (): Promise<void> => {
    group = backend.newId() as ConversationId
    const deps = { ...backend.deps, maxQueue: 1_000 }
    nodes = [createDispatch(deps), createDispatch(deps)]
    const members = [userOf(1)]
    await on(nodes[0], { type: 'StartGroup', conversationId: group, title: 'yes', members, mode: 'plain' }, userOf(0))
    await Promise.all(nodes.map((node) => node.conversation(group)))
  }
  beforeEach(startGroup)

  const send = (text: string, messageId = backend.newId()): Command => ({
    type: 'SendMessage',
    conversationId: group,
    messageId: messageId as MessageId,
    content: { kind: 'text', text },
  })

  it('let one send who was added by the other a moment ago', async () => {
    expect(codeOf(await on(nodes[1], send('too early'), userOf(2)))).to.equal('NotFound')
    await on(nodes[0], { type: 'AddMembers', conversationId: group, userIds: [userOf(2)] }, userOf(0))
    expect(codeOf(await on(nodes[1], send('now'), userOf(2)))).to.equal('accepted')
  })

  it('let nobody send who was removed by the other a moment ago', async () => {
    await on(nodes[0], { type: 'RemoveMember', conversationId: group, userId: userOf(1) }, userOf(0))
    expect(codeOf(await on(nodes[1], send('too late'), userOf(1)))).to.equal('NotFound')
  })

  it('number the messages that come through both at once without gap or repetition', async () => {
    const answers = await Promise.all(
      Array.from({ length: 100 }, (_, n) => on(nodes[n % 2] as Dispatch, send(`${n}`), userOf(n % 2))),
    )
    expect(new Set(answers.map(codeOf))).to.deep.equal(new Set(['accepted']))
    const seqs = (await read()).flatMap((event) => (event.type === 'MessageSent' ? [event.data.seq] : []))
    expect(seqs).to.deep.equal(Array.from({ length: 100 }, (_, n) => n + 1))
  })

  const commandOf = (intent: Intent, messageId: string): Command => {
    const conversationId = group
    switch (intent.does) {
      case 'send':
        return send(intent.text, messageId)
      case 'rename':
        return { type: 'ChangeDetails', conversationId, title: intent.text }
      case 'leave':
        return { type: 'LeaveConversation', conversationId }
      case 'add':
        return { type: 'AddMembers', conversationId, userIds: [userOf(intent.whom)] }
      case 'remove':
        return { type: 'RemoveMember', conversationId, userId: userOf(intent.whom) }
      case 'promote':
        return { type: 'ChangeRole', conversationId, userId: userOf(intent.whom), role: 'admin' }
      case 'demote':
        return { type: 'ChangeRole', conversationId, userId: userOf(intent.whom), role: 'member' }
    }
  }

  /** What the rules say of a history, told again from its events alone. */
  const expectLawful = (events: readonly (RecordedEvent & ConversationEvent)[]): void => {
    const members = new Set<UserId>()
    const admins = new Set<UserId>()
    let seq = 0
    for (const [at, { revision, type, data, metadata }] of events.entries()) {
      const { userId: actor } = metadata.actor
      expect(revision).to.equal(at)
      if (type !== 'ConversationStarted' && !('founding' in data)) expect(members, `${type} by`).to.include(actor)
      if (type === 'MessageSent') expect((data as { seq: number }).seq).to.equal(++seq)
      if (type === 'MemberAdded') {
        expect(members).not.to.include(data.userId)
        members.add(data.userId)
        if (data.role === 'admin') admins.add(data.userId)
      }
      if (type === 'RoleChanged') {
        expect(admins).to.include(actor)
        if (data.role === 'admin') admins.add(data.userId)
        else admins.delete(data.userId)
      }
      if (type === 'MemberRemoved' || type === 'MemberLeft') {
        expect(members).to.include(data.userId)
        members.delete(data.userId)
        admins.delete(data.userId)
      }
      expect(admins.size > 0 || members.size === 0, 'somebody can manage the group').to.equal(true)
    }
  }

  it('keep to the rules and to one effect a command, whatever comes through which', async () => {
    await fc.assert(
      fc.asyncProperty(schedules, async (schedule) => {
        await startGroup()
        const ids = Array.from({ length: 25 }, () => backend.newId())
        const answers = new Map<string, Answer[]>()
        for (const together of schedule)
          await Promise.all(
            together.map(async (intent) => {
              const id = ids[intent.as] as string
              const { node, by, as, ...content } = intent
              const answer = await on(nodes[node], commandOf(intent, id), userOf(by), id)
              const key = JSON.stringify([by, as, content])
              answers.set(key, [...(answers.get(key) ?? []), answer])
            }),
          )
        const events = await read()
        expectLawful(events)
        expect(new Set(events.map(({ id }) => id)).size).to.equal(events.length)
        const firsts = new Map<string, number>()
        for (const { metadata, revision } of events)
          if (!firsts.has(metadata.commandId)) firsts.set(metadata.commandId, revision)
        const ofOne = events.filter(({ type }) => type !== 'ConversationStarted' && type !== 'MemberAdded')
        expect(new Set(ofOne.map(({ metadata }) => metadata.commandId)).size).to.equal(ofOne.length)
        for (const [key, given] of answers) {
          const id = ids[(JSON.parse(key) as [number, number])[1]] as string
          for (const answer of given) {
            if (answer instanceof DomainError || answer.event === undefined) continue
            expect(answer.revision, 'all who were told of an effect were told of the same').to.equal(firsts.get(id))
            expect(events[answer.revision]).to.deep.include({ type: answer.event.type, data: answer.event.data })
          }
          expect(given.map(codeOf)).not.to.include.oneOf(['Internal', 'Unavailable', 'Busy'])
        }
        const states = await Promise.all(nodes.map(async (node) => structuredClone(await node.conversation(group))))
        const fresh = await createDispatch(backend.deps).conversation(group)
        expect(fresh.lastSeq).to.equal(events.filter(({ type }) => type === 'MessageSent').length)
        for (const event of events) for (const node of nodes) node.observe(event)
        for (const node of nodes) expect(await node.conversation(group)).to.deep.equal(fresh)
        expect(states.some(({ lastSeq }) => lastSeq > fresh.lastSeq)).to.equal(false)
      }),
      { numRuns: 60 },
    )
  })
})
