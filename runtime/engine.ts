import { TidegateError } from '../schemas/errors.ts'
import type { Frame } from '../schemas/frame.ts'
import { rowReader } from '../schemas/frame_reader.ts'
import { FeedEvent, Gap, Heartbeat, Invalid } from '../schemas/market.ts'
import { type BindingName, Compiled } from './compiled.ts'
import type { State } from './define.ts'
import { closeKernels, type Kernel, Kernels, openKernels } from './kernels.ts'
import { KEY_GROUPS } from './key_groups.ts'
import { Meter, type Metering, type NodeMetrics } from './meter.ts'
import { Network, type Running, TOLD, WHOLE } from './network.ts'
import { type Execution, Passes } from './passes.ts'
import type { Plan, PlannedSource } from './plan.ts'
import { Schedule } from './schedule.ts'
import type { Watch } from './watch.ts'
import { MAX_JUMP, SourceTimes } from './watermarks.ts'

const NEVER = Number.NEGATIVE_INFINITY
const isTime = (at: number): boolean => Number.isSafeInteger(at) && at >= 0

/** The meaning of a plan has two executions that agree bit for bit: one to read, one to run. */
export type ExecutionName = 'interpret' | 'compile'
export interface EngineOptions {
  /** Compiled unless named, or unless every message is watched or the process refuses generated code. */
  readonly execution?: ExecutionName | undefined
  /** The opened kernels of the plan, by node. */
  readonly kernels?: ReadonlyMap<string, Kernel>
  /** Called when the engine is closed. */
  readonly closed?: () => void
  /** How a program is bound to what it works on: `fixed` unless named. */
  readonly binding?: BindingName | undefined
  /** Measures the time of nodes on a sample of rows and timers. */
  readonly metering?: Metering | undefined
}
const timesOf = ({ sources }: Plan): SourceTimes =>
  new SourceTimes(
    sources.map((s) => s.lateness),
    sources.map((s) => s.passive === true),
  )

/** A piece of work that may have to wait for kernels: it yields where one is asked. */
type Work = Generator<void, void, void>

/**
 * Runs a plan. Rows enter one at a time, however frames are cut. Before a row that moves event time, everything due runs
 * (schedule.ts); then the row is sent, and what follows from it happens before the next: passes.ts says how, and a
 * compiled program does the same in one loop (compile/). Where kernels are asked, everything waits until they answered.
 */
export class Engine {
  readonly plan: Plan
  readonly network: Network
  readonly times: SourceTimes
  readonly schedule: Schedule
  readonly execution: ExecutionName
  /** Where a kernel answers with a promise: nothing may be handed in before this one is kept. */
  waiting: Promise<void> | undefined
  readonly counts = { rows: 0, late: 0, invalid: 0, gaps: 0, failed: 0 }
  /** Per source how many rows it has given, of any kind and of its own, and whether it has ended: where a restart goes on. */
  readonly taken: readonly { rows: number; data: number; ended: boolean }[]
  private readonly watch: Watch
  private readonly passes: Passes
  private readonly compiled: Compiled | undefined
  private readonly kernels: Kernels
  private readonly meter: Meter
  private readonly downstream: readonly (readonly Running[])[]
  private readonly closed: () => void
  private readonly sourceIndex: ReadonlyMap<string, number>

