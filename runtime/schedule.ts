import type { State } from './define.ts'
import { KEY_GROUPS } from './key_groups.ts'
import type { Meter } from './meter.ts'
import { type Network, type Running, TOLD } from './network.ts'
import type { Waking } from './passes.ts'
import { dueAfter, firing, sleeps, type Tick, timersOf } from './timers.ts'
import { type SourceTimes, Watermarks } from './watermarks.ts'

const NEVER = Number.NEGATIVE_INFINITY
const ALWAYS = Number.POSITIVE_INFINITY
/** The slot after the groups: nodes of scope `pipeline`. */
const PIPELINE = KEY_GROUPS

/** The timers and alarms of nodes that hear the same sources. */
export interface Clock {
  readonly watermarks: Watermarks
  /** Of nodes with a state per key, and of those of scope `pipeline`. */
  readonly own: Calls
  readonly wide: Calls
  /** Per group when something is due next; always after the mark, up to which everything has run. */
  readonly due: Float64Array
  /** Per group a time before which no alarm rings. */
  readonly quiet: Float64Array
  /** While time moves: where this clock is to go, in the group and for the whole pipeline, and whether it is due now. */
  to: number
  wideTo: number
  moves: boolean
  wideMoves: boolean
  now: boolean
  wideNow: boolean
}
interface Calls {
  readonly timers: Timed[]
  readonly alarms: Alarmed[]
}
type Call = (code: number, at: number) => void
interface Timed extends Tick<Running> {
  readonly clock: Clock
  /** It may be idle. */
  readonly rests: boolean
  call: Call
  /** The same with a clock around it. */
  readonly timed: Call
  /** Per group when it is due next. */
  readonly next: Float64Array
}
interface Alarmed {
  readonly node: Running
  readonly clock: Clock
  readonly call: Call
}

const callsOf = ({ own, wide }: Clock, isWide: boolean): Calls => (isWide ? wide : own)

/** What time sets going. */
export interface Woken {
  wake(node: Running, code: number, at: number, run: Waking): void
}

/**
 * Calls timers and alarms as event time moves. Everything due on the way runs: the earlier time first, then the longer
 * period, then the earlier node, then the lower key; alarms after timers. Time stands still while a kernel is asked: where
 * it answers later, `advance` and `finish` say false, and are called again when it has.
 */
export class Schedule {
  readonly clocks: readonly Clock[]
  private readonly network: Network
  private readonly woken: Woken
  /** Has kernels answer what was asked; false where they do later. */
  private readonly settled: () => boolean
  private readonly meter: Meter
  private readonly members: readonly number[][] = Array.from({ length: KEY_GROUPS + 1 }, () => [])
  private readonly timers: readonly Timed[]
  private readonly alarms: readonly Alarmed[]
  /** Nodes whose timers may be idle. */
  private readonly sleepers: readonly Running[]
  private readonly clockOf = new Map<Running, Clock>()
  /** Per source the clocks it moves. */
  readonly moved: readonly (readonly Clock[])[]

  /** `hears` tells which sources a node hears of, through any chain of edges. */
  constructor(
    network: Network,
    times: SourceTimes,
    hears: (node: Running) => readonly number[],
    woken: Woken,
    settled: () => boolean,
    meter: Meter,
  ) {
    this.meter = meter
    this.network = network
    this.woken = woken
    this.settled = settled
    const ticks = timersOf(network.nodes)
    this.sleepers = network.nodes.filter(sleeps)
    const ringing = network.nodes.filter((n) => n.planned.operator.alarm !== undefined)
    const clocks = new Map<string, Clock>()
    const clockOf = (node: Running) => {
      const heard = hears(node)
      const clock = clocks.get(heard.join()) ?? {
        watermarks: new Watermarks(times, heard),
        own: { timers: [], alarms: [] },
        wide: { timers: [], alarms: [] },
        due: new Float64Array(KEY_GROUPS + 1).fill(NEVER),
        quiet: new Float64Array(KEY_GROUPS + 1).fill(ALWAYS),
        to: NEVER,
        wideTo: NEVER,
        moves: false,
        wideMoves: false,
        now: false,
        wideNow: false,
      }
      clocks.set(heard.join(), clock)
      this.clockOf.set(node, clock)
      return clock
    }
    this.timers = ticks.map((tick) => {
      const clock = clockOf(tick.node)
      const { node, every, right } = tick
      const call: Call = (code, at) => woken.wake(node, code, at, firing(node, code, at))
      const timed: Timed = {
        node,
        every,
        right,
        clock,
        rests: sleeps(node),
        call,
        timed: (code, at) => meter.timed(call, code, at),
        next: new Float64Array(KEY_GROUPS + 1).fill(NEVER),
      }
      callsOf(clock, node.wide).timers.push(timed)
      return timed
    })
    this.alarms = ringing.map((node) => {
      const clock = clockOf(node)
      const alarmed = { node, clock, call: this.ringing(node) }
      callsOf(clock, node.wide).alarms.push(alarmed)
      return alarmed
    })
    this.clocks = [...clocks.values()]
    this.moved = network.plan.sources.map((_, s) => this.clocks.filter((c) => c.watermarks.sources.includes(s)))
  }

