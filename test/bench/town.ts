import { generateKeyPairSync, type KeyObject, sign } from 'node:crypto'
import { encodeCursor } from '../../api/protocol/cursor.ts'
import { loginText } from '../../api/protocol/loginText.ts'
import { directConversationId } from '../../commands/derivedId.ts'
import { ACCOUNT_SCHEMA, type AccountEvent } from '../../domain/account/events.ts'
import { CONVERSATION_SCHEMA, type ConversationEvent } from '../../domain/conversation/events.ts'
import {
  accountStream,
  type CommandId,
  type ConversationId,
  conversationStream,
  type DeviceId,
  type EventId,
  type HandleHash,
  type MessageId,
  type Position,
  receiptsStream,
  type StreamName,
  type UserId,
} from '../../domain/ids.ts'
import { RECEIPTS_SCHEMA, type ReceiptsEvent } from '../../domain/receipts/events.ts'
import { openEmbedded } from '../../infra/composition/embedded.ts'
import type { Engines } from '../../infra/composition/engines.ts'
import { createLogger, createNewId, systemClock } from '../../infra/composition/runtime.ts'

/** A person with one device. */
export interface Resident {
  readonly userId: UserId
  readonly deviceId: DeviceId
  readonly key: KeyObject
}

/** People and conversations that are in a log before anything is measured. */
export interface Town {
  /** Data folder. */
  readonly folder: string
  readonly residents: readonly Resident[]
  /** Conversation of residents 2i and 2i + 1. */
  readonly pairs: readonly ConversationId[]
  /** Groups by size, of the first residents. */
  readonly groups: ReadonlyMap<number, ConversationId>
  /** Where the log ended when everybody had moved in, and before the messages; and its end. */
  readonly cursors: { readonly settled: string; readonly end: string }
  /** Events in the log. */
  readonly events: number
}

export interface TownPlan {
  readonly residents: number
  readonly pairs: number
  readonly groups: readonly number[]
  /** Messages in each of the first conversations of pairs. */
  readonly messages: readonly number[]
}

/** What people write: 200 bytes. */
export const BODY = 'All happy families are alike, all benches differ. '.repeat(4)

type Event = AccountEvent | ConversationEvent | ReceiptsEvent
/** Streams are written in appends of this many events, and as many streams at once. */
const BATCH = 200
/** Messages after which both have received and read everything. */
export const RECEIPTS_EVERY = 20
const newId = createNewId(systemClock)

export const signLogin = ({ userId, deviceId, key }: Resident, origin: string, nonce: string) => {
  const signature = sign(null, Buffer.from(loginText({ origin, deviceId, nonce })), key).toString('base64url')
  return { userId, deviceId, origin, signature }
}

/** Writes a log as a server would have: the events that it decides, through its own event store. */
export const buildTown = async (folder: string, plan: TownPlan): Promise<Town> => {
  const engines = await openEmbedded(folder, {
    clock: systemClock,
    newId,
    logger: createLogger({ logLevel: 'error' }),
    onFatal: (error) => {
      throw error
    },
  })
  const { log } = engines
  const residents = Array.from({ length: plan.residents }, newResident)
  const pairs = Array.from({ length: plan.pairs }, (_, i) => pairOf(residents, i))
  const groups = new Map(plan.groups.map((size) => [size, newId() as ConversationId]))
  let events = 1

  const write = async (streams: readonly (() => Stream)[]): Promise<void> => {
    for (let i = 0; i < streams.length; i += BATCH)
      await Promise.all(
        streams.slice(i, i + BATCH).map(async (make) => {
          events += await append(log, make())
        }),
      )
  }
  await write(residents.map((resident) => () => account(resident)))
  await write(
    pairs.map(
      ({ id, members }) =>
        () =>
          conversation(id, members),
    ),
  )
  await write(
    [...groups].map(
      ([size, id]) =>
        () =>
          conversation(id, residents.slice(0, size)),
    ),
  )
  const settled = await endOf(engines)
  await write(interleaved(plan.messages.map((count, i) => talk(pairs[i] as Pair, count))))
  const end = await endOf(engines)
  await engines.close()
  return { folder, residents, pairs: pairs.map(({ id }) => id), groups, cursors: { settled, end }, events }
}

/** The first of each, then the second of each, and so on: conversations go on side by side. */
const interleaved = <T>(lists: readonly (readonly T[])[]): T[] => {
  const longest = lists.reduce((length, list) => Math.max(length, list.length), 0)
  return Array.from({ length: longest }).flatMap((_, i) => lists.flatMap((list) => list.slice(i, i + 1)))
}

