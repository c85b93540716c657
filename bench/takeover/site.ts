import { type ChildProcess, spawn } from 'node:child_process'
import { operators } from '../../operators/catalogue.ts'
import { Definitions } from '../../runtime/cluster/definitions.ts'
import { deploy } from '../../runtime/cluster/deploy.ts'
import { feedName } from '../../runtime/cluster/feed_name.ts'
import { Leases } from '../../runtime/cluster/leases.ts'
import { Plans } from '../../runtime/cluster/plans.ts'
import { newestHead } from '../../runtime/cluster/tasks.ts'
import { encodeItems } from '../../runtime/feed.ts'
import { type Link, openLink } from '../../runtime/log/jetstream/link.ts'
import { openJetStreamLog } from '../../runtime/log/jetstream/log.ts'
import { Publisher } from '../../runtime/log/jetstream/publisher.ts'
import { layout, streamOf, subjectOfLog } from '../../runtime/log/layout.ts'
import type { Log } from '../../runtime/log/log.ts'
import { type Plan, plan as planOf } from '../../runtime/plan.ts'
import { sinks } from '../../sinks/catalogue.ts'
import { sources } from '../../sources/catalogue.ts'
import type { NatsServer } from '../../testing/nats_server.ts'
import { scriptAt } from '../support.ts'

const NS = 'bench'
const PIPELINE = 'takeover'
const ROWS = 256
const definition = {
  pipeline: PIPELINE,
  nodes: {
    trades: { source: 'tape_trades' },
    bars: { op: 'time_bars', from: 'trades', params: { every: '1s' } },
    trend: { op: 'ema', from: 'bars', params: { span: 20 } },
    above: { op: 'cross', from: 'bars', latest: { trend: 'trend' } },
    publish: { sink: 'signals', from: 'above' },
  },
}
const planner = async (raw: unknown): Promise<Plan> => planOf(raw, { operators, sources, sinks }, 'paper')

/** A pipeline that runs, a long stream behind it, and ticks that go on. */
export class TakeoverSite {
  readonly leases: Leases
  private readonly server: NatsServer
  private readonly link: Link
  private readonly log: Log
  private readonly plan: Plan
  private readonly publisher: Publisher
  private row = 0
  private ticking: NodeJS.Timeout | undefined

  private constructor(server: NatsServer, link: Link, log: Log, plan: Plan, publisher: Publisher, leases: Leases) {
    this.server = server
    this.link = link
    this.log = log
    this.plan = plan
    this.publisher = publisher
    this.leases = leases
  }
  static async open(server: NatsServer): Promise<TakeoverSite> {
    const link = await openLink({ servers: server.url, name: 'bench' })
    const log = await openJetStreamLog(link, { namespace: NS })
    const definitions = await Definitions.open(link, NS)
    const plan = await planner(definition)
    const on = { definitions, log, plans: new Plans(definitions, planner) }
    await deploy(on, { definition, plan, release: 'bench', by: 'bench', at: 'now', start: { type: 'all' } })
    const stream = streamOf(NS, layout.tick(feedName(plan.sources[0] as never)))
    const publisher = new Publisher(link, stream, await Publisher.endOf(link, stream))
    const leases = await Leases.open(link, NS, { worker: 'bench', instance: 'bench' })
    return new TakeoverSite(server, link, log, plan, publisher, leases)
  }

  private async publish(rows: number): Promise<number> {
    const [source] = this.plan.sources
    const items = Array.from({ length: rows }, () => {
      const n = this.row++
      const value = { price: 60_000 + ((n * 7) % 500) / 10, size: 1, side: n % 2, id: n }
      return { type: 'row' as const, at: 1.7e15 + n * 1000, key: `bench:S${n % 10}`, value }
    })
    const subject = subjectOfLog(NS, layout.tick(feedName(source as never)))
    let bytes = 0
    for (const data of encodeItems(source as never, items)) {
      bytes += data.byteLength
      await this.publisher.publish({ subject, data })
    }
    return bytes
  }
  async fill(bytes: number): Promise<void> {
    for (let sent = 0; sent < bytes; ) sent += await this.publish(ROWS)
    await this.publisher.flush()
  }
  /** A live feed: some rows every few milliseconds. */
  tick(): void {
    this.ticking = setInterval(() => void this.publish(4), 5)
  }

  start(name: string): ChildProcess {
    const file = scriptAt('worker', import.meta.url)
    return spawn(process.execPath, [...process.execArgv, file, this.server.url, NS, name], {
      stdio: ['ignore', 'ignore', 'inherit'],
    })
  }
  async owner(): Promise<string | undefined> {
    return (await newestHead(this.log, layout.stage(PIPELINE)))?.owner
  }
  async leased(): Promise<string | undefined> {
    return (await this.leases.holderOf(`task.stage.${PIPELINE}`))?.worker
  }
  /** Input records that are stored and not committed. */
  async behind(): Promise<number> {
    const head = await newestHead(this.log, layout.stage(PIPELINE))
    const { last } = await (await this.log.stream(layout.tick(feedName(this.plan.sources[0] as never)))).state()
    return last - (head?.inputs[0]?.to ?? 0)
  }
  async close(): Promise<void> {
    clearInterval(this.ticking)
    this.publisher.close()
    await this.log.close()
    await this.link.close()
  }
}
