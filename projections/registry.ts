import { directoryProjection } from './directory.ts'
import { inboxProjection } from './inbox.ts'
import type { Projection } from './projection.ts'
import { receiptsProjection } from './receipts.ts'
import { rosterProjection } from './roster.ts'
import { timelineProjection } from './timeline.ts'

/** Every read model there is. */
export const PROJECTIONS: readonly Projection[] = [
  timelineProjection,
  inboxProjection,
  rosterProjection,
  receiptsProjection,
  directoryProjection,
]
