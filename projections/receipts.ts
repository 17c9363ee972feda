import { type ConversationId, idOf, type Position, type UserId } from '../domain/ids.ts'
import { type CommonWatermarks, RECEIPTS_SCHEMA, type ReceiptsAdvanced } from '../domain/receipts/events.ts'
import { type PageOptions, readKeyPage } from './keyPage.ts'
import { modelOf, type Projection } from './projection.ts'
import type { ReadModelStore } from './readModelStore.ts'

/** One user's watermarks in a conversation, as everybody in it may know them. Key: `{conversationId}/{userId}`. */
export type ReceiptEntry = {
  readonly conversationId: ConversationId
  readonly userId: UserId
  readonly delivered: number
  readonly read: number
}

/** Key: `{conversationId}`. */
export type ReceiptSummary = { readonly conversationId: ConversationId } & CommonWatermarks

export interface Receipts {
  summary(
    conversationId: ConversationId,
  ): Promise<{ readonly summary: ReceiptSummary; readonly position: Position } | undefined>
  /** Of these users, those who have any. */
  watermarks(conversationId: ConversationId, userIds: readonly UserId[]): Promise<ReadonlyMap<UserId, ReceiptEntry>>
  /** By user id. Throws `DomainError` InvalidCursor. */
  entries(
    conversationId: ConversationId,
    options: PageOptions,
  ): Promise<{ readonly entries: readonly ReceiptEntry[]; readonly next?: string; readonly previous?: string }>
}

/** How far everybody has received and read. */
export const receiptsProjection: Projection<ReceiptEntry | ReceiptSummary> = {
  name: 'receipts',
  version: 2,
  categories: { receipts: RECEIPTS_SCHEMA },
  handles: ['ReceiptsAdvanced'],
  indexes: [],

  keysOf(event) {
    const conversationId = idOf(event.stream)
    const { advances } = event.data as ReceiptsAdvanced['data']
    return [conversationId, ...advances.map(({ userId }) => `${conversationId}/${userId}`)]
  },

  project(_before, event, at) {
    const { advances, allDelivered, allRead, slowest } = event.data as ReceiptsAdvanced['data']
    const conversationId = idOf<ConversationId>(event.stream)
    const advance = advances[at - 1]
    return advance === undefined ? { conversationId, allDelivered, allRead, slowest } : { conversationId, ...advance }
  },
}

export const createReceipts = ({ models }: { readonly models: ReadModelStore }): Receipts => {
  const model = modelOf(receiptsProjection)
  return {
    async summary(conversationId) {
      const [found] = await models.get(model, [conversationId])
      return found?.doc && { summary: found.doc as ReceiptSummary, position: found.position }
    },
    async watermarks(conversationId, userIds) {
      const found = await models.get(
        model,
        userIds.map((userId) => `${conversationId}/${userId}`),
      )
      const entries = found.flatMap(({ doc }) => (doc === undefined ? [] : [doc as ReceiptEntry]))
      return new Map(entries.map((entry) => [entry.userId, entry]))
    },
    async entries(conversationId, options) {
      const { documents, ...ends } = await readKeyPage(models, model, `${conversationId}/`, options)
      return { entries: documents.map(({ doc }) => doc as ReceiptEntry), ...ends }
    },
  }
}
