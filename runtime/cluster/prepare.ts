import type { Link } from '../log/jetstream/link.ts'
import { Records } from '../log/jetstream/records.ts'
import { layout } from '../log/layout.ts'
import type { Log } from '../log/log.ts'
import { rangesOf } from './feed_name.ts'
import { Leases } from './leases.ts'
import { provideDeadLetters, provideEvents, provideSignals } from './provide.ts'

/** Makes what workers write of a pipeline, so that they need no right to make streams. */
export async function prepare(
  on: { readonly link: Link; readonly log: Log; readonly namespace: string; readonly replicas: number },
  pipeline: string,
  ranges: number,
): Promise<void> {
  const { link, log, namespace, replicas } = on
  for (const range of rangesOf(ranges)) await log.stream(layout.stage(pipeline, range))
  await provideSignals(link, namespace, pipeline, replicas)
  await provideEvents(link, namespace, replicas)
  await provideDeadLetters(link, namespace, replicas)
  await new Records(link, namespace, replicas).provide()
  await Leases.open(link, namespace, { worker: 'deploy', instance: 'deploy' }, replicas)
}
