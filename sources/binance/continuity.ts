import type { Gap } from '../../schemas/market.ts'

interface Seen {
  readonly id: number
  readonly at: number
}
/** Whether the next message of a symbol is known to follow the one before. */
export type Continuity =
  | { readonly state: 'proven'; readonly last: Seen | undefined }
  | { readonly state: 'unproven'; readonly reason: Gap['reason']; readonly last: Seen | undefined }

/** What the number of a message says: it goes on, or it is a repeat; and what must be told before it. */
export type Step =
  | { readonly type: 'repeat' }
  | { readonly type: 'next'; readonly gap: Gap | undefined; readonly now: Continuity }

/**
 * Judges a trade by its number. Binance numbers the trades of a symbol without holes, so last + 1 proves that nothing
 * was lost, whatever happened to the connection in between.
 */
export function follow(before: Continuity, id: number, at: number): Step {
  const { last } = before
  const now: Continuity = { state: 'proven', last: { id, at } }
  if (last === undefined) {
    const gap = before.state === 'unproven' ? { reason: before.reason, missing: 0, since: 0 } : undefined
    return { type: 'next', gap, now }
  }
  if (id === last.id + 1) return { type: 'next', gap: undefined, now }
  // A repeat carries an old time too; a lower number with a later time means that the venue counts afresh.
  if (id <= last.id && at <= last.at) return { type: 'repeat' }
  const reason = before.state === 'unproven' ? before.reason : 'sequence'
  return { type: 'next', gap: { reason, missing: Math.max(0, id - last.id - 1), since: last.at }, now }
}

/** The connection is gone: the next number decides, unless time has to pass before it comes. */
export const doubt = (before: Continuity, reason: Gap['reason']): Continuity =>
  before.state === 'unproven' ? before : { state: 'unproven', reason, last: before.last }

/** Time must pass and no number has come: the gap is told, and what follows is judged against the last number still. */
export function concede({ reason, last }: Continuity & { readonly state: 'unproven' }): { gap: Gap; now: Continuity } {
  return { gap: { reason, missing: 0, since: last?.at ?? 0 }, now: { state: 'proven', last } }
}
