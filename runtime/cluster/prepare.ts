import { type LettingGo, letGo } from '../log/jetstream/let_go.ts'
import { Records } from '../log/jetstream/records.ts'
import { layout } from '../log/layout.ts'
import { rangesOf } from './feed_name.ts'
import { Leases } from './leases.ts'
import { provideDeadLetters, provideEvents, provideSignals } from './provide.ts'

/**
 * Makes what workers write of a pipeline, so that they need no right to make streams; and removes what commits left behind
 * that are gone, so that they need no right to purge them.
 */
export async function prepare(on: LettingGo, pipeline: string, ranges: number): Promise<void> {
  const { link, log, namespace, replicas } = on
  await provideSignals(link, namespace, pipeline, replicas)
  await provideEvents(link, namespace, replicas)
  await provideDeadLetters(link, namespace, replicas)
  await new Records(link, namespace, replicas).provide()
  const stages = rangesOf(ranges).map((range) => layout.stage(pipeline, range))
  for (const stage of stages) await log.stream(stage)
  await letGo(on, stages)
  await Leases.open(link, namespace, { worker: 'deploy', instance: 'deploy' }, replicas)
}