interface Stream {
  readonly name: StreamName
  /** Revision of the first event. */
  readonly from: number
  readonly schema: number
  readonly events: readonly { readonly event: Event; readonly by: Resident }[]
}
interface Pair {
  readonly id: ConversationId
  readonly members: readonly [Resident, Resident]
}

const endOf = async ({ log, incarnation }: Engines): Promise<string> =>
  encodeCursor(incarnation, (await log.head()) as Position)

const newResident = (): Resident => ({
  userId: newId() as UserId,
  deviceId: newId() as DeviceId,
  key: generateKeyPairSync('ed25519').privateKey,
})

const pairOf = (residents: readonly Resident[], i: number): Pair => {
  const members = [residents[2 * i] as Resident, residents[2 * i + 1] as Resident] as const
  return { id: directConversationId(members[0].userId, members[1].userId), members }
}

const append = async (log: Engines['log'], { name, from, schema, events }: Stream): Promise<number> => {
  for (let i = 0; i < events.length; i += BATCH) {
    const batch = events.slice(i, i + BATCH).map(({ event, by: { userId, deviceId } }) => {
      const commandId = (event.type === 'MessageSent' ? event.data.messageId : newId()) as CommandId
      const at = new Date(systemClock()).toISOString()
      const metadata = { actor: { userId, deviceId }, at, commandId, correlationId: commandId, schema }
      return { id: newId() as EventId, ...event, metadata }
    })
    const expectedRevision = from + i === 0 ? 'noStream' : from + i - 1
    await log.appendToStream(name, batch, { expectedRevision })
  }
  return events.length
}

const account = (resident: Resident): Stream => {
  const { userId, deviceId, key } = resident
  const handle = `r${userId.replaceAll('-', '').slice(-24)}`
  const handleHash = handle.padStart(64, '0') as HandleHash
  const publicKey = String(key.export({ format: 'jwk' }).x)
  const events: readonly AccountEvent[] = [
    { type: 'AccountRegistered', data: { userId, handleHash, details: { handle, displayName: 'A resident' } } },
    { type: 'DeviceLinked', data: { deviceId, publicKey, details: { name: 'phone' } } },
  ]
  const name = accountStream(userId)
  return { name, from: 0, schema: ACCOUNT_SCHEMA, events: events.map((event) => ({ event, by: resident })) }
}

const conversation = (conversationId: ConversationId, members: readonly Resident[]): Stream => {
  const [first] = members as readonly [Resident]
  const kind = members.length > 2 ? ('group' as const) : ('direct' as const)
  const details = kind === 'group' ? { details: { title: `${members.length} residents` } } : {}
  const events: readonly ConversationEvent[] = [
    { type: 'ConversationStarted', data: { conversationId, kind, mode: 'plain', ...details } },
    ...members.map(({ userId }, i) => {
      const role = kind === 'group' && i === 0 ? ('admin' as const) : ('member' as const)
      return { type: 'MemberAdded' as const, data: { userId, role, lastSeq: 0, founding: true as const } }
    }),
  ]
  return {
    name: conversationStream(conversationId),
    from: 0,
    schema: CONVERSATION_SCHEMA,
    events: events.map((event) => ({ event, by: first })),
  }
}

/** Messages in runs, each followed by the receipts of both; made when they are written, as they may be many. */
const talk = ({ id, members }: Pair, count: number): (() => Stream)[] => {
  const started = 1 + members.length
  const runs = Math.ceil(count / RECEIPTS_EVERY)
  const run = (r: number): number => Math.min(RECEIPTS_EVERY, count - r * RECEIPTS_EVERY)
  return Array.from({ length: runs }).flatMap((_, r) => {
    const before = r * RECEIPTS_EVERY
    const messages = (): Stream => ({
      name: conversationStream(id),
      from: started + before,
      schema: CONVERSATION_SCHEMA,
      events: Array.from({ length: run(r) }, (_, i) => ({
        event: {
          type: 'MessageSent',
          data: { messageId: newId() as MessageId, seq: before + i + 1, content: { kind: 'text', text: BODY } },
        },
        by: members[0],
      })),
    })
    return [messages, () => receipts(id, members, r, before + run(r))]
  })
}

const receipts = (
  conversationId: ConversationId,
  [sender, recipient]: Pair['members'],
  revision: number,
  seq: number,
): Stream => ({
  name: receiptsStream(conversationId),
  from: revision,
  schema: RECEIPTS_SCHEMA,
  events: [
    {
      event: {
        type: 'ReceiptsAdvanced',
        data: {
          conversationId,
          advances: [{ userId: recipient.userId, delivered: seq, read: seq }],
          allDelivered: 0,
          allRead: 0,
          slowest: {
            delivered: { userId: sender.userId, others: seq },
            read: { userId: sender.userId, others: seq },
          },
        },
      },
      by: sender,
    },
  ],
})
