import { loadIdentity } from './account.ts'
import { createAcks } from './acks.ts'
import type { Client, ClientOptions } from './client.ts'
import { ClientError } from './clientError.ts'
import type { ClientEvent } from './clientEvent.ts'
import { createCommands } from './commands.ts'
import { type Connection, createConnection } from './connection.ts'
import type { Phase, StopReason } from './connectionState.ts'
import { byActivity, isKnown, viewConversation } from './conversation.ts'
import { signLogin } from './deviceKey.ts'
import { createDirectory } from './directory.ts'
import { createEventStream } from './eventStream.ts'
import { createFeed } from './feed.ts'
import { createHistory } from './history.ts'
import { createHttp } from './http.ts'
import { createInbound, logOf } from './inbound.ts'
import { receiversOf, refreshed, showMessage, showWaiting } from './messageView.ts'
import { createNewId } from './newId.ts'
import { createOutbox } from './outbox.ts'
import { createReadMarks, markRead } from './readMarks.ts'
import { createTokens } from './session.ts'
import { loadOpenSocket } from './socket.ts'
import { createStore, type OutboxRecord, putOutbox } from './store.ts'
import type { Message } from './timelineRecord.ts'
import { systemTimers } from './timers.ts'
import { type Conversations, newOrStored } from './turn.ts'
import { createTyping } from './typing.ts'

