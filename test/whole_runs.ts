import type { SourceItem } from '../runtime/connect.ts'
import { Engine, type EngineOptions } from '../runtime/engine.ts'
import { encodeItems } from '../runtime/feed.ts'
import { toJson } from '../runtime/json.ts'
import type { Kernel } from '../runtime/kernels.ts'
import { outputId } from '../runtime/outputs.ts'
import { kindsOf, type Plan, type PlannedSource } from '../runtime/plan.ts'
import { Snapshots } from '../runtime/state/snapshot.ts'
import type { Watch } from '../runtime/watch.ts'
import { decodeFrame } from '../schemas/frame.ts'
import { chanceOf } from '../testing/tapes.ts'

/** The kernels of the toys open at once. */
const kernelsOf = (plan: Plan): ReadonlyMap<string, Kernel> =>
  new Map(
    plan.nodes.flatMap(({ id, operator, params }) =>
      operator.kernel ? [[id, operator.kernel(params as never) as Kernel]] : [],
    ),
  )

/** What a source says, in the order in which everything reaches the engine. */
export interface Event {
  readonly source: number
  readonly item: SourceItem
}

/** Frames of a stretch of events: one per run of a source, ended too where `cut` says so. */
export function framesOf(plan: Plan, events: readonly Event[], cut: (event: number) => boolean): Uint8Array[] {
  const frames: Uint8Array[] = []
  for (let from = 0; from < events.length; ) {
    const { source } = events[from] as Event
    let to = from + 1
    while (to < events.length && events[to]?.source === source && !cut(to)) to++
    const items = events.slice(from, to).map((e) => e.item)
    frames.push(...encodeItems(plan.sources[source] as PlannedSource, items))
    from = to
  }
  return frames
}

/** How an engine may run a plan: all say the same. */
export const executions = {
  interpret: { execution: 'interpret' },
  compile: { execution: 'compile' },
  loose: { execution: 'compile', binding: 'loose' },
  metered: { execution: 'compile', metering: { now: () => 0, rows: 3, timers: 2 } },
} as const satisfies Readonly<Record<string, EngineOptions>>
export type ExecutionName = keyof typeof executions

/** An engine whose recorded outputs are kept as text: id, kind and value, as they are hashed. */
export class Run {
  readonly outputs: string[]
  readonly failures: string[]
  readonly plan: Plan
  readonly engine: Engine
  private readonly execution: ExecutionName
  private readonly snapshots: Snapshots
  private readonly kinds: ReturnType<typeof kindsOf>

  constructor(plan: Plan, outputs: string[] = [], execution: ExecutionName = 'compile', failures: string[] = []) {
    this.plan = plan
    this.execution = execution
    this.kinds = kindsOf(plan)
    this.outputs = outputs
    this.failures = failures
    const watch: Watch = {
      output: (edge, kind) => (key, at, ordinal, value) =>
        this.outputs.push(`${outputId(plan.pipeline, edge, key, at, ordinal)} ${kind.kind} ${toJson(value)}`),
      failed: ({ node, key, at, row }) => this.failures.push(`${node} ${key} ${at} ${row}`),
    }
    this.engine = new Engine(plan, watch, { ...executions[execution], kernels: kernelsOf(plan) })
    this.snapshots = new Snapshots(this.engine)
  }

  take(frames: readonly Uint8Array[]): this {
    for (const bytes of frames) this.engine.frame(decodeFrame(bytes, this.kinds))
    return this
  }
  /** The same where kernels answer later. */
  async takeSlowly(frames: readonly Uint8Array[]): Promise<this> {
    for (const bytes of frames) {
      this.engine.frame(decodeFrame(bytes, this.kinds))
      await this.engine.waiting
    }
    return this
  }
  save(full: boolean): Saved {
    return { bytes: this.snapshots.save(full), keys: [...this.engine.network.keys] }
  }
  /** A fresh engine with what was saved, that goes on writing to the same outputs. */
  restart(saves: readonly Saved[], execution: ExecutionName = this.execution): Run {
    this.engine.close()
    const next = new Run(this.plan, this.outputs, execution, this.failures)
    for (const { bytes, keys } of saves) next.snapshots.load(bytes, keys)
    next.engine.resume()
    return next
  }
  /** How many messages each edge carried since the last restart. */
  sent(): readonly number[] {
    return [...this.engine.network.sent]
  }
  /** Everything that must not depend on cuts and restarts. */
  result() {
    const state = Buffer.from(this.save(true).bytes).toString('base64')
    const { outputs, failures, engine } = this
    engine.close()
    return { outputs, failures, state, counts: { ...engine.counts } }
  }
}

/** One frame an event, interpreted: the meaning of a plan. */
export const meaning = (plan: Plan, events: readonly Event[]): Run =>
  new Run(plan, [], 'interpret').take(framesOf(plan, events, () => true))

/** Compiled, frames cut at random. */
export function cutAnywhere(plan: Plan, events: readonly Event[], seed: number): Run {
  const chance = chanceOf(seed)
  return new Run(plan, [], 'compile').take(framesOf(plan, events, () => chance() < 0.1))
}
/** All a run says, keeps and counts; it is over then. */
export const factsOf = (run: Run) => ({ sent: run.sent(), metrics: run.engine.metrics(), ...run.result() })

/** Cut and restarted at random, from a whole state or from one and the deltas after it; each stretch by an execution that chance names. */
export function restartedAnywhere(
  plan: Plan,
  events: readonly Event[],
  seed: number,
  names: readonly ExecutionName[] = ['compile'],
) {
  const chance = chanceOf(seed)
  const any = () => names[Math.floor(chance() * names.length)] as ExecutionName
  let run = new Run(plan, [], any())
  let saves: Saved[] = []
  for (let from = 0; from < events.length; ) {
    const to = Math.min(events.length, from + 1 + Math.floor(chance() * 30))
    run.take(framesOf(plan, events.slice(from, to), () => chance() < 0.2))
    from = to
    const full = saves.length === 0 || chance() < 0.3
    saves = full ? [run.save(true)] : [...saves, run.save(false)]
    if (chance() < 0.5) run = run.restart(saves, any())
  }
  return run.result()
}
export interface Saved {
  readonly bytes: Uint8Array
  readonly keys: readonly string[]
}
