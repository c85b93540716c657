import type { ExecutionName } from '../../runtime/engine.ts'
import { backtest } from '../../runtime/environment/backtest.ts'
import { FirstFailure } from '../../runtime/failure.ts'
import type { Binding, FeedOptions } from '../../runtime/feed.ts'
import type { Plan } from '../../runtime/plan.ts'
import { type RunSummary, Summary } from '../../sinks/summary.ts'
import type { Params } from './vary.ts'

/** What is kept of one variant: the figures of its backtest, without those of single instruments. */
export interface Figures extends Omit<RunSummary, 'positions' | 'exact'> {
  readonly plan: string
  readonly ticks: number
  readonly late: number
  readonly invalid: number
  readonly gaps: number
  readonly outputs: number
  readonly outputs_sha256: string
  readonly execution: ExecutionName
}
export interface Variant extends Figures {
  readonly params: Params
}

/** Backtests one variant; nothing is kept of a row but what the figures need. */
export async function figuresOf(
  plan: Plan,
  bindings: ReadonlyMap<string, Binding>,
  range: FeedOptions,
  progress: (rows: number) => void,
): Promise<Figures> {
  const summary = new Summary()
  const failures = new FirstFailure()
  const result = await backtest(plan, {
    ...range,
    bindings,
    progress,
    output: (row) => summary.add(row),
    watch: { failed: failures.failed },
    // the next variant takes over the program, warm
    binding: 'loose',
  })
  failures.check()
  const { positions: _positions, exact: _exact, ...figures } = summary.result()
  const { nodes: _nodes, failed: _failed, ...counts } = result
  return { plan: plan.hash, ...figures, ...counts }
}
