import type { Dispatch } from '../../commands/dispatch.ts'
import { DomainError } from '../../domain/errors.ts'
import type { CommandId, ConversationId, DeviceId, Position, UserId } from '../../domain/ids.ts'
import type { Logger, NewId } from '../../domain/ports.ts'
import type { Inbox } from '../../projections/inbox.ts'
import type { Projector } from '../../projections/projector.ts'
import type { Timeline } from '../../projections/timeline.ts'
import type { CursorKeeper } from './cursorKeeper.ts'
import type { DeviceSession } from './deviceSession.ts'
import type { ReceiptCollector } from './receiptCollector.ts'

/** Time after which a waiting device is looked at again: it may be gone. */
const PATIENCE_MS = 1_000

export interface WatermarksDeps {
  readonly dispatch: Dispatch
  readonly inbox: Inbox
  readonly timeline: Timeline
  readonly projector: Projector
  readonly receipts: ReceiptCollector
  readonly keeper: CursorKeeper
  readonly newId: NewId
  readonly logger: Logger
}

/** How far users have received and read, as their devices say it. */
export interface Watermarks {
  /** Everything up to the position is stored on the device. */
  acknowledge(session: DeviceSession, position: Position): void
  /** Gathers the receipts that the session owes; until then its cursor is not saved. */
  settle(session: DeviceSession): void
  /** Throws `DomainError`: NotFound, ReadBeyondLast. */
  read(
    reader: { readonly userId: UserId; readonly deviceId: DeviceId },
    conversationId: ConversationId,
    upTo: number,
  ): Promise<void>
}

export const createWatermarks = (deps: WatermarksDeps): Watermarks => {
  const { dispatch, inbox, timeline, projector, receipts, keeper, newId, logger } = deps

  const delivered = (userId: UserId, conversationId: ConversationId, seq: number): void =>
    receipts.delivered(userId, conversationId, seq)

  /** False when the device went before the read models knew all that it holds. */
  const gather = async (session: DeviceSession, from: Position | undefined, to: Position): Promise<boolean> => {
    while (!(await projector.waitFor(['inbox', 'timeline'], to, PATIENCE_MS))) if (session.closed) return false
    const { userId, conversations } = session.user
    for (const [conversationId, head] of await inbox.heads([...conversations.keys()])) {
      if (from !== undefined && head.position <= from) continue
      const seq = await timeline.seqAt(conversationId, conversations.get(conversationId) ?? [], to)
      if (seq > 0) receipts.delivered(userId, conversationId, seq)
    }
    return true
  }

  const settle = (session: DeviceSession): void => {
    const { owed } = session
    if (owed === undefined) return keeper.note(session)
    if (owed.gathering) return
    owed.gathering = true
    gather(session, owed.from, owed.to)
      .then((complete) => {
        if (!complete) return
        session.owed = undefined
        keeper.note(session)
      })
      .catch((error: unknown) => logger.warn({ error }, 'receipts wait for the next acknowledgement'))
      .finally(() => {
        owed.gathering = false
      })
  }

  return {
    acknowledge(session, position) {
      session.acknowledge(position, delivered)
      settle(session)
    },
    settle,
    async read({ userId, deviceId }, conversationId, upTo) {
      const { lastSeq, members } = await dispatch.conversation(conversationId)
      if (members[userId] === undefined)
        throw new DomainError('NotFound', 'There is no such conversation, or you are not in it.')
      if (upTo > lastSeq)
        throw new DomainError('ReadBeyondLast', `The newest message has seq ${lastSeq}; nothing beyond it can be read.`)
      if ((await dispatch.account(userId)).privacy.readReceipts) return receipts.read(userId, conversationId, upTo)
      await dispatch.execute(
        { type: 'ReadPrivately', userId, conversationId, upTo },
        { actor: { userId, deviceId }, commandId: newId() as CommandId },
      )
    },
  }
}
