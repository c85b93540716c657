import type { ExecutionName } from '../engine.ts'
import { layout, type Range } from '../log/layout.ts'
import type { Log } from '../log/log.ts'
import type { Plan } from '../plan.ts'
import { type Difference, replay } from '../replay.ts'
import type { Pointer } from './definitions.ts'
import { inputsOf } from './stage_task.ts'

export interface FollowOptions {
  /** What recomputes. */
  readonly plan: Plan
  /** What committed. */
  readonly live: Plan
  readonly pointer: Pointer
  readonly range: Range
  readonly log: Log
  /** The commit whose state to begin with. */
  readonly after: number | undefined
  readonly keep: readonly string[]
  readonly execution?: ExecutionName | undefined
  readonly different: (difference: Difference, commit: number) => void
  readonly compared?: (commit: number) => void
}

/**
 * Recomputes the commits of a range as they come: with the plan that made them it is the audit, with another one the
 * shadow. Ends when the signal aborts or another plan goes on.
 */
export async function follow(options: FollowOptions, signal: AbortSignal): Promise<void> {
  const { plan, live, pointer, range, log, keep } = options
  await replay(plan, log, {
    inputs: await inputsOf(live, pointer, range, log),
    name: layout.stage(plan.pipeline, range),
    ...(options.after !== undefined && { after: options.after }),
    execution: options.execution,
    committedBy: live,
    keep,
    follow: signal,
    different: options.different,
    ...(options.compared && { compared: options.compared }),
  })
}
