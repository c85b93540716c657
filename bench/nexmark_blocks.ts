import { NatsServer, natsServerBinary, natsServerVersion } from '../testing/nats_server.ts'
import { makeMarket } from './nexmark/market.ts'
import { type Ratio, ratioOf } from './nexmark/outcome.ts'
import { queries } from './nexmark/queries.ts'
import type { Spent } from './nexmark/stopwatch.ts'
import { store } from './nexmark/store.ts'
import type { Stored } from './nexmark/stored.ts'
import { type Bench, inProcess, machine, median, node, rounded } from './support.ts'

/**
 * Rows of a block: what 1,000, 4,000, 8,000, 16,000 and 60,000 ticks a second give a feed that waits 1 ms at most, and what a busy
 * tape is cut into. With how many events: the stage takes 0.3 s for them at least.
 */
const BLOCKS: ReadonlyMap<number, number> = new Map([
  [1, 200_000],
  [4, 600_000],
  [8, 1_000_000],
  [16, 1_500_000],
  [64, 2_500_000],
  [256, 3_000_000],
])
/** The share of the records that does not count. */
const WARM = 1 / 3

interface OfBlock {
  readonly events: number
  readonly events_per_second: { readonly stage: number; readonly client: number }
  readonly stage_to_client: Ratio
  /** How much longer a pass takes because its commits are sent: by the clock, and in CPU of the process. */
  readonly commit_overhead: number
  readonly commit_overhead_cpu: number
  readonly bytes_per_commit: number
}
export interface NexmarkBlocksBench {
  readonly bench: 'nexmark_blocks'
  readonly machine: ReturnType<typeof machine>
  readonly node: string
  readonly nats_server: string | null
  readonly rounds: number
  /** By rows of a block, then by query. */
  readonly blocks: Readonly<Record<string, Readonly<Record<string, OfBlock>>>>
}

function ofBlock(rounds: readonly Stored[]): OfBlock {
  const rate = (one: (round: Stored) => number) => rounded(median(rounds.map((r) => r.stage.events / one(r))))
  const overhead = (of: keyof Spent) =>
    rounded(median(rounds.map(({ stage, uncommitted }) => stage[of] / uncommitted[of] - 1)))
  const [first] = rounds as readonly [Stored]
  return {
    events: first.stage.events,
    events_per_second: { stage: rate((r) => r.stage.seconds), client: rate((r) => r.client.seconds) },
    stage_to_client: ratioOf(rounds.map(({ stage, client }) => client.seconds / stage.seconds)),
    commit_overhead: overhead('seconds'),
    commit_overhead_cpu: overhead('cpu_seconds'),
    bytes_per_commit: Math.round(first.stage.commit_bytes / first.stage.commits),
  }
}

/** The stage of `nexmark` beside the client library alone, by how many rows stand in a message of the stream. */
export const nexmarkBlocks: Bench<NexmarkBlocksBench> = {
  summary: 'the stage of nexmark beside the client library alone, by rows of a frame',
  async run(progress, { rounds }) {
    const binary = natsServerBinary()
    if (binary === undefined)
      progress('nexmark_blocks: no nats-server here (NATS_SERVER_BIN, PATH): nothing to measure')
    const blocks: Record<string, Record<string, OfBlock>> = {}
    for (const [block, events] of binary === undefined ? [] : BLOCKS) {
      const server = await NatsServer.start({ binary: binary as string })
      try {
        const { records } = makeMarket({ events, block })
        await store(server.url, records)
        const all = new Map<string, Stored[]>(Object.keys(queries).map((name) => [name, []]))
        for (let round = 0; round < rounds; round++)
          for (const [name, measured] of all) {
            const order = round % 2 === 0 ? 'committed_first' : 'committed_last'
            const warm = Math.floor(records.length * WARM)
            measured.push(inProcess<Stored>('nexmark/stored', [server.url, name, warm, order]))
            const { stage_to_client, commit_overhead, commit_overhead_cpu } = ofBlock(measured.slice(-1))
            const figures = `${stage_to_client.median} of the client, commits ${commit_overhead}, of CPU ${commit_overhead_cpu}`
            progress(`nexmark_blocks: ${block} rows, ${name}, round ${round + 1} of ${rounds}: ${figures}`)
          }
        blocks[block] = Object.fromEntries([...all].map(([name, measured]) => [name, ofBlock(measured)]))
      } finally {
        await server.stop()
      }
    }
    const nats_server = binary === undefined ? null : natsServerVersion(binary)
    return { bench: 'nexmark_blocks', machine: machine(), node, nats_server, rounds, blocks }
  },
  table: ({ blocks }) => [
    [
      'rows',
      'query',
      'stage Mev/s',
      'client alone',
      'stage/client',
      'low',
      'high',
      'commit overhead',
      'of CPU',
      'kB a commit',
    ],
    ...Object.entries(blocks).flatMap(([block, found]) =>
      Object.entries(found).map(
        ([
          name,
          {
            events_per_second: { stage, client },
            ...o
          },
        ]) => [
          Number(block),
          name,
          rounded(stage / 1e6),
          rounded(client / 1e6),
          o.stage_to_client.median,
          o.stage_to_client.low,
          o.stage_to_client.high,
          o.commit_overhead,
          o.commit_overhead_cpu,
          Math.round(o.bytes_per_commit / 1000),
        ],
      ),
    ),
  ],
}
