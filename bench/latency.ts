import { Definitions } from '../runtime/cluster/definitions.ts'
import { deploy } from '../runtime/cluster/deploy.ts'
import { Plans } from '../runtime/cluster/plans.ts'
import { openLink } from '../runtime/log/jetstream/link.ts'
import { openJetStreamLog } from '../runtime/log/jetstream/log.ts'
import { NatsServer, natsServerBinary, natsServerVersion } from '../testing/nats_server.ts'
import { definition, planner } from './latency/pipeline.ts'
import { measure } from './latency/processes.ts'
import { medianSpread, type Spread } from './latency/spread.ts'
import { type Bench, machine, node, rounded } from './support.ts'

const RATES = [1_000, 10_000, 50_000]

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
    readonly ratio: { readonly p50: number; readonly p99: number; readonly p999: number }
  }[]
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

/** Both sides at one rate on a server of their own, now one first and now the other. */
async function round(binary: string, rate: number, oursFirst: boolean): Promise<{ ours: Spread; relay: Spread }> {
  const server = await NatsServer.start({ binary })
  try {
    await prepare(server, 'bench')
    const before = oursFirst ? await measure(server, 'ours', rate, 'bench') : undefined
    const relay = await measure(server, 'relay', rate, 'bench')
    return { relay, ours: before ?? (await measure(server, 'ours', rate, 'bench')) }
  } finally {
    await server.stop()
  }
}

const words = ({ p50, p99, rate }: Spread): string => `${rounded(p50)}/${rounded(p99)} ms at ${rounded(rate)}/s`

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
    for (let n = 0; n < rounds; n++)
      for (const { rate, ours, relay } of all) {
        const measured = await round(binary, rate, n % 2 === 0)
        ours.push(measured.ours)
        relay.push(measured.relay)
        progress(
          `latency: ${rate}/s, round ${n + 1} of ${rounds}: ours ${words(measured.ours)}, relay ${words(measured.relay)}`,
        )
      }
    return {
      bench: 'latency',
      machine: machine(),
      node,
      nats_server: natsServerVersion(binary),
      rounds,
      rates: all.map(({ rate, ...sides }) => {
        const [ours, relay] = [medianSpread(sides.ours), medianSpread(sides.relay)]
        const of = (field: 'p50' | 'p99' | 'p999') => rounded(ours[field] / relay[field])
        return { rate, ours, relay, ratio: { p50: of('p50'), p99: of('p99'), p999: of('p999') } }
      }),
    }
  },
  table: ({ rates }) => [
    [
      ...['ticks/s', 'ours p50 ms', 'p99', 'p99.9', 'came/s', 'relay p50 ms', 'p99', 'p99.9', 'came/s'],
      ...['ratio p50', 'p99', 'p99.9'],
    ],
    ...rates.map(({ rate, ours, relay, ratio }) => [
      ...[rate, ours.p50, ours.p99, ours.p999, ours.rate, relay.p50, relay.p99, relay.p999, relay.rate],
      ...[ratio.p50, ratio.p99, ratio.p999],
    ]),
  ],
}