  private ringing(node: Running): (code: number, at: number) => void {
    const fire = node.planned.operator.alarm?.fire as unknown as (state: State, at: number, env: unknown) => unknown
    return (code, at) =>
      this.woken.wake(node, code, at, (state, env) => {
        const answer = fire(state, at, env)
        if (this.alarmOf(node, code) <= at) throw new Error('its alarm must be moved on when it fires')
        return answer
      })
  }

  /** Timers run by a program from here on, where it has a function for them. */
  use(fire: (node: Running) => Call | undefined): void {
    for (const timed of this.timers) timed.call = fire(timed.node) ?? timed.call
  }

  /** Puts a new key into its group. */
  enrol(code: number): void {
    this.members[this.network.groups[code] as number]?.push(code)
    for (const { node } of this.alarms) if (!node.wide) this.setAlarm(node, code)
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
  advance(source: number, group: number, newest: number): boolean {
    const clocks = this.moved[source] as readonly Clock[]
    if (clocks.length === 1) return this.turnOne(clocks, group, newest)
    let still = true
    for (const clock of clocks) {
      clock.to = clock.watermarks.target(group)
      clock.wideTo = newest
      if (clock.to >= (clock.due[group] as number) || newest >= (clock.due[PIPELINE] as number)) still = false
    }
    if (!still) return this.turn(clocks, group)
    // the common case: nothing is due on the way of any clock
    for (const { watermarks, to } of clocks) {
      const { mark } = watermarks
      mark[group] = to
      if (newest > (mark[PIPELINE] as number)) mark[PIPELINE] = newest
    }
    return true
  }
  /** The end: everything up to a time runs, whoever was slow. */
  finish(at: number): boolean {
    for (let group = 0; group < KEY_GROUPS; group++) {
      const told = this.clocks.filter(({ watermarks }) => watermarks.mark[group] !== NEVER)
      for (const clock of told) {
        clock.to = at
        clock.wideTo = at
      }
      if (!this.turn(told, group)) return false
    }
    return true
  }

  /** The short way of a clock that is alone, as long as nothing is due for the whole pipeline: most of the time. */
  private turnOne(clocks: readonly Clock[], group: number, newest: number): boolean {
    const clock = clocks[0] as Clock
    const { due, watermarks, own } = clock
    const { mark } = watermarks
    const to = watermarks.target(group)
    for (;;) {
      if (newest >= (due[PIPELINE] as number) || mark[group] === NEVER) {
        clock.to = to
        clock.wideTo = newest
        return this.turn(clocks, group)
      }
      const at = due[group] as number
      if (at > to) break
      mark[group] = at
      due[group] = ALWAYS
      let next = ALWAYS
      for (const timer of own.timers) {
        if (timer.next[group] === at) this.fire(timer, at, group)
        next = Math.min(next, timer.next[group] as number)
      }
      if ((clock.quiet[group] as number) <= at) for (const alarmed of own.alarms) this.ring(alarmed, at, group)
      due[group] = this.orAlarm(clock, group, next)
      if (!this.settled()) return false
    }
    if (to > (mark[group] as number)) mark[group] = to
    if (newest > (mark[PIPELINE] as number)) mark[PIPELINE] = newest
    return true
  }
  /** Moves clocks to where they are to go, running all that is due on the way: of all of them the earliest first. */
  private turn(clocks: readonly Clock[], group: number): boolean {
    for (const clock of clocks) {
      const { mark } = clock.watermarks
      clock.moves = clock.to > (mark[group] as number)
      clock.wideMoves = clock.wideTo > (mark[PIPELINE] as number)
      // nothing was before the first row, so nothing is due before it
      if (clock.moves && mark[group] === NEVER) this.begin(clock, group, clock.to)
      if (clock.wideMoves && mark[PIPELINE] === NEVER) this.begin(clock, PIPELINE, clock.wideTo)
    }
    for (;;) {
      let at = ALWAYS
      for (const { due, moves, to, wideMoves, wideTo } of clocks) {
        const [own, wide] = [due[group] as number, due[PIPELINE] as number]
        if (moves && own <= to && own < at) at = own
        if (wideMoves && wide <= wideTo && wide < at) at = wide
      }
      if (at === ALWAYS) break
      for (const clock of clocks) {
        const { due, watermarks } = clock
        clock.now = clock.moves && due[group] === at && at <= clock.to
        clock.wideNow = clock.wideMoves && due[PIPELINE] === at && at <= clock.wideTo
        if (clock.now) {
          watermarks.mark[group] = at
          due[group] = ALWAYS
        }
        if (clock.wideNow) {
          watermarks.mark[PIPELINE] = at
          due[PIPELINE] = ALWAYS
        }
      }
      this.runDue(at, group)
      for (const clock of clocks) {
        if (clock.now) clock.due[group] = this.nextDue(clock, group)
        if (clock.wideNow) clock.due[PIPELINE] = this.nextDue(clock, PIPELINE)
        clock.now = false
        clock.wideNow = false
      }
      if (!this.settled()) return false
    }
    for (const { moves, to, wideMoves, wideTo, watermarks } of clocks) {
      if (moves) watermarks.mark[group] = to
      if (wideMoves) watermarks.mark[PIPELINE] = wideTo
    }
    return true
  }
  private begin(clock: Clock, slot: number, at: number): void {
    clock.watermarks.mark[slot] = at
    for (const timer of callsOf(clock, slot === PIPELINE).timers) timer.next[slot] = dueAfter(timer, at)
    clock.due[slot] = this.nextDue(clock, slot)
  }

  private nextDue(clock: Clock, slot: number): number {
    let next = ALWAYS
    for (const timer of callsOf(clock, slot === PIPELINE).timers) next = Math.min(next, timer.next[slot] as number)
    return this.orAlarm(clock, slot, next)
  }
  /** The first alarm, where one may ring before the next timer. */
  private orAlarm(clock: Clock, slot: number, next: number): number {
    const { watermarks, quiet } = clock
    if ((quiet[slot] as number) >= next) return next
    const from = watermarks.mark[slot] as number
    const members = this.members[slot] as number[]
    let first = ALWAYS
    for (const { node } of callsOf(clock, slot === PIPELINE).alarms)
      for (let i = 0; i < members.length; i++) first = Math.min(first, node.alarms[members[i] as number] as number)
    quiet[slot] = first
    return Math.min(next, first > from ? first : from + 1)
  }

  private runDue(due: number, group: number): void {
    for (const timer of this.timers) {
      const { node, clock, next } = timer
      const slot = node.wide ? PIPELINE : group
      if ((node.wide ? clock.wideNow : clock.now) && next[slot] === due) this.fire(timer, due, slot)
    }
    for (const alarmed of this.alarms) {
      const { node, clock } = alarmed
      const slot = node.wide ? PIPELINE : group
      if ((node.wide ? clock.wideNow : clock.now) && (clock.quiet[slot] as number) <= due) this.ring(alarmed, due, slot)
    }
  }
  private fire(timer: Timed, due: number, slot: number): void {
    const { node, right, every, next, rests } = timer
    next[slot] = due + every
    const boundary = right ? due - 1 : due
    const call = this.meter.dueTimer() ? timer.timed : timer.call
    const members = this.members[slot] as number[]
    if (rests) this.rouse(members)
    const { awake } = node
    for (let i = 0; i < members.length; i++) {
      const code = members[i] as number
      if (awake[code] === 1) call(code, boundary)
    }
  }
  private ring({ node, call }: Alarmed, due: number, slot: number): void {
    const members = this.members[slot] as number[]
    for (let i = 0; i < members.length; i++) {
      const code = members[i] as number
      if ((node.alarms[code] as number) <= due) call(code, due)
    }
  }

  /** Whoever was told something since timers last looked is not idle any more. */
  private rouse(members: readonly number[]): void {
    const { dirty } = this.network
    for (let i = 0; i < members.length; i++) {
      const code = members[i] as number
      if (((dirty[code] as number) & TOLD) === 0) continue
      dirty[code] = (dirty[code] as number) & ~TOLD
      for (const { awake } of this.sleepers) awake[code] = 1
    }
  }

  private alarmOf(node: Running, code: number): number {
    const { alarm } = node.planned.operator
    if (alarm === undefined || this.network.isBroken(node, code)) return ALWAYS
    const at = (alarm.at as unknown as (state: State) => number)(this.network.stateOf(node, code))
    // no time is before or after it: nothing else would be due again
    if (Number.isNaN(at)) throw new Error('its alarm must be a time, or Infinity for never, found NaN')
    return at
  }
  setAlarm(node: Running, code: number): void {
    const at = this.alarmOf(node, code)
    if (at === node.alarms[code]) return
    node.alarms[code] = at
    const clock = this.clockOf.get(node)
    const group = node.wide ? PIPELINE : (this.network.groups[code] as number)
    const mark = clock?.watermarks.mark[group] ?? NEVER
    if (clock === undefined) return
    clock.quiet[group] = Math.min(clock.quiet[group] as number, at)
    if (mark !== NEVER) clock.due[group] = Math.min(clock.due[group] as number, Math.max(at, mark + 1))
  }

  /** At the start and after a restore: works out what is not kept because it follows from what is. */
  resume(): void {
    for (const members of this.members) members.length = 0
    for (const { awake } of this.network.nodes) awake.fill(1)
    for (let code = 0; code < this.network.keys.length; code++)
      this.members[this.network.groups[code] as number]?.push(code)
    for (const { node } of this.alarms)
      for (let code = 0; code < this.network.keys.length; code++)
        if (node.wide ? code === 0 : code > 0) this.setAlarm(node, code)
    for (const clock of this.clocks)
      for (let group = 0; group <= KEY_GROUPS; group++)
        if (clock.watermarks.mark[group] === NEVER) clock.due[group] = NEVER
        else this.begin(clock, group, clock.watermarks.mark[group] as number)
  }
}
