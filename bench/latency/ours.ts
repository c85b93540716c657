import { wallClock } from '../../runtime/clock.ts'
import { runFeed } from '../../runtime/cluster/feed.ts'
import { Worker } from '../../runtime/cluster/worker.ts'
import type { SourceItem } from '../../runtime/define.ts'
import type { Link } from '../../runtime/log/jetstream/link.ts'
import { openJetStreamLog } from '../../runtime/log/jetstream/log.ts'
import type { PlannedSource } from '../../runtime/plan.ts'
import { definition, planner } from './pipeline.ts'
import { due, dueAt, type Schedule } from './schedule.ts'
import { KEY, tickOf } from './tick.ts'

/** The ingest process: ticks as they become due, through a feed. */
export async function ingest(link: Link, namespace: string, schedule: Schedule): Promise<void> {
  const { sources } = await planner(definition)
  async function* items(): AsyncGenerator<readonly SourceItem[]> {
    for await (const { from, to } of due(schedule))
      yield Array.from({ length: to - from }, (_, i): SourceItem => {
        const n = from + i
        return { type: 'row', at: dueAt(schedule, n), key: KEY, value: tickOf(n) }
      })
  }
  const log = await openJetStreamLog(link, { namespace })
  const own = { link, log, namespace, replicas: 1, source: sources[0] as PlannedSource, ranges: 1 }
  await runFeed({ ...own, clock: wallClock, random: Math.random, notice() {}, items }, new AbortController().signal)
}

/** The process that runs the pipeline and publishes its signals, until it is told to stop. */
export async function work(link: Link, namespace: string): Promise<void> {
  const log = await openJetStreamLog(link, { namespace })
  const stop = new AbortController()
  process.once('SIGTERM', () => stop.abort())
  const own = { link, log, namespace, name: 'bench', release: 'bench', planner, clock: wallClock, random: Math.random }
  await Worker.run({ ...own, notice: (text) => process.stdout.write(`${text}\n`) }, stop.signal)
}
