import { TidegateError } from '../schemas/errors.ts'
import type { Frame } from '../schemas/frame.ts'
import { rowReader } from '../schemas/frame_reader.ts'
import { Gap, Heartbeat } from '../schemas/market.ts'
import type { State } from './define.ts'
import { KEY_GROUPS, keyGroup } from './key_groups.ts'
import { Passes, type Running, type Watch, WHOLE } from './passes.ts'
import type { Plan, PlannedSource } from './plan.ts'
import { dueAfter, type Tick, timersOf } from './timers.ts'
import { Watermarks } from './watermarks.ts'

/** Rows whose time is further ahead than this of the newest are not believed: one of them would close every window there is. */
const MAX_JUMP = 366 * 86_400e6
const NEVER = Number.NEGATIVE_INFINITY
const isTime = (at: number): boolean => Number.isSafeInteger(at) && at >= 0
/** The slot after the groups: nodes of scope `pipeline` live on the least watermark of all. */
const PIPELINE = KEY_GROUPS

/**
 * The reference execution: the meaning of a plan, spelled out. Slow beside a compiled program, and meant to be read.
 *
 * Rows enter one at a time, however frames are cut. Before a row that moves the watermark, everything due runs: the
 * earlier time first, then the longer period, then the earlier node, then the lower key; alarms after timers.
 */
export class Interpreter {
  readonly plan: Plan
  readonly passes: Passes
  readonly watermarks: Watermarks
  readonly counts = { rows: 0, late: 0, invalid: 0, gaps: 0 }
  /** Per source how many rows of any kind it has given, and whether it has ended: where a restart goes on. */
  readonly taken: readonly { rows: number; ended: boolean }[]
  /** Keys each source has given rows for. */
  readonly heard: readonly Set<number>[]
  private readonly groups: number[] = []
  private readonly members: readonly number[][] = Array.from({ length: KEY_GROUPS + 1 }, (_, group) =>
    group === PIPELINE ? [0] : [],
  )
  private readonly timers: readonly Tick<Running>[]
  private readonly alarms: readonly Running[]
  private readonly due = new Float64Array(KEY_GROUPS + 1).fill(NEVER)
  private readonly downstream: readonly (readonly Running[])[]

  constructor(plan: Plan, watch: Watch = {}) {
    this.plan = plan
    this.passes = new Passes(plan, watch)
    this.watermarks = new Watermarks(plan.sources.map((s) => s.lateness))
    this.timers = timersOf(this.passes.nodes)
    this.alarms = this.passes.nodes.filter((n) => n.planned.operator.alarm !== undefined)
    this.passes.alarmed = (node, code) => this.setAlarm(node, code)
    this.heard = plan.sources.map(() => new Set())
    this.taken = plan.sources.map(() => ({ rows: 0, ended: false }))
    this.downstream = plan.sources.map((s) => this.reachable([s.id, `${s.id}.late`]))
    this.resume()
  }

  // ---- input ------------------------------------------------------------------------------------

  /** Rows of a frame, one after the other; all of them unless a stretch is named. */
  frame(frame: Frame, from = 0, to = frame.rows, origin = frame.origin): void {
    const source = this.plan.sources.findIndex((s) => s.id === origin)
    const planned = this.plan.sources[source]
    if (planned === undefined)
      throw new TidegateError('BINDING_INVALID', `no source "${origin}" in pipeline ${this.plan.pipeline}`, { origin })
    const { output } = planned.component
    const kind = [output, Gap].find((k) => k.kind === frame.kind)
    if (kind === undefined && frame.kind !== Heartbeat.kind)
      throw new TidegateError('BINDING_INVALID', `source "${origin}" gives ${output.kind}, found ${frame.kind}`, {
        origin,
      })
    const read = rowReader(kind ?? Heartbeat)
    for (let i = from; i < to; i++) {
      const key = frame.keys[frame.key[i] as number] as string
      const at = frame.at[i] as number
      if (kind === output) this.row(source, key, at, read(frame, i))
      else if (kind === Gap) this.gap(source, key, at, read(frame, i) as Gap)
      else this.heartbeat(source, key, at, read(frame, i) as Heartbeat)
    }
  }