  constructor(plan: Plan, watch: Watch = {}, options: EngineOptions = {}) {
    this.plan = plan
    widen(plan)
    this.watch = watch
    this.closed = options.closed ?? (() => {})
    this.network = new Network(plan)
    this.times = timesOf(plan)
    this.taken = plan.sources.map(() => ({ rows: 0, data: 0, ended: false }))
    this.sourceIndex = new Map(plan.sources.map((s, i) => [s.id, i]))
    this.downstream = plan.sources.map((s) => this.reachable([s.id, `${s.id}.late`]))
    this.kernels = new Kernels(this.network, options.kernels ?? new Map(), {
      answer: (node, code, at, value) => this.runner(code).answer(node, code, at, value),
      failed: (node, code, at, cause) => this.failed(node, code, at, cause),
    })
    const hooks = {
      alarmed: (node: Running, code: number) => this.schedule.setAlarm(node, code),
      failed: (node: Running, code: number, at: number, cause: unknown) => this.failed(node, code, at, cause),
      ask: (node: Running, code: number, at: number, value: unknown) => this.kernels.ask(node, code, at, value),
    }
    this.meter = new Meter(this.network, options.metering)
    this.passes = new Passes(this.network, watch, hooks, this.meter)
    const watched = watch.message !== undefined || watch.answer !== undefined || watch.strict === true
    if (watched && options.execution === 'compile')
      throw new TidegateError(
        'USAGE',
        'a compiled program does not tell every message: expected execution interpret, or none',
      )
    this.compiled =
      options.execution === 'interpret' || watched
        ? undefined
        : Compiled.of(this.network, {
            hooks,
            passes: this.passes,
            kernels: this.kernels,
            times: this.times,
            binding: options.binding ?? 'fixed',
          })
    this.execution = this.compiled === undefined ? 'interpret' : 'compile'
    if (this.compiled === undefined && options.execution === 'compile')
      throw new TidegateError(
        'USAGE',
        'execution compile: this process refuses generated code (--disallow-code-generation-from-strings); expected interpret',
      )
    const hears = (node: Running) => [...plan.sources.keys()].filter((s) => this.downstream[s]?.includes(node))
    const { kernels, meter, passes, compiled } = this
    this.schedule = new Schedule(this.network, this.times, hears, passes, () => kernels.settled(), meter)
    compiled?.link(this.schedule)
    this.resume()
  }

  /** Who runs the passes of a key. */
  private runner(code: number): Execution {
    return this.compiled === undefined || this.network.troubled[code] === 1 || this.meter.on
      ? this.passes
      : this.compiled
  }

  // ---- input ------------------------------------------------------------------------------------

  /** Takes rows of a frame, one after the other; all of them unless a stretch is named. */
  frame(frame: Frame, from = 0, to = frame.rows, origin = frame.origin): void {
    const source = this.sourceIndex.get(origin) ?? -1
    const planned = this.plan.sources[source]
    if (planned === undefined)
      throw new TidegateError('BINDING_INVALID', `no source "${origin}" in pipeline ${this.plan.pipeline}`, { origin })
    const { output } = planned.component
    if (frame.kind === output.kind) {
      if (this.kernels.any) this.drive(this.rowsWork(source, frame, from, to))
      else this.rows(source, frame, from, to)
      return
    }
    if (frame.kind === Gap.kind) {
      const read = rowReader(Gap)
      this.drive(this.each(frame, from, to, (key, at, i) => this.gapWork(source, key, at, read(frame, i) as Gap)))
      return
    }
    if (frame.kind === Invalid.kind || frame.kind === FeedEvent.kind) {
      const [kind, port] = frame.kind === Invalid.kind ? [Invalid, 'invalid' as const] : [FeedEvent, 'event' as const]
      const read = rowReader(kind)
      this.drive(this.each(frame, from, to, (key, at, i) => this.asideWork(source, port, key, at, read(frame, i))))
      return
    }
    if (frame.kind !== Heartbeat.kind)
      throw new TidegateError('BINDING_INVALID', `source "${origin}" gives ${output.kind}, found ${frame.kind}`, {
        origin,
      })
    const read = rowReader(Heartbeat)
    this.drive(
      this.each(frame, from, to, (key, at, i) => this.heartbeatWork(source, key, at, read(frame, i) as Heartbeat)),
    )
  }
  row(source: number, key: string, at: number, value: unknown): void {
    if (this.kernels.any) this.drive(this.rowWork(source, key, at, value))
    else this.oneRow(source, key, at, value)
  }
  /** A time without a message; the end of a finite input is one of them. `*` stands for every key of the source. */
  heartbeat(source: number, key: string, at: number, value: Heartbeat): void {
    this.drive(this.heartbeatWork(source, key, at, value))
  }
  gap(source: number, key: string, at: number, value: Gap): void {
    this.drive(this.gapWork(source, key, at, value))
  }

