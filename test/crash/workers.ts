import { type ChildProcess, spawn } from 'node:child_process'
import { operators } from '../../operators/catalogue.ts'
import { Definitions } from '../../runtime/cluster/definitions.ts'
import { deploy } from '../../runtime/cluster/deploy.ts'
import { rangesOf } from '../../runtime/cluster/feed_name.ts'
import { Plans } from '../../runtime/cluster/plans.ts'
import { decodeCommit } from '../../runtime/commit.ts'
import type { Committed } from '../../runtime/connect.ts'
import { backtest } from '../../runtime/environment/backtest.ts'
import { toJson } from '../../runtime/json.ts'
import { type Link, openLink } from '../../runtime/log/jetstream/link.ts'
import { openJetStreamLog } from '../../runtime/log/jetstream/log.ts'
import { createdMark, readFrom } from '../../runtime/log/jetstream/reader.ts'
import { layout } from '../../runtime/log/layout.ts'
import type { Log } from '../../runtime/log/log.ts'
import { committed } from '../../runtime/outputs.ts'
import { type Plan, plan as planOf } from '../../runtime/plan.ts'
import { sinks } from '../../sinks/catalogue.ts'
import { sources } from '../../sources/catalogue.ts'

export const RANGES = 2
export const NAMES = ['a', 'b', 'c']
/** How far the clocks of these workers are off, in µs: leases and fences must not care. */
const SKEWS: Readonly<Record<string, number>> = { a: -3600e6, b: 0, c: 7200e6 }

/** The servers a site is on: one, or three that replicate. */
export interface Servers {
  readonly url: string
  readonly replicas: 1 | 3
  readonly skew: boolean
}

/** Signals and orders of several instruments, all of scope `key`, so that ranges of them may live apart. */
const definition = (pipeline: string) => ({
  pipeline,
  nodes: {
    trades: {
      source: 'synthetic_market',
      params: { symbols: ['BTCUSDT', 'ETHUSDT', 'SOLUSDT', 'XRPUSDT'], seed: 3, trades: 240_000 },
    },
    bars: { op: 'time_bars', from: 'trades', params: { every: '1s' } },
    trend: { op: 'ema', from: 'bars', params: { span: 10 } },
    above: { op: 'cross', from: 'bars', latest: { trend: 'trend' } },
    sized: { op: 'stop_and_reverse', from: { signal: 'above', fill: 'venue.fill' }, params: { quantity: 0.01 } },
    gate: {
      op: 'risk_gate',
      from: { intent: 'sized', fill: 'venue.fill', order: 'venue.order' },
      params: { max_notional: 5000 },
    },
    venue: { sink: 'simulated_venue', from: 'gate.approved', params: { latency: '150ms' } },
    publish: { sink: 'signals', from: 'above' },
  },
})
const planner = async (raw: unknown): Promise<Plan> => planOf(raw, { operators, sources, sinks }, 'paper')

/** What must come out, per range of keys, whatever is killed. */
export interface Expected {
  /** Rows per instrument, in order, as text. */
  readonly rows: ReadonlyMap<string, readonly string[]>
  readonly signals: ReadonlyMap<string, readonly string[]>
  readonly count: number
}
const textOf = (row: Committed): string => `${row.id.slice(row.id.indexOf('/'))} ${toJson(row.value)}`
export async function expectedOf(): Promise<Expected> {
  const rows = new Map<string, string[]>()
  const signals = new Map<string, string[]>()
  let count = 0
  await backtest(await planner(definition('p')), {
    bindings: new Map(),
    output(row) {
      count++
      rows.set(row.key, [...(rows.get(row.key) ?? []), textOf(row)])
      if (row.edge === 'above')
        signals.set(row.key, [...(signals.get(row.key) ?? []), row.id.slice(row.id.indexOf('/'))])
    },
  })
  return { rows, signals, count }
}

/** A pipeline of its own on a server that several share, and the workers that run it. */
export class Site {
  readonly pipeline: string
  readonly namespace: string
  private readonly server: Servers
  private readonly child: string
  private readonly link: Link
  private readonly log: Log
  private readonly plan: Plan
  readonly workers = new Map<string, ChildProcess>()
  private readonly lines: string[] = []

  private constructor(name: string, server: Servers, child: string, link: Link, log: Log, plan: Plan) {
    this.pipeline = name
    this.namespace = name
    this.server = server
    this.child = child
    this.link = link
    this.log = log
    this.plan = plan
  }
  static async open(name: string, server: Servers, child: string): Promise<Site> {
    const link = await openLink({ servers: server.url, name: 'crash' })
    const log = await openJetStreamLog(link, { namespace: name, replicas: server.replicas })
    const definitions = await Definitions.open(link, name, server.replicas)
    const plan = await planner(definition(name))
    const meta = { release: 'crash', by: 'crash', at: 'now', ranges: RANGES, start: { type: 'all' } as const }
    const on = { definitions, log, plans: new Plans(definitions, planner) }
    await deploy(on, { definition: definition(name), plan, ...meta })
    const site = new Site(name, server, child, link, log, plan)
    process.once('exit', site.reap)
    return site
  }