  row(source: number, key: string, at: number, value: unknown): void {
    this.took(source)
    const code = this.code(key)
    const group = this.groups[code] as number
    if (!this.believes(source, group, at)) {
      this.counts.invalid++
      return
    }
    this.counts.rows++
    this.passes.dirty.add(code)
    this.heard[source]?.add(code)
    this.advance(group, this.watermarks.observe(source, group, at))
    const { id } = this.plan.sources[source] as PlannedSource
    if (at >= (this.watermarks.mark[group] as number)) this.passes.send(id, code, at, value)
    else {
      this.counts.late++
      this.passes.sendLate(id, code, at, value)
      this.passes.send(`${id}.late`, code, at, value)
    }
  }

  /** A time without a message; the end of a finite input is one of them. `*` stands for every key of the source. */
  heartbeat(source: number, key: string, at: number, { end }: Heartbeat): void {
    this.took(source)
    const all = [...Array(KEY_GROUPS).keys()]
    const groups =
      key === WHOLE ? all.filter((g) => this.watermarks.spoken(source, g)) : [this.groups[this.code(key)] as number]
    const ahead = end ? (this.plan.sources[source] as PlannedSource).lateness : 0
    const believed = groups.filter((group) => this.believes(source, group, at))
    if (!isTime(at) || believed.length < groups.length) this.counts.invalid++
    for (const group of believed) this.advance(group, this.watermarks.observe(source, group, at + ahead))
    if (!end) return
    // what has ended holds nobody up
    for (const group of groups) this.watermarks.disconnect(source, group)
    ;(this.taken[source] as { ended: boolean }).ended = true
    if (this.taken.every((t) => t.ended)) this.finish(isTime(at) ? at : Math.max(0, ...this.watermarks.mark))
  }

  private believes(source: number, group: number, at: number): boolean {
    const newest = this.watermarks.newestOf(source, group)
    return isTime(at) && (newest === NEVER || at - newest <= MAX_JUMP)
  }

  private took(source: number): void {
    ;(this.taken[source] as { rows: number }).rows++
  }

  private finish(at: number): void {
    const { mark } = this.watermarks
    for (let group = 0; group < KEY_GROUPS; group++) if (mark[group] !== NEVER) this.advance(group, at)
    for (const node of this.passes.nodes) {
      const handler = node.planned.operator.end as unknown as ((state: State, env: unknown) => unknown) | undefined
      if (handler === undefined) continue
      for (const code of node.wide ? [0] : this.passes.keys.keys())
        if (node.wide || code > 0) this.passes.wake(node, code, at, handler)
    }
  }

  gap(source: number, key: string, at: number, value: Gap): void {
    this.took(source)
    this.counts.gaps++
    // by key code: the order in which they were heard is not kept over a restart
    const codes = key === WHOLE ? [...(this.heard[source] as Set<number>)].sort((a, b) => a - b) : [this.code(key)]
    for (const code of codes) {
      const group = this.groups[code] as number
      const time = Math.max(at, this.watermarks.newestOf(source, group), this.watermarks.mark[group] as number)
      if (value.reason !== 'sequence') this.watermarks.disconnect(source, group)
      for (const node of this.downstream[source] as readonly Running[]) this.applyGap(node, code)
      this.passes.dirty.add(code)
      this.passes.send(`${this.plan.sources[source]?.id}.gap`, code, time, value)
    }
  }

  private applyGap(node: Running, code: number): void {
    const { on_gap, init, each } = node.planned.operator
    const state = this.passes.stateOf(node, code)
    if (on_gap === 'mark') state['gapped'] = true
    if (on_gap !== 'reset') return
    // in place: whoever holds the state object keeps holding the right one
    if (!node.wide) Object.assign(state, init(node.planned.params))
    if (each) Object.assign(node.each[code] as State, each(node.planned.params))
    for (const { edge } of node.outputs) if (edge.newest) edge.newest[code] = undefined
    this.setAlarm(node, code)
  }