  /** What a source says beside its rows that is neither time nor a gap. */
  aside(source: number, port: 'invalid' | 'event', key: string, at: number, value: Invalid | FeedEvent): void {
    this.drive(this.asideWork(source, port, key, at, value))
  }

  /** Does work to its end; kernels answer where it yields. */
  private drive(work: Work): void {
    if (this.waiting !== undefined) throw new Error('a kernel is still at work: wait for `engine.waiting` first')
    while (!work.next().done) {
      const answers = this.kernels.running ?? this.kernels.run()
      if (answers === undefined) continue
      this.waiting = answers.then(() => {
        this.waiting = undefined
        this.drive(work)
        return this.waiting
      })
      return
    }
  }
  private *each(frame: Frame, from: number, to: number, one: (key: string, at: number, row: number) => Work): Work {
    for (let i = from; i < to; i++) yield* one(frame.keys[frame.key[i] as number] as string, frame.at[i] as number, i)
  }

  // ---- rows ---------------------------------------------------------------------------------------

  /** Rows of the source's own kind: the compiled loop takes all it can, and leaves the others to be taken one by one. */
  private rows(source: number, frame: Frame, from: number, to: number): void {
    for (let i = from; i < to; ) {
      i = this.stride(source, frame, i, to)
      if (i === to) return
      this.slowRow(source, frame, i)
      this.compiled?.learn(source, frame, i)
      i++
    }
  }
  private *rowsWork(source: number, frame: Frame, from: number, to: number): Work {
    const read = rowReader((this.plan.sources[source] as PlannedSource).component.output)
    for (let i = from; i < to; ) {
      i = this.stride(source, frame, i, to)
      if (this.kernels.busy) yield
      if (i === to) return
      this.meter.begin()
      yield* this.rowWork(source, frame.keys[frame.key[i] as number] as string, frame.at[i] as number, read(frame, i))
      this.meter.end()
      this.compiled?.learn(source, frame, i)
      i++
    }
  }
  /** Runs the compiled loop from a row on; gives the first row it left. */
  private stride(source: number, frame: Frame, from: number, to: number): number {
    if (this.compiled === undefined) return from
    const end = this.meter.stretch(from, to)
    const next = this.compiled.rows(source, frame, from, end)
    const count = next - from
    this.counts.rows += count
    const taken = this.taken[source] as { rows: number; data: number }
    taken.rows += count
    taken.data += count
    this.meter.took(count)
    return next
  }
  private slowRow(source: number, frame: Frame, i: number): void {
    const { output } = (this.plan.sources[source] as PlannedSource).component
    this.meter.begin()
    this.oneRow(
      source,
      frame.keys[frame.key[i] as number] as string,
      frame.at[i] as number,
      rowReader(output)(frame, i),
    )
    this.meter.end()
  }
  private oneRow(source: number, key: string, at: number, value: unknown): void {
    const code = this.enter(source, key, at)
    if (code < 0) return
    this.schedule.advance(source, this.network.groups[code] as number, at)
    this.sendRow(source, code, at, value)
  }
  private *rowWork(source: number, key: string, at: number, value: unknown): Work {
    const code = this.enter(source, key, at)
    if (code < 0) return
    while (!this.schedule.advance(source, this.network.groups[code] as number, at)) yield
    this.sendRow(source, code, at, value)
    if (this.kernels.busy) yield
  }
  /** Counts a row and the time it tells of; -1 where it is not believed. */
  private enter(source: number, key: string, at: number): number {
    const { network } = this
    const taken = this.taken[source] as { rows: number; data: number }
    if (this.compiled !== undefined) this.compiled.row = 0
    taken.rows++
    taken.data++
    const code = this.code(key)
    const group = network.groups[code] as number
    if (!this.believes(source, group, at)) {
      this.counts.invalid++
      return -1
    }
    this.counts.rows++
    network.soil(code)
    ;(network.heard[source] as Uint8Array)[code] = 1
    this.times.observe(source, group, at)
    return code
  }
  private sendRow(source: number, code: number, at: number, value: unknown): void {
    const { row, late } = this.network.inlets[source] as Network['inlets'][number]
    this.network.soil(code, TOLD)
    const isLate = at < this.reached(source, this.network.groups[code] as number)
    if (isLate) this.counts.late++
    const runner = isLate ? this.passes : this.runner(code)
    runner.send(row, code, at, value, isLate ? late : undefined)
  }

