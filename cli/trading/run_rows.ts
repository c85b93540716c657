import type { Committed } from '../../runtime/define.ts'
import { committed } from '../../runtime/outputs.ts'
import { stageName } from '../../runtime/stage.ts'
import type { StoredRun } from '../stored_run.ts'

/** Every committed row of a run, in the order of its log; works beside a run that is going on. */
export async function* rowsOf({
  plan,
  log,
  stages,
}: Pick<StoredRun, 'plan' | 'log' | 'stages'>): AsyncGenerator<Committed> {
  for (const { name = stageName(plan.pipeline) } of stages) {
    const stream = await log.open(name)
    if (stream !== undefined) yield* committed(plan, stream)
  }
}
