import type { SourceItem } from '../runtime/connect.ts'
import { encodeItems } from '../runtime/feed.ts'
import { Interpreter } from '../runtime/interpret.ts'
import { toJson } from '../runtime/json.ts'
import { outputId } from '../runtime/outputs.ts'
import type { Plan, PlannedSource } from '../runtime/plan.ts'
import { Snapshots } from '../runtime/state/snapshot.ts'
import { decodeFrame } from '../schemas/frame.ts'
import { kinds } from '../schemas/kinds.ts'

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

/** An engine whose recorded outputs are kept as text: id, kind and value, as they are hashed. */
export class Run {
  readonly outputs: string[]
  readonly plan: Plan
  readonly engine: Interpreter
  private readonly snapshots: Snapshots

  constructor(plan: Plan, outputs: string[] = []) {
    this.plan = plan
    this.outputs = outputs
    this.engine = new Interpreter(plan, {
      output: (edge, kind, key, at, ordinal, value) =>
        this.outputs.push(`${outputId(plan.pipeline, edge, key, at, ordinal)} ${kind.kind} ${toJson(value)}`),
    })
    this.snapshots = new Snapshots(this.engine)
  }

  take(frames: readonly Uint8Array[]): this {
    for (const bytes of frames) this.engine.frame(decodeFrame(bytes, kinds))
    return this
  }
  save(full: boolean): Saved {
    return { bytes: this.snapshots.save(full), keys: [...this.engine.passes.keys] }
  }
  /** A fresh engine with what was saved, that goes on writing to the same outputs. */
  restart(saves: readonly Saved[]): Run {
    const next = new Run(this.plan, this.outputs)
    for (const { bytes, keys } of saves) next.snapshots.load(bytes, keys)
    next.engine.resume()
    return next
  }
  /** Everything that must not depend on cuts and restarts. */
  result(): { outputs: readonly string[]; state: string; counts: unknown } {
    const state = Buffer.from(this.save(true).bytes).toString('base64')
    return { outputs: this.outputs, state, counts: { ...this.engine.counts } }
  }
}
export interface Saved {
  readonly bytes: Uint8Array
  readonly keys: readonly string[]
}
