import type { State } from './define.ts'
import { KEY_GROUPS, keyGroup } from './key_groups.ts'
import type { Passes, Running } from './passes.ts'
import { dueAfter, type Tick, timersOf } from './timers.ts'
import { type SourceTimes, Watermarks } from './watermarks.ts'

const NEVER = Number.NEGATIVE_INFINITY
/** The slot after the groups: nodes of scope `pipeline`. */
const PIPELINE = KEY_GROUPS

/** The timers and alarms of nodes that hear the same sources. */
interface Clock {
  readonly watermarks: Watermarks
  readonly timers: readonly Tick<Running>[]
  readonly alarms: readonly Running[]
  /** Per group when something is due next; always after the mark, up to which everything has run. */
  readonly due: Float64Array
}

/** Where a clock is to go, in a group or for the whole pipeline. */
interface Hand {
  readonly clock: Clock
  readonly slot: number
  readonly to: number
}
const hand = (clock: Clock, slot: number, to: number): Hand => ({ clock, slot, to })

/**
 * Calls timers and alarms as event time moves. Everything due on the way runs: the earlier time first, then the longer
 * period, then the earlier node, then the lower key; alarms after timers.
 */
export class Schedule {
  readonly clocks: readonly Clock[]
  private readonly passes: Passes
  private readonly groups: number[] = []
  private readonly members: readonly number[][] = Array.from({ length: KEY_GROUPS + 1 }, (_, g) =>
    g === PIPELINE ? [0] : [],
  )
  private readonly timers: readonly Tick<Running>[]
  private readonly alarms: readonly Running[]
  private readonly clockOf = new Map<Running, Clock>()
  /** Per source the clocks it moves. */
  private readonly moved: readonly (readonly Clock[])[]

  /** `hears` tells which sources a node hears of, through any chain of edges. */
  constructor(passes: Passes, times: SourceTimes, sources: number, hears: (node: Running) => readonly number[]) {
    this.passes = passes
    this.timers = timersOf(passes.nodes)
    this.alarms = passes.nodes.filter((n) => n.planned.operator.alarm !== undefined)
    const audiences = new Map<string, { sources: readonly number[]; nodes: Set<Running> }>()
    for (const node of [...this.timers.map((t) => t.node), ...this.alarms]) {
      const heard = hears(node)
      const audience = audiences.get(heard.join()) ?? { sources: heard, nodes: new Set() }
      audiences.set(heard.join(), audience)
      audience.nodes.add(node)
    }
    this.clocks = [...audiences.values()].map(({ sources: heard, nodes }) => {
      const clock: Clock = {
        watermarks: new Watermarks(times, heard),
        timers: this.timers.filter((t) => nodes.has(t.node)),
        alarms: this.alarms.filter((n) => nodes.has(n)),
        due: new Float64Array(KEY_GROUPS + 1).fill(NEVER),
      }
      for (const node of nodes) this.clockOf.set(node, clock)
      return clock
    })
    this.moved = Array.from({ length: sources }, (_, s) => this.clocks.filter((c) => c.watermarks.sources.includes(s)))
    passes.alarmed = (node, code) => this.setAlarm(node, code)
  }

  groupOf(code: number): number {
    return this.groups[code] as number
  }
  /** Puts a new key into its group. */
  enrol(code: number): void {
    const group = keyGroup(this.passes.keys[code] as string)
    this.groups[code] = group
    this.members[group]?.push(code)
    for (const node of this.alarms) if (!node.wide) this.setAlarm(node, code)
  }

  /** Up to where some node that hears the source has closed its windows in this group. */
  closed(source: number, group: number): number {
    let newest = NEVER
    for (const { watermarks } of this.moved[source] as readonly Clock[])
      newest = Math.max(newest, watermarks.mark[group] as number)
    return newest
  }

  /**
   * A source has told of time in a group: moves the clocks that hear it. Nodes of scope `pipeline` take rows of all
   * groups as they come, so their time is the newest there is: nothing they have taken lies behind the boundary.
   */
  advance(source: number, group: number, newest: number): void {
    const clocks = this.moved[source] as readonly Clock[]
    if (this.glide(clocks, group, newest)) return
    this.turn(
      clocks.flatMap((clock) => [hand(clock, group, clock.watermarks.target(group)), hand(clock, PIPELINE, newest)]),
    )
  }
  /** The end: everything up to a time runs, whoever was slow. */
  finish(at: number): void {
    for (let group = 0; group < KEY_GROUPS; group++) {
      const told = this.clocks.filter(({ watermarks }) => watermarks.mark[group] !== NEVER)
      this.turn(told.flatMap((clock) => [hand(clock, group, at), hand(clock, PIPELINE, at)]))
    }
  }

