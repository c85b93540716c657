import { median, rounded } from '../support.ts'

/** What a subscriber says of one run; the warm-up is in none of it. */
export interface Spread {
  /** Ticks that were due, that came in time to be counted, and that came more than once. */
  readonly due: number
  readonly received: number
  readonly doubled: number
  /** Messages a second that came from the end of the warm-up on, whenever they were due. */
  readonly rate: number
  /** Milliseconds from when a tick was due to when its message came. One that did not come counts for its age at the end. */
  readonly p50: number
  readonly p99: number
  readonly p999: number
  /** Bytes of a message. */
  readonly bytes: number
}

export const percentile = (sorted: Float64Array, share: number): number =>
  sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN

export function medianSpread(spreads: readonly Spread[]): Spread {
  const of = (field: keyof Spread) => rounded(median(spreads.map((spread) => spread[field])))
  return {
    due: spreads[0]?.due ?? 0,
    received: median(spreads.map(({ received }) => received)),
    doubled: Math.max(...spreads.map(({ doubled }) => doubled)),
    rate: of('rate'),
    p50: of('p50'),
    p99: of('p99'),
    p999: of('p999'),
    bytes: of('bytes'),
  }
}
