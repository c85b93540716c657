import { TidegateError } from '../schemas/errors.ts'
import type { Frame } from '../schemas/frame.ts'
import { rowReader } from '../schemas/frame_reader.ts'
import { Gap, Heartbeat } from '../schemas/market.ts'
import type { State } from './define.ts'
import { KEY_GROUPS } from './key_groups.ts'
import { Passes, type Running, type Watch, WHOLE } from './passes.ts'
import type { Plan, PlannedSource } from './plan.ts'
import { Schedule } from './schedule.ts'
import { SourceTimes } from './watermarks.ts'

/** Rows whose time is further ahead than this of the newest are not believed: one of them would close every window there is. */
const MAX_JUMP = 366 * 86_400e6
const NEVER = Number.NEGATIVE_INFINITY
const isTime = (at: number): boolean => Number.isSafeInteger(at) && at >= 0

/**
 * The reference execution: the meaning of a plan, spelled out. Slow beside a compiled program, and meant to be read.
 *
 * Rows enter one at a time, however frames are cut. Before a row that moves event time, everything due runs (schedule.ts);
 * then the row is sent, and what follows from it happens before the next (passes.ts).
 */
export class Interpreter {
  readonly plan: Plan
  readonly passes: Passes
  readonly times: SourceTimes
  readonly schedule: Schedule
  readonly counts = { rows: 0, late: 0, invalid: 0, gaps: 0 }
  /** Per source how many rows it has given, of any kind and of its own, and whether it has ended: where a restart goes on. */
  readonly taken: readonly { rows: number; data: number; ended: boolean }[]
  /** Keys each source has given rows for. */
  readonly heard: readonly Set<number>[]
  private readonly downstream: readonly (readonly Running[])[]

  constructor(plan: Plan, watch: Watch = {}) {
    this.plan = plan
    this.passes = new Passes(plan, watch)
    this.times = new SourceTimes(plan.sources.map((s) => s.lateness))
    this.heard = plan.sources.map(() => new Set())
    this.taken = plan.sources.map(() => ({ rows: 0, data: 0, ended: false }))
    this.downstream = plan.sources.map((s) => this.reachable([s.id, `${s.id}.late`]))
    const hears = (node: Running) => [...plan.sources.keys()].filter((s) => this.downstream[s]?.includes(node))
    this.schedule = new Schedule(this.passes, this.times, plan.sources.length, hears)
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
    ;(this.taken[source] as { data: number }).data++
    const code = this.code(key)
    const group = this.schedule.groupOf(code)
    if (!this.believes(source, group, at)) {
      this.counts.invalid++
      return
    }
    this.counts.rows++
    this.passes.dirty.add(code)
    this.heard[source]?.add(code)
    this.advance(source, group, at)
    const { id } = this.plan.sources[source] as PlannedSource
    if (at >= this.reached(source, group)) this.passes.send(id, code, at, value)
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
      key === WHOLE ? all.filter((g) => this.times.spoken(source, g)) : [this.schedule.groupOf(this.code(key))]
    const ahead = end ? (this.plan.sources[source] as PlannedSource).lateness : 0
    const believed = groups.filter((group) => this.believes(source, group, at))
    if (!isTime(at) || believed.length < groups.length) this.counts.invalid++
    for (const group of believed) this.advance(source, group, at, ahead)
    if (!end) return
    // what has ended holds nobody up
    for (const group of groups) {
      this.times.disconnect(source, group)
      this.schedule.advance(source, group, at)
    }
    ;(this.taken[source] as { ended: boolean }).ended = true
    if (this.taken.every((t) => t.ended)) this.finish(isTime(at) ? at : this.newest())
  }

  private believes(source: number, group: number, at: number): boolean {
    const newest = this.times.newestOf(source, group)
    return isTime(at) && (newest === NEVER || at - newest <= MAX_JUMP)
  }

  private took(source: number): void {
    ;(this.taken[source] as { rows: number }).rows++
  }

  private advance(source: number, group: number, at: number, ahead = 0): void {
    this.times.observe(source, group, at + ahead)
    this.schedule.advance(source, group, at)
  }
  /** What is older than this comes late: behind the source's own watermark, or into windows that others have closed. */
  private reached(source: number, group: number): number {
    return Math.max(this.times.watermarkOf(source, group), this.schedule.closed(source, group))
  }
  private newest(): number {
    const all = this.plan.sources.flatMap((_s, s) =>
      [...Array(KEY_GROUPS).keys()].map((g) => this.times.newestOf(s, g)),
    )
    return Math.max(0, ...all)
  }

  private finish(at: number): void {
    this.schedule.finish(at)
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
      const group = this.schedule.groupOf(code)
      const time = Math.max(isTime(at) ? at : 0, this.times.newestOf(source, group), this.reached(source, group))
      if (value.reason !== 'sequence') this.times.disconnect(source, group)
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
    this.schedule.setAlarm(node, code)
  }

  private code(key: string): number {
    const { passes } = this
    const before = passes.keys.length
    const code = passes.keyCode(key)
    if (code === before) this.schedule.enrol(code)
    return code
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

  /** At the start and after a restore. */
  resume(): void {
    this.schedule.resume()
  }
}