  // ---- time without rows --------------------------------------------------------------------------

  private *heartbeatWork(source: number, key: string, at: number, { end }: Heartbeat): Work {
    ;(this.taken[source] as { rows: number }).rows++
    const all = [...Array(KEY_GROUPS).keys()]
    // first the code: a new key may replace the array of groups
    const code = key === WHOLE ? 0 : this.code(key)
    const groups =
      key === WHOLE ? all.filter((g) => this.times.spoken(source, g)) : [this.network.groups[code] as number]
    const ahead = end ? (this.plan.sources[source] as PlannedSource).lateness : 0
    const believed = groups.filter((group) => this.believes(source, group, at))
    if (!isTime(at) || believed.length < groups.length) this.counts.invalid++
    for (const group of believed) {
      this.times.observe(source, group, at + ahead)
      yield* this.advance(source, group, at)
    }
    if (!end) return
    // what has ended holds nobody up
    for (const group of groups) {
      this.times.disconnect(source, group)
      yield* this.advance(source, group, at)
    }
    ;(this.taken[source] as { ended: boolean }).ended = true
    if (this.taken.every((t) => t.ended)) yield* this.finish(isTime(at) ? at : this.newest())
  }
  private *advance(source: number, group: number, at: number): Work {
    while (!this.schedule.advance(source, group, at)) yield
  }

  private believes(source: number, group: number, at: number): boolean {
    const newest = this.times.newestOf(source, group)
    return isTime(at) && (newest === NEVER || at - newest <= MAX_JUMP)
  }
  /** What is older than this comes late: behind the source's own watermark, or into windows that others have closed. */
  private reached(source: number, group: number): number {
    return Math.max(this.times.watermarkOf(source, group), this.schedule.closed(source, group))
  }
  /** The newest event time of all. */
  newest(): number {
    const all = this.plan.sources.flatMap((_s, s) =>
      [...Array(KEY_GROUPS).keys()].map((g) => this.times.newestOf(s, g)),
    )
    return Math.max(0, ...all)
  }

  private *finish(at: number): Work {
    while (!this.schedule.finish(at)) yield
    for (const node of this.network.nodes) {
      const handler = node.planned.operator.end as unknown as ((state: State, env: unknown) => unknown) | undefined
      if (handler === undefined) continue
      for (let code = node.wide ? 0 : 1; code < (node.wide ? 1 : this.network.keys.length); code++) {
        this.passes.wake(node, code, at, handler)
        if (this.kernels.busy) yield
      }
    }
  }

  private *gapWork(source: number, key: string, at: number, value: Gap): Work {
    ;(this.taken[source] as { rows: number }).rows++
    this.counts.gaps++
    const { network } = this
    const heard = network.heard[source] as Uint8Array
    // by key code: the order in which they were heard is not kept over a restart
    const codes = key === WHOLE ? [...network.keys.keys()].filter((code) => heard[code] === 1) : [this.code(key)]
    for (const code of codes) {
      const group = network.groups[code] as number
      const time = Math.max(isTime(at) ? at : 0, this.times.newestOf(source, group), this.reached(source, group))
      if (value.reason !== 'sequence') this.times.disconnect(source, group)
      for (const node of this.downstream[source] as readonly Running[]) {
        network.applyGap(node, code)
        if (node.planned.operator.on_gap === 'reset') this.schedule.setAlarm(node, node.wide ? 0 : code)
      }
      network.soil(code, TOLD)
      this.passes.send((network.inlets[source] as Network['inlets'][number]).gap, code, time, value)
      if (this.kernels.busy) yield
    }
  }

