/** Revisions from the one that added a user to the one that ended it, both included; `to` absent: still a member. */
export interface Interval {
  readonly from: number
  readonly to?: number
}

/** What a user may see of a conversation: the revisions of the intervals in which they were a member. */
export type Visibility = readonly Interval[]

export const isVisible = (visibility: Visibility, revision: number): boolean =>
  visibility.some((interval) => revision >= interval.from && (interval.to === undefined || revision <= interval.to))
