import { type ChildProcess, spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { Definitions } from '../runtime/cluster/definitions.ts'
import { deploy } from '../runtime/cluster/deploy.ts'
import { Plans } from '../runtime/cluster/plans.ts'
import { openLink } from '../runtime/log/jetstream/link.ts'
import { openJetStreamLog } from '../runtime/log/jetstream/log.ts'
import { NatsServer, natsServerBinary, natsServerVersion } from '../testing/nats_server.ts'
import { type Shared, sharedClock } from './latency/clock.ts'
import { definition, PIPELINE, planner } from './latency/pipeline.ts'
import { type Bench, machine, median, node, rounded } from './support.ts'

const RATES = [1_000, 10_000, 50_000]
const [WARM_SECONDS, SECONDS] = [2, 5]

/** Milliseconds from when a tick was due to when its message was received. */
export interface Spread {
  readonly count: number
  readonly p50: number
  readonly p99: number
  readonly p999: number
}
export interface LatencyBench {
  readonly bench: 'latency'
  readonly machine: ReturnType<typeof machine>
  readonly node: string
  readonly nats_server: string
  readonly rounds: number
  readonly rates: readonly {
    readonly rate: number
    readonly ours: Spread
    readonly relay: Spread
    readonly ratio: { readonly p50: number; readonly p99: number }
  }[]
}

/** Starts a role, and settles when it has said a word that tells it is ready. */
function start(
  role: string,
  url: string,
  options: object,
  ready?: string,
): Promise<ChildProcess & { said: () => string }> {
  const file = fileURLToPath(new URL('latency/roles.ts', import.meta.url))
  const child = spawn(process.execPath, [...process.execArgv, file, role, url, JSON.stringify(options)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  let text = ''
  return new Promise((resolve, reject) => {
    const told = Object.assign(child, { said: () => text })
    child.stdout?.on('data', (more) => {
      text += more
      if (ready !== undefined && text.includes(ready)) resolve(told)
    })
    child.once('error', reject)
    if (ready === undefined) resolve(told)
  })
}
const end = (child: ChildProcess): Promise<unknown> =>
  child.exitCode === null ? new Promise((resolve) => child.once('close', resolve)) : Promise.resolve()

async function measure(server: NatsServer, rate: number, ours: boolean, namespace: string): Promise<Spread> {
  const clock: Shared = sharedClock()
  const count = rate * (WARM_SECONDS + SECONDS)
  const subject = ours ? `${namespace}.sig.${PIPELINE}.>` : 'relay.c'
  const running = ours
    ? await start('worker', server.url, { namespace }, `took stage.${PIPELINE}`)
    : await start('relay', server.url, {}, 'took relay.b')
  // processes come up, streams are made
  await new Promise((resolve) => setTimeout(resolve, 1500))
  const schedule = { clock, start: clock.event + 5e6, rate, count }
  const warm = rate * WARM_SECONDS
  const listening = await start('subscribe', server.url, { subject, warm, schedule }, 'listening')
  await start(ours ? 'ingest' : 'publish', server.url, { namespace, schedule })
  await end(listening)
  running.kill('SIGKILL')
  await end(running)
  return JSON.parse(listening.said().trim().split('\n').at(-1) as string) as Spread
}

async function prepare(server: NatsServer, namespace: string): Promise<void> {
  const link = await openLink({ servers: server.url, name: 'bench' })
  const log = await openJetStreamLog(link, { namespace })
  const definitions = await Definitions.open(link, namespace)
  const plan = await planner(definition)
  const meta = { release: 'bench', by: 'bench', at: 'now' }
  await deploy({ definitions, log, plans: new Plans(definitions, planner) }, { definition, plan, ...meta })
  for (const name of ['a', 'b', 'c'])
    await link.jsm.streams.add({ name: `relay_${name}`, subjects: [`relay.${name}`], duplicate_window: 1e9 })
  await log.close()
  await link.close()
}

/**
 * From a tick to its signal on its subject, through three streams and four processes, beside a relay of the client
 * library alone over as many hops. When each tick is due is fixed before; what comes late counts from then.
 */
export const latency: Bench<LatencyBench> = {
  summary: 'from a tick that is due to its signal on its subject, beside a relay of three hops',
  async run(progress, { rounds }) {
    const binary = natsServerBinary()
    if (binary === undefined)
      throw new Error('no nats-server here: apt-get install nats-server, or set NATS_SERVER_BIN')
    const all = RATES.map((rate) => ({ rate, ours: [] as Spread[], relay: [] as Spread[] }))
    for (let round = 0; round < rounds; round++)
      for (const { rate, ours, relay } of all) {
        const server = await NatsServer.start({ binary })
        await prepare(server, 'bench')
        ours.push(await measure(server, rate, true, 'bench'))
        relay.push(await measure(server, rate, false, 'bench'))
        await server.stop()
        const words = [ours, relay].map(
          (s) => `${rounded(s.at(-1)!.p50)}/${rounded(s.at(-1)!.p99)} ms of ${s.at(-1)!.count}`,
        )
        progress(`latency: ${rate}/s, round ${round + 1} of ${rounds}: ours ${words[0]}, relay ${words[1]}`)
      }
    const middle = (spreads: readonly Spread[]): Spread => ({
      count: median(spreads.map((s) => s.count)),
      p50: rounded(median(spreads.map((s) => s.p50))),
      p99: rounded(median(spreads.map((s) => s.p99))),
      p999: rounded(median(spreads.map((s) => s.p999))),
    })
    return {
      bench: 'latency',
      machine: machine(),
      node,
      nats_server: natsServerVersion(binary),
      rounds,
      rates: all.map(({ rate, ours, relay }) => {
        const [a, b] = [middle(ours), middle(relay)]
        return { rate, ours: a, relay: b, ratio: { p50: rounded(a.p50 / b.p50), p99: rounded(a.p99 / b.p99) } }
      }),
    }
  },
  table: ({ rates }) => [
    ['ticks/s', 'ours p50 ms', 'p99', 'p99.9', 'relay p50 ms', 'p99', 'p99.9', 'ratio p50', 'ratio p99'],
    ...rates.map(({ rate, ours, relay, ratio }) => [
      ...[rate, ours.p50, ours.p99, ours.p999, relay.p50, relay.p99, relay.p999, ratio.p50, ratio.p99],
    ]),
  ],
}