  /** Starts a worker of that name, unless it lives. */
  start(name: string, point = 'none', times = 1): void {
    const there = this.workers.get(name)
    if (there !== undefined && there.exitCode === null && there.signalCode === null) return
    const skew = this.server.skew ? (SKEWS[name] ?? 0) : 0
    const settings = [point, String(times), String(this.server.replicas), String(skew)]
    const args = [this.child, this.server.url, this.namespace, name, ...settings]
    const worker = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'pipe'] })
    const listen = (text: unknown) => this.lines.push(`${new Date().toISOString()} ${name}: ${String(text).trim()}`)
    worker.stdout?.on('data', listen)
    worker.stderr?.on('data', listen)
    worker.once('exit', (code, signal) => listen(`ended: ${signal ?? code}`))
    listen(`started, ${point} ${times}`)
    this.workers.set(name, worker)
  }
  /** What all workers said, in order. */
  said(): string {
    return this.lines.join('\n')
  }
  signal(name: string, signal: NodeJS.Signals): boolean {
    return this.workers.get(name)?.kill(signal) ?? false
  }

  /** Everything was taken: the feed has ended, and each range holds its end. */
  async done(): Promise<boolean> {
    for (const range of rangesOf(RANGES)) {
      const stage = await this.log.open(layout.stage(this.pipeline, range))
      const newest = await stage?.last()
      if (newest === undefined) return false
      for (const { stream, to } of decodeCommit(newest.data, newest.seq).head.inputs) {
        const ticks = await this.log.open(stream)
        const { last } = (await ticks?.state()) ?? { last: -1 }
        // a range whose ticks have not come yet
        if (last < 1) return false
        const message = await this.link.jsm.streams.getMessage(
          `${this.namespace}-${stream.replaceAll('-', '=2D').replaceAll('.', '-')}`,
          { seq: last },
        )
        if (to !== last || message?.header.get('Tg-Ended') !== '1') return false
      }
    }
    return true
  }

  /** What is wrong with what was committed and published; undefined where nothing is. */
  async verdict(expected: Expected): Promise<string | undefined> {
    const rows = new Map<string, string[]>()
    for (const range of rangesOf(RANGES))
      for await (const row of committed(this.plan, await this.log.stream(layout.stage(this.pipeline, range))))
        rows.set(row.key, [...(rows.get(row.key) ?? []), textOf(row)])
    const signals = new Map<string, string[]>()
    for (const { id, key } of await this.published())
      signals.set(key, [...(signals.get(key) ?? []), id.slice(id.indexOf('/'))])
    return differenceOf('rows', expected.rows, rows) ?? differenceOf('signals', expected.signals, signals)
  }
  async published(): Promise<readonly { id: string; key: string }[]> {
    const stream = `${this.namespace}-sig-${this.pipeline}`
    const info = await this.link.jsm.streams.info(stream)
    const all: { id: string; key: string }[] = []
    if (info.state.messages === 0) return all
    const signal = new AbortController().signal
    const range = { stream, from: 1, until: info.state.last_seq, created: createdMark(info), signal }
    for await (const batch of readFrom(this.link, range))
      all.push(...batch.map((message) => message.json<{ id: string; key: string }>()))
    return all
  }

  private readonly reap = () => {
    for (const child of this.workers.values()) child.kill('SIGKILL')
  }
  async close(): Promise<void> {
    this.reap()
    process.removeListener('exit', this.reap)
    for await (const { config } of this.link.jsm.streams.list())
      if (config.name.startsWith(`${this.namespace}-`) || config.name.startsWith(`KV_${this.namespace}-`))
        await this.link.jsm.streams.delete(config.name)
    await this.log.close()
    await this.link.close()
  }
}

function differenceOf(
  what: string,
  expected: ReadonlyMap<string, readonly string[]>,
  found: ReadonlyMap<string, readonly string[]>,
): string | undefined {
  for (const key of new Set([...expected.keys(), ...found.keys()])) {
    const [wanted, is] = [expected.get(key) ?? [], found.get(key) ?? []]
    const at = wanted.findIndex((row, i) => row !== is[i])
    if (at >= 0 || wanted.length !== is.length)
      return `${what} of ${key}: ${wanted.length} expected, ${is.length} found; first at ${at < 0 ? wanted.length : at}: ${wanted[at] ?? 'nothing'} / ${is[at] ?? is[wanted.length] ?? 'nothing'}`
  }
  return undefined
}
