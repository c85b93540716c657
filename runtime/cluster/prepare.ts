import type { Link } from '../log/jetstream/link.ts'
import { Records } from '../log/jetstream/records.ts'
import { layout, subjectOfLog } from '../log/layout.ts'
import type { Log } from '../log/log.ts'
import { rangesOf } from './feed_name.ts'
import { Leases } from './leases.ts'
import { provideDeadLetters, provideEvents, provideSignals } from './provide.ts'

/**
 * Makes what workers write of a pipeline, so that they need no right to make streams; and removes what commits left behind
 * that are gone, so that they need no right to purge them.
 */
export async function prepare(
  on: { readonly link: Link; readonly log: Log; readonly namespace: string; readonly replicas: number },
  pipeline: string,
  ranges: number,
): Promise<void> {
  const { link, log, namespace, replicas } = on
  await provideSignals(link, namespace, pipeline, replicas)
  await provideEvents(link, namespace, replicas)
  await provideDeadLetters(link, namespace, replicas)
  const records = new Records(link, namespace, replicas)
  await records.provide()
  for (const range of rangesOf(ranges)) {
    const stage = await log.stream(layout.stage(pipeline, range))
    const { first } = await stage.state()
    if (first > 1) await records.release(subjectOfLog(namespace, stage.name), first)
  }
  await Leases.open(link, namespace, { worker: 'deploy', instance: 'deploy' }, replicas)
}
