import type { Committed } from '../connect.ts'
import { type Binding, type FeedOptions, merged } from '../feed.ts'
import { Interpreter } from '../interpret.ts'
import { hashing, OutputHash } from '../outputs.ts'
import type { Watch } from '../passes.ts'
import type { Plan } from '../plan.ts'

export interface BacktestOptions extends FeedOptions {
  readonly bindings: ReadonlyMap<string, Binding>
  /** Every recorded output, as it is emitted. */
  readonly output?: (row: Committed) => void
  readonly watch?: Watch
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
}

/** Runs a plan over recorded or generated data as fast as it goes, in memory: nothing is kept but what `output` keeps. */
export function backtest(plan: Plan, options: BacktestOptions): BacktestResult {
  const hash = new OutputHash()
  const engine = new Interpreter(plan, { ...options.watch, output: hashing(plan, hash, options.output) })
  for (const { source, frame, from, to } of merged(plan, options.bindings, options)) {
    engine.frame(frame, from, to, plan.sources[source]?.id)
    options.progress?.(engine.counts.rows, frame.last)
  }
  const { rows, late, invalid, gaps } = engine.counts
  return { ticks: rows, late, invalid, gaps, outputs: hash.rows, outputs_sha256: hash.digest() }
}