  /** Moves no time, and is stamped no earlier than what was told before it. */
  private *asideWork(source: number, port: 'invalid' | 'event', key: string, at: number, value: unknown): Work {
    ;(this.taken[source] as { rows: number }).rows++
    if (port === 'invalid') this.counts.invalid++
    const code = key === WHOLE ? 0 : this.code(key)
    const groups = key === WHOLE ? [...Array(KEY_GROUPS).keys()] : [this.network.groups[code] as number]
    const reached = groups.map((g) => Math.max(this.times.newestOf(source, g), this.reached(source, g)))
    this.network.soil(code)
    const edge = (this.network.inlets[source] as Network['inlets'][number])[port]
    this.passes.send(edge, code, Math.max(isTime(at) ? at : 0, ...reached), value)
    if (this.kernels.busy) yield
  }

  // ---- keys, failures, restarts ---------------------------------------------------------------------

  private code(key: string): number {
    const { network } = this
    const before = network.keys.length
    const code = network.keyCode(key)
    if (code === before) this.schedule.enrol(code)
    return code
  }
  private failed(node: Running, code: number, at: number, cause: unknown): void {
    this.counts.failed++
    this.network.leaveOut(node, code)
    const { id, operator } = node.planned
    const row = this.taken.reduce((sum, t) => sum + t.rows, this.compiled?.row ?? 0)
    this.watch.failed?.({ node: id, operator: operator.name, key: this.network.keys[code] as string, at, row, cause })
  }
  /** Nodes that hear of a source through any chain of edges: those a gap of it concerns. */
  private reachable(from: readonly string[]): readonly Running[] {
    const found = new Set<Running>()
    const edges = [...from]
    for (let name = edges.pop(); name !== undefined; name = edges.pop())
      for (const node of this.network.nodes) {
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
    this.network.markTroubled()
    this.schedule.resume()
  }
  /** The program, where there is one. */
  get program(): string | undefined {
    return this.compiled?.text
  }
  /** What each node did in this process. */
  metrics(): readonly NodeMetrics[] {
    return this.meter.metrics()
  }
  /** Gives the program back, warm, to the next engine of the same graph. The engine must not be used again. */
  close(): void {
    this.compiled?.close()
    this.closed()
  }
}

let widened = false
/**
 * V8 compiles programs for the first network and schedule it saw, and drops all of them when a second one shows that
 * their parts are objects of more than one kind. So there is a second one before the first program runs.
 */
function widen(plan: Plan): void {
  if (widened) return
  widened = true
  const network = new Network(plan)
  const idle = { wake: () => {} }
  const times = timesOf(plan)
  const schedule = new Schedule(
    network,
    times,
    () => plan.sources.map((_, s) => s),
    idle,
    () => true,
    new Meter(network, undefined),
  )
  schedule.resume()
}

/** An engine with the kernels of its plan open. @throws KERNEL_FAILED */
export async function openEngine(plan: Plan, watch: Watch = {}, options: EngineOptions = {}): Promise<Engine> {
  const kernels = await openKernels(plan)
  try {
    return new Engine(plan, watch, { ...options, kernels, closed: () => closeKernels(kernels) })
  } catch (cause) {
    closeKernels(kernels)
    throw cause
  }
}

/** The program a plan compiles to, as text. Nothing is opened and nothing runs. */
export function programOf(plan: Plan): string {
  const idle: Kernel = { run: () => new Float64Array(0) }
  const kernels = new Map(plan.nodes.map(({ id }) => [id, idle]))
  const engine = new Engine(plan, {}, { execution: 'compile', kernels })
  const nodes = plan.nodes.map(({ id, operator }) => `//   ${id}: ${operator.name}`)
  const head = `// ${plan.pipeline}, plan ${plan.hash.slice(0, 12)}; nodes in the order they run:\n${nodes.join('\n')}\n`
  return `${head}${engine.program}`
}
