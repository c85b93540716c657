import { DeliverPolicy } from '@nats-io/jetstream'
import { wallClock } from '../../runtime/clock.ts'
import { runFeed } from '../../runtime/cluster/feed.ts'
import { Worker } from '../../runtime/cluster/worker.ts'
import type { SourceItem } from '../../runtime/define.ts'
import { type Link, openLink } from '../../runtime/log/jetstream/link.ts'
import { openJetStreamLog } from '../../runtime/log/jetstream/log.ts'
import { eventNow, type Shared } from './clock.ts'
import { definition, planner } from './pipeline.ts'
import { due, dueAt, type Schedule } from './schedule.ts'

const KEY = 'bench:BTCUSDT'
const trade = (n: number) => ({ price: 60_000 + (n % 100), size: 1, side: 0, id: n })

/** The ingest process of ours: ticks as they become due, through a feed. */
async function ingest(link: Link, namespace: string, schedule: Schedule): Promise<void> {
  const plan = await planner(definition)
  async function* items(): AsyncGenerator<readonly SourceItem[]> {
    for await (const { from, to } of due(schedule))
      yield Array.from({ length: to - from }, (_, i): SourceItem => {
        const n = from + i
        return { type: 'row', at: dueAt(schedule, n), key: KEY, value: trade(n) }
      })
  }
  const log = await openJetStreamLog(link, { namespace })
  const own = { link, log, namespace, replicas: 1, source: plan.sources[0] as never, ranges: 1 }
  await runFeed({ ...own, clock: wallClock, random: Math.random, notice() {}, items }, new AbortController().signal)
}
/** The process of ours that runs the pipeline and publishes its signals. */
async function work(link: Link, namespace: string): Promise<void> {
  const log = await openJetStreamLog(link, { namespace })
  const own = { link, log, namespace, name: 'bench', release: 'bench', planner, clock: wallClock, random: Math.random }
  await Worker.run({ ...own, notice: (text) => process.stdout.write(`${text}\n`) }, new AbortController().signal)
}

/** The first hop of the relay: each tick a message of about the length of a signal. */
async function publishTicks(link: Link, schedule: Schedule): Promise<void> {
  const open = new Set<Promise<unknown>>()
  for await (const { from, to } of due(schedule))
    for (let n = from; n < to; n++) {
      const data = new TextEncoder().encode(
        JSON.stringify({ at: dueAt(schedule, n), ...trade(n), pad: 'x'.repeat(300) }),
      )
      const sent = link.js.publish('relay.a', data).finally(() => open.delete(sent))
      open.add(sent)
      if (open.size >= 1000) await Promise.race(open)
    }
  await Promise.all(open)
}
/** The other hops: what stands in one stream is published to the next. */
async function relay(link: Link): Promise<void> {
  const hop = async (from: string, to: string) => {
    const consumer = await link.js.consumers.get(from, { deliver_policy: DeliverPolicy.New })
    const messages = await consumer.consume({ max_messages: 1000, expires: 2000, idle_heartbeat: 500 })
    process.stdout.write(`took ${to}\n`)
    const open = new Set<Promise<unknown>>()
    for await (const { data } of messages) {
      const sent = link.js.publish(to, data).finally(() => open.delete(sent))
      open.add(sent)
      if (open.size >= 1000) await Promise.race(open)
    }
  }
  await Promise.all([hop('relay_a', 'relay.b'), hop('relay_b', 'relay.c')])
}

/** Listens on a subject, and tells when each message came after it was due. */
async function subscribe(link: Link, subject: string, clock: Shared, count: number, warm: number): Promise<void> {
  const latencies = new Float64Array(count)
  let seen = 0
  const done = new Promise<void>((resolve) => {
    link.nc.subscribe(subject, {
      callback(_error, message) {
        const now = eventNow(clock)
        // only the due time is read: parsing whole messages would measure the subscriber
        const at = Number(/"at":(\d+)/.exec(message.string())?.[1])
        latencies[seen++] = now - at
        if (seen === count) resolve()
      },
    })
  })
  await link.nc.flush()
  process.stdout.write('listening\n')
  await Promise.race([done, new Promise((resolve) => setTimeout(resolve, 40_000))])
  const sorted = latencies.subarray(warm, seen).slice().sort()
  const at = (share: number) =>
    (sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN) / 1000
  process.stdout.write(`${JSON.stringify({ count: seen, p50: at(0.5), p99: at(0.99), p999: at(0.999) })}\n`)
}

const [role = '', servers = '', json = '{}'] = process.argv.slice(2)
const options = JSON.parse(json) as {
  namespace: string
  subject: string
  warm: number
  schedule: Schedule
}
const link = await openLink({ servers, name: role })
if (role === 'ingest') await ingest(link, options.namespace, options.schedule)
else if (role === 'worker') await work(link, options.namespace)
else if (role === 'publish') await publishTicks(link, options.schedule)
else if (role === 'relay') await relay(link)
else if (role === 'subscribe')
  await subscribe(link, options.subject, options.schedule.clock, options.schedule.count, options.warm)
await link.close()
process.exit(0)