  /** The common case: nothing is due on the way of any clock. */
  private glide(clocks: readonly Clock[], group: number, newest: number): boolean {
    for (const { watermarks, due } of clocks)
      if (watermarks.target(group) >= (due[group] as number) || newest >= (due[PIPELINE] as number)) return false
    for (const { watermarks } of clocks) {
      const { mark } = watermarks
      mark[group] = watermarks.target(group)
      if (newest > (mark[PIPELINE] as number)) mark[PIPELINE] = newest
    }
    return true
  }

  /** Moves hands of clocks, running all that is due on the way: of all of them the earliest first. */
  private turn(hands: readonly Hand[]): void {
    const moving = hands.filter(({ clock, slot, to }) => to > (clock.watermarks.mark[slot] as number))
    for (const { clock, slot, to } of moving) {
      const { mark } = clock.watermarks
      if (mark[slot] !== NEVER) continue
      // nothing was before the first row, so nothing is due before it
      mark[slot] = to
      clock.due[slot] = this.nextDue(clock, slot)
    }
    for (;;) {
      let at = Number.POSITIVE_INFINITY
      for (const { clock, slot, to } of moving)
        if ((clock.due[slot] as number) <= to) at = Math.min(at, clock.due[slot] as number)
      if (at === Number.POSITIVE_INFINITY) break
      const now = moving.filter(({ clock, slot, to }) => clock.due[slot] === at && at <= to)
      for (const { clock, slot } of now) {
        clock.watermarks.mark[slot] = at
        clock.due[slot] = Number.POSITIVE_INFINITY
      }
      this.runDue(at, now)
      for (const { clock, slot } of now) clock.due[slot] = this.nextDue(clock, slot)
    }
    for (const { clock, slot, to } of moving) clock.watermarks.mark[slot] = to
  }

  private nextDue({ watermarks, timers, alarms }: Clock, slot: number): number {
    const wide = slot === PIPELINE
    const from = watermarks.mark[slot] as number
    let next = Number.POSITIVE_INFINITY
    for (const timer of timers) if (timer.node.wide === wide) next = Math.min(next, dueAfter(timer, from))
    for (const node of alarms)
      if (node.wide === wide)
        for (const code of this.members[slot] as number[])
          next = Math.min(next, Math.max(node.alarms[code] as number, from + 1))
    return next
  }

  private runDue(due: number, hands: readonly Hand[]): void {
    const codes = (node: Running): readonly number[] => {
      const clock = this.clockOf.get(node)
      const at = hands.find((h) => h.clock === clock && (h.slot === PIPELINE) === node.wide)
      return at === undefined ? [] : [...(this.members[at.slot] as number[])]
    }
    for (const timer of this.timers) {
      const boundary = timer.right ? due - 1 : due
      if (boundary % timer.every !== 0) continue
      for (const code of codes(timer.node))
        this.passes.wake(timer.node, code, boundary, (state, env) => timer.fire(state, boundary, env))
    }
    for (const node of this.alarms) {
      const fire = node.planned.operator.alarm?.fire as unknown as (state: State, at: number, env: unknown) => unknown
      for (const code of codes(node)) {
        if ((node.alarms[code] as number) > due) continue
        this.passes.wake(node, code, due, (state, env) => {
          const answer = fire(state, due, env)
          if (this.alarmOf(node, code) <= due) throw new Error('its alarm must be moved on when it fires')
          return answer
        })
      }
    }
  }

  private alarmOf(node: Running, code: number): number {
    const { alarm } = node.planned.operator
    if (alarm === undefined) return Number.POSITIVE_INFINITY
    return (alarm.at as unknown as (state: State) => number)(this.passes.stateOf(node, code))
  }
  setAlarm(node: Running, code: number): void {
    const at = this.alarmOf(node, code)
    if (at === node.alarms[code]) return
    node.alarms[code] = at
    const clock = this.clockOf.get(node)
    const group = node.wide ? PIPELINE : (this.groups[code] as number)
    const mark = clock?.watermarks.mark[group] ?? NEVER
    if (clock !== undefined && mark !== NEVER)
      clock.due[group] = Math.min(clock.due[group] as number, Math.max(at, mark + 1))
  }

  /** At the start and after a restore: works out what is not kept because it follows from what is. */
  resume(): void {
    for (let code = this.groups.length || 1; code < this.passes.keys.length; code++) this.enrol(code)
    for (const node of this.alarms)
      for (const code of node.wide ? [0] : this.passes.keys.keys()) if (node.wide || code > 0) this.setAlarm(node, code)
    for (const clock of this.clocks)
      for (let group = 0; group <= KEY_GROUPS; group++)
        clock.due[group] = clock.watermarks.mark[group] === NEVER ? NEVER : this.nextDue(clock, group)
  }
}
