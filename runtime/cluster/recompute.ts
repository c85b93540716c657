import type { Log } from '../log/log.ts'
import type { Plan } from '../plan.ts'
import { type ReplayOptions, type ReplayResult, replay } from '../replay.ts'

/**
 * Recomputes all that a version committed of a stage: in several stretches where it was promoted away and back, up to the
 * first difference.
 */
export async function recompute(plan: Plan, log: Log, stage: ReplayOptions): Promise<readonly ReplayResult[]> {
  const { after: _after, ...rest } = stage
  const stretches: ReplayResult[] = []
  for (let next = stage; ; ) {
    const stretch = await replay(plan, log, next)
    if (stretch.records > 0 || stretches.length === 0) stretches.push(stretch)
    const { to } = stretch.commits
    if (!stretch.equal || to >= stretch.held.last) return stretches
    next = { ...rest, beyond: to }
  }
}