  private code(key: string): number {
    const { passes } = this
    const before = passes.keys.length
    const code = passes.keyCode(key)
    if (code === before) this.enrol(code)
    return code
  }
  private enrol(code: number): void {
    const group = keyGroup(this.passes.keys[code] as string)
    this.groups[code] = group
    this.members[group]?.push(code)
    for (const node of this.alarms) if (!node.wide) this.setAlarm(node, code)
  }

  /** Nodes that hear of a source through any chain of edges: those a gap of it concerns. */
  private reachable(from: readonly string[]): readonly Running[] {
    const found = new Set<Running>()
    const edges = [...from]
    for (let name = edges.pop(); name !== undefined; name = edges.pop())
      for (const node of this.passes.nodes) {
        const { inputs, latest } = node.planned
        if (
          found.has(node) ||
          !(Object.values(inputs).some((e) => e.includes(name)) || Object.values(latest).includes(name))
        )
          continue
        found.add(node)
        edges.push(...node.outputs.map((o) => o.edge.name))
      }
    return [...found].sort((a, b) => a.index - b.index)
  }

  // ---- time ---------------------------------------------------------------------------------------

  private advance(group: number, to: number): void {
    this.turn(group, to)
    const least = this.watermarks.least()
    if (least > (this.watermarks.mark[PIPELINE] as number)) this.turn(PIPELINE, least)
  }

  /** Moves a watermark, running all that is due on the way. */
  private turn(group: number, to: number): void {
    const { mark } = this.watermarks
    if (to <= (mark[group] as number)) return
    // nothing was before the first row, so nothing is due before it
    if (mark[group] === NEVER) {
      mark[group] = to
      this.due[group] = this.nextDue(group)
    }
    while ((this.due[group] as number) <= to) {
      const at = this.due[group] as number
      mark[group] = at
      this.due[group] = Number.POSITIVE_INFINITY
      this.runDue(group, at)
      this.due[group] = this.nextDue(group)
    }
    mark[group] = to
  }

  /** The next time something is due; always after the watermark, up to which everything has run. */
  private nextDue(group: number): number {
    const wide = group === PIPELINE
    const from = this.watermarks.mark[group] as number
    let next = Number.POSITIVE_INFINITY
    for (const timer of this.timers) if (timer.node.wide === wide) next = Math.min(next, dueAfter(timer, from))
    for (const node of this.alarms)
      if (node.wide === wide)
        for (const code of this.members[group] as number[])
          next = Math.min(next, Math.max(node.alarms[code] as number, from + 1))
    return next
  }

  private runDue(group: number, due: number): void {
    const wide = group === PIPELINE
    const codes = [...(this.members[group] as number[])]
    for (const timer of this.timers) {
      const boundary = timer.right ? due - 1 : due
      if (timer.node.wide !== wide || boundary % timer.every !== 0) continue
      for (const code of codes)
        this.passes.wake(timer.node, code, boundary, (state, env) => timer.fire(state, boundary, env))
    }
    for (const node of this.alarms) {
      if (node.wide !== wide) continue
      const fire = node.planned.operator.alarm?.fire as unknown as (state: State, at: number, env: unknown) => unknown
      for (const code of codes) {
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
  private setAlarm(node: Running, code: number): void {
    const at = this.alarmOf(node, code)
    if (at === node.alarms[code]) return
    node.alarms[code] = at
    const group = node.wide ? PIPELINE : (this.groups[code] as number)
    const mark = this.watermarks.mark[group] as number
    if (mark !== NEVER) this.due[group] = Math.min(this.due[group] as number, Math.max(at, mark + 1))
  }

  /** At the start and after a restore: works out what is not kept because it follows from what is. */
  resume(): void {
    for (let code = this.groups.length || 1; code < this.passes.keys.length; code++) this.enrol(code)
    for (const node of this.alarms)
      for (const code of node.wide ? [0] : this.passes.keys.keys()) if (node.wide || code > 0) this.setAlarm(node, code)
    for (let group = 0; group <= KEY_GROUPS; group++)
      this.due[group] = this.watermarks.mark[group] === NEVER ? NEVER : this.nextDue(group)
  }
}
