import { KEY_GROUPS } from './key_groups.ts'
import type { Slots } from './state/layout.ts'

const NEVER = Number.NEGATIVE_INFINITY
/** Rows whose time is further ahead than this of the newest are not believed: one of them would close every window there is. */
export const MAX_JUMP = 366 * 86_400e6

/** What each source has told of time, per key group. */
export class SourceTimes {
  readonly newest: readonly Float64Array[]
  readonly idle: readonly Uint8Array[]
  private readonly lateness: readonly number[]
  private readonly passive: readonly boolean[]

  /** Sources that are `passive` hold nobody up: their rows count as no sign that nothing older will come. */
  constructor(lateness: readonly number[], passive: readonly boolean[] = lateness.map(() => false)) {
    this.lateness = lateness
    this.passive = passive
    this.newest = lateness.map(() => new Float64Array(KEY_GROUPS).fill(NEVER))
    // of a buffer of its own: V8 moves small arrays about
    this.idle = passive.map((idle) => new Uint8Array(new ArrayBuffer(KEY_GROUPS)).fill(idle ? 1 : 0))
  }

  /** Newest event time of a source in a group; -Infinity before its first row. */
  newestOf(source: number, group: number): number {
    return (this.newest[source] as Float64Array)[group] as number
  }
  /** Newest time less the allowed lateness: what is older comes late. */
  watermarkOf(source: number, group: number): number {
    return this.newestOf(source, group) - (this.lateness[source] as number)
  }
  spoken(source: number, group: number): boolean {
    return this.newestOf(source, group) !== NEVER
  }
  /** Speaks for the group, and was not cut off since. */
  active(source: number, group: number): boolean {
    return this.spoken(source, group) && (this.idle[source] as Uint8Array)[group] === 0
  }

  observe(source: number, group: number, at: number): void {
    const newest = this.newest[source] as Float64Array
    if (this.passive[source] === false) (this.idle[source] as Uint8Array)[group] = 0
    if (at > (newest[group] as number)) newest[group] = at
  }
  /** A source that was cut off does not hold the others up until it speaks again. */
  disconnect(source: number, group: number): void {
    ;(this.idle[source] as Uint8Array)[group] = 1
  }

  get width(): number {
    return this.newest.length * KEY_GROUPS * 2
  }
  save(into: Slots, at: number): void {
    this.newest.forEach((newest, s) => {
      into.real.set(newest, at + s * 2 * KEY_GROUPS)
      into.real.set(this.idle[s] as Uint8Array, at + (s * 2 + 1) * KEY_GROUPS)
    })
  }
  load(from: Slots, at: number): void {
    this.newest.forEach((newest, s) => {
      newest.set(from.real.subarray(at + s * 2 * KEY_GROUPS, at + (s * 2 + 1) * KEY_GROUPS))
      ;(this.idle[s] as Uint8Array).set(
        from.real.subarray(at + (s * 2 + 1) * KEY_GROUPS, at + (s * 2 + 2) * KEY_GROUPS),
      )
    })
  }
}

/**
 * Event time as those nodes see it that hear the same sources: per key group the least watermark of these sources, never
 * running back. A sparse feed holds up only the nodes that hear it.
 */
export class Watermarks {
  /** Per group. The extra slot is the whole pipeline: the newest time of any group. */
  readonly mark = new Float64Array(KEY_GROUPS + 1).fill(NEVER)
  readonly sources: readonly number[]
  private readonly times: SourceTimes

  constructor(times: SourceTimes, sources: readonly number[]) {
    this.times = times
    this.sources = sources
  }

  /** Where the watermark of a group may go now. */
  target(group: number): number {
    let least = Number.POSITIVE_INFINITY
    for (const source of this.sources)
      if (this.times.active(source, group)) least = Math.min(least, this.times.watermarkOf(source, group))
    const mark = this.mark[group] as number
    return least === Number.POSITIVE_INFINITY ? mark : Math.max(least, mark)
  }

  get width(): number {
    return KEY_GROUPS + 1
  }
  save(into: Slots, at: number): void {
    into.real.set(this.mark, at)
  }
  load(from: Slots, at: number): void {
    this.mark.set(from.real.subarray(at, at + KEY_GROUPS + 1))
  }
}