/** Opens the device that a storage holds. Throws `ClientError` NotSignedIn when it holds none: register, or link it. */
export const createClient = async (options: ClientOptions): Promise<Client> => {
  const { storage, timers = systemTimers } = options
  const url = new URL(options.url).origin
  const identity = await loadIdentity(storage)
  const { userId: self, deviceId, key } = identity
  const store = createStore(storage)
  const openSocket = options.openSocket ?? (await loadOpenSocket())
  const newId = createNewId(timers.now)
  const fetcher: typeof fetch = options.fetch ?? ((input, init) => fetch(input, init))
  const open = createHttp({ url, fetch: fetcher, timers, newId })
  const token = createTokens({ http: open, identity, origin: url, now: timers.now })
  const http = createHttp({ url, fetch: fetcher, timers, newId, token })

  const conversations: Conversations = new Map()
  for (const record of await store.conversations()) conversations.set(record.conversationId, record)

  const events = createEventStream<ClientEvent>()
  const { emit } = events
  const outbox = createOutbox({
    timers,
    send: (frame) => connection.send(frame),
    commit: (record) => store.commit([putOutbox(record)]),
    changed(turn, record) {
      const message = showWaiting(record, self)
      if (message !== undefined) return turn.emit({ type: 'messageChanged', message })
      if (record.error !== undefined) turn.emit({ type: 'refused', commandId: record.id, ...record.error })
    },
  })
  outbox.load(await store.outbox())
  const acks = createAcks({ timers, send: (cursor) => connection.send({ type: 'ack', cursor }) })
  const readMarks = createReadMarks({
    timers,
    conversations,
    send: (conversationId, upTo) => connection.send({ type: 'read', conversationId, upTo }),
  })
  const typing = createTyping(timers, emit)
  const feed = createFeed({ self, http, outbox })
  const inbound = createInbound({
    store,
    self,
    conversations,
    cursor: await store.cursor(),
    feed,
    outbox,
    acks,
    emit,
    caughtUp: () => {
      readMarks.repeat()
      connection.step({ type: 'caughtUp' })
    },
    failed: () => connection.drop(),
  })
  const history = createHistory({ self, store, http, inbound, feed, conversations })
  let watched: string[] = []
  /** Where the newest own command is in the log. */
  let written: string | undefined
  const seen = () => {
    const { cursor } = inbound
    const newest =
      written !== undefined && logOf(written) === logOf(cursor) && written > (cursor ?? '') ? written : cursor
    return newest === undefined ? {} : { atLeast: newest }
  }

  const connection: Connection = createConnection({
    url: `${url.replace(/^http/, 'ws')}/v1/socket`,
    openSocket,
    timers,
    newId,
    sign: async (nonce) => {
      const signature = await signLogin(key, { origin: url, deviceId, nonce })
      return { kind: 'device', userId: self, deviceId, origin: url, signature }
    },
    cursor: async () => {
      await inbound.settle()
      return inbound.cursor
    },
    changed: ({ phase, reason }) => {
      if (isConnected(phase)) outbox.connected()
      else outbox.disconnected()
      emit({ type: 'connection', phase, ...(reason !== undefined && { reason }) })
    },
    received: (frame) => {
      if (frame.type === 'typing') return typing.take(frame)
      if (frame.type === 'presence') {
        const { userId, online, lastSeen } = frame
        return emit({ type: 'presence', userId, online, ...(lastSeen !== undefined && { lastSeen }) })
      }
      if (frame.type === 'welcome') {
        acks.begin(frame.limits.window)
        if (watched.length > 0) connection.send({ type: 'presence', watch: watched })
      }
      inbound.receive(frame)
    },
  })

  const leaveNetwork = onNetworkFound(() => connection.step({ type: 'networkFound' }))
  const recordOf = (conversationId: string) => newOrStored(conversations, conversationId)

  const commands = createCommands(newId, (id, frame) => {
    const record: OutboxRecord = { id, frame, at: new Date(timers.now()).toISOString(), state: 'sending' }
    const stored = outbox.submit(record)
    stored.then(
      ({ position }) => {
        written = position ?? written
      },
      () => {},
    )
    const message = showWaiting(record, self)
    if (message !== undefined) emit({ type: 'message', message })
    return stored
  })

  return {
    ...commands,
    userId: self,
    deviceId,
    directory: createDirectory(http, seen),
    get connection() {
      return connection.state
    },
    connect: () => connection.step({ type: 'connect' }),
    disconnect: () => connection.step({ type: 'stop' }),
    live: () => untilLive(connection, events.subscribe()),
    async close() {
      connection.step({ type: 'stop' })
      outbox.stop()
      readMarks.stop()
      typing.stop()
      leaveNetwork()
      await inbound.settle()
      events.end()
      await store.close()
    },
    events: (signal) => events.subscribe(signal),
    conversations: () =>
      [...conversations.values()]
        .filter(isKnown)
        .sort(byActivity)
        .map((record) => viewConversation(record, self)),
    conversation(conversationId) {
      const record = recordOf(conversationId)
      return isKnown(record) ? viewConversation(record, self) : undefined
    },
    async timeline(conversationId, { before, limit = 50 } = {}) {
      const page = await history.read(conversationId, before, limit)
      if (before === undefined && isConnected(connection.state.phase)) await history.readReceipts(conversationId)
      const conversation = recordOf(conversationId)
      const held = page.records.map((record) =>
        record.kind === 'message' ? showMessage(record, conversation, self) : record,
      )
      const ids = new Set(held.map((item) => (item.kind === 'message' ? item.messageId : undefined)))
      // One that is stored further back than a snapshot left out has its place there.
      const waiting = outbox
        .waiting(conversationId)
        .filter(({ revision = conversation.next }) => before === undefined && revision >= conversation.next)
      const shown = waiting.map((record) => showWaiting(record, self))
      const missing = shown.filter((message) => message !== undefined && !ids.has(message.messageId)) as Message[]
      return { items: [...held, ...missing], ...(page.before !== undefined && { before: page.before }) }
    },
    refresh: (message) => refreshed(message, recordOf(message.conversationId), outbox.get(message.messageId), self),
    receivers: (message) => receiversOf(recordOf(message.conversationId), message, self),
    async markRead(conversationId, seq) {
      await inbound.run(async (turn) => turn.setConversation(markRead(turn.conversation(conversationId), seq)))
      readMarks.moved(conversationId)
    },
    setTyping: (conversationId, active) => connection.send({ type: 'typing', conversationId, active }),
    watchPresence(userIds) {
      watched = [...userIds]
      connection.send({ type: 'presence', watch: watched })
    },
    retry: (messageId) => inbound.run(async (turn) => outbox.retry(turn, messageId)),
    discard: (messageId) => inbound.run(async (turn) => outbox.discard(turn, messageId)),
  }
}

const isConnected = (phase: Phase): boolean => phase === 'catchingUp' || phase === 'live'

const untilLive = async (connection: Connection, events: AsyncIterableIterator<ClientEvent>): Promise<void> => {
  while (connection.state.phase !== 'live') {
    if (connection.state.phase === 'stopped') throw new ClientError('Stopped', stopText(connection.state.reason))
    if ((await events.next()).done) throw new ClientError('Stopped', stopText(undefined))
  }
  await events.return?.()
}

const stopText = (reason: StopReason | undefined): string =>
  reason?.by === 'server'
    ? `The server refused the connection (${reason.code}): ${reason.text}`
    : 'The client was closed.'

/** Browsers tell when there is a network again; answers with what ends listening. */
const onNetworkFound = (found: () => void): (() => void) => {
  if (typeof globalThis.addEventListener !== 'function') return () => {}
  globalThis.addEventListener('online', found)
  return () => globalThis.removeEventListener('online', found)
}
