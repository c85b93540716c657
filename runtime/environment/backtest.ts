import type { BindingName } from '../compiled.ts'
import type { Committed } from '../connect.ts'
import { type ExecutionName, openEngine } from '../engine.ts'
import { type Binding, type FeedOptions, merged } from '../feed.ts'
import type { NodeMetrics } from '../meter.ts'
import { OutputHash } from '../output_hash.ts'
import { hashing } from '../outputs.ts'
import type { Plan } from '../plan.ts'
import type { Watch } from '../watch.ts'
import { metering } from './metering.ts'

export interface BacktestOptions extends FeedOptions {
  readonly bindings: ReadonlyMap<string, Binding>
  /** Every recorded output, as it is emitted. */
  readonly output?: (row: Committed) => void
  readonly watch?: Watch
  readonly execution?: ExecutionName | undefined
  readonly binding?: BindingName | undefined
  /** Called between frames with the rows so far and the event time reached. */
  readonly progress?: (rows: number, at: number) => void
}
export interface BacktestResult {
  readonly ticks: number
  readonly late: number
  readonly invalid: number
  readonly gaps: number
  readonly outputs: number
  readonly outputs_sha256: string
  /** How often a node threw: it was left out for that key from then on. */
  readonly failed: number
  readonly execution: ExecutionName
  readonly nodes: readonly NodeMetrics[]
}

/** Runs a plan over recorded or generated data as fast as it goes, in memory: nothing is kept but what `output` keeps. */
export async function backtest(plan: Plan, options: BacktestOptions): Promise<BacktestResult> {
  const hash = new OutputHash(plan)
  const watch = { ...options.watch, output: hashing(plan, hash, options.output) }
  const engine = await openEngine(plan, watch, { execution: options.execution, binding: options.binding, metering })
  try {
    for (const { source, frame, from, to } of merged(plan, options.bindings, options)) {
      engine.frame(frame, from, to, plan.sources[source]?.id)
      if (engine.waiting !== undefined) await engine.waiting
      options.progress?.(engine.counts.rows, frame.last)
    }
    const { rows, late, invalid, gaps, failed } = engine.counts
    const outputs = { outputs: hash.rows, outputs_sha256: hash.digest() }
    return {
      ticks: rows,
      late,
      invalid,
      gaps,
      failed,
      ...outputs,
      execution: engine.execution,
      nodes: engine.metrics(),
    }
  } finally {
    engine.close()
  }
}
