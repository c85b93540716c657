import { KEY_GROUPS } from './key_groups.ts'
import type { Slots } from './state/layout.ts'

const NEVER = Number.NEGATIVE_INFINITY

/**
 * Event time per key group: the newest time of each source less its allowed lateness, the least over the sources that
 * speak for the group, never running back. A source that was cut off does not hold the others up until it speaks again.
 */
export class Watermarks {
  /** Per group. The extra slot is the whole pipeline: the least over all groups that have spoken. */
  readonly mark = new Float64Array(KEY_GROUPS + 1).fill(NEVER)
  private readonly newest: Float64Array[]
  private readonly idle: Uint8Array[]
  private readonly lateness: readonly number[]

  constructor(lateness: readonly number[]) {
    this.lateness = lateness
    this.newest = lateness.map(() => new Float64Array(KEY_GROUPS).fill(NEVER))
    this.idle = lateness.map(() => new Uint8Array(KEY_GROUPS))
  }

  /** Newest event time of a source in a group; -Infinity before its first row. */
  newestOf(source: number, group: number): number {
    return (this.newest[source] as Float64Array)[group] as number
  }
  spoken(source: number, group: number): boolean {
    return this.newestOf(source, group) !== NEVER
  }

  /** Takes note of a time and gives where the group's watermark may go now. */
  observe(source: number, group: number, at: number): number {
    const newest = this.newest[source] as Float64Array
    ;(this.idle[source] as Uint8Array)[group] = 0
    if (at > (newest[group] as number)) newest[group] = at
    let least = Number.POSITIVE_INFINITY
    for (let s = 0; s < this.newest.length; s++) {
      const time = (this.newest[s] as Float64Array)[group] as number
      if (time !== NEVER && (this.idle[s] as Uint8Array)[group] === 0)
        least = Math.min(least, time - (this.lateness[s] as number))
    }
    return Math.max(least, this.mark[group] as number)
  }

  disconnect(source: number, group: number): void {
    ;(this.idle[source] as Uint8Array)[group] = 1
  }

  /** The least watermark of all groups that have spoken. */
  least(): number {
    let least = Number.POSITIVE_INFINITY
    for (let g = 0; g < KEY_GROUPS; g++) {
      const mark = this.mark[g] as number
      if (mark !== NEVER && mark < least) least = mark
    }
    return least === Number.POSITIVE_INFINITY ? NEVER : least
  }

  get width(): number {
    return KEY_GROUPS + 1 + this.newest.length * KEY_GROUPS * 2
  }
  save(into: Slots, at: number): void {
    into.real.set(this.mark, at)
    let place = at + KEY_GROUPS + 1
    this.newest.forEach((newest, s) => {
      into.real.set(newest, place)
      into.real.set(this.idle[s] as Uint8Array, place + KEY_GROUPS)
      place += 2 * KEY_GROUPS
    })
  }
  load(from: Slots, at: number): void {
    this.mark.set(from.real.subarray(at, at + KEY_GROUPS + 1))
    let place = at + KEY_GROUPS + 1
    this.newest.forEach((newest, s) => {
      newest.set(from.real.subarray(place, place + KEY_GROUPS))
      ;(this.idle[s] as Uint8Array).set(from.real.subarray(place + KEY_GROUPS, place + 2 * KEY_GROUPS))
      place += 2 * KEY_GROUPS
    })
  }
}
