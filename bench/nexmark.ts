import { uncut } from '../runtime/cluster/feed_name.ts'
import { NatsServer, natsServerBinary, natsServerVersion } from '../testing/nats_server.ts'
import type { InMemory } from './nexmark/in_memory.ts'
import { decoded, makeMarket } from './nexmark/market.ts'
import { type Outcome, outcomeOf, outcomeRow, type Round } from './nexmark/outcome.ts'
import { queries } from './nexmark/queries.ts'
import { shared } from './nexmark/shares.ts'
import { inputOf, store } from './nexmark/store.ts'
import type { Stored } from './nexmark/stored.ts'
import { twoWorkers, WORKERS } from './nexmark/two_workers.ts'
import { type Bench, inProcess, machine, node } from './support.ts'

/** A pass in memory; the stored stream is longer, and its first part does not count. */
const IN_MEMORY = 500_000
const STORED = 1_500_000
const WARM_RECORDS = 2048

/** @throws when a stage has committed more or fewer answers than the loop by hand gives on the same stream */
function checkAnswers(records: readonly Uint8Array[], name: string, rounds: readonly Round[]): void {
  const { raw, sheet } = queries[name]!
  const into = sheet()
  raw(decoded(records), into)
  const expected = into.length / into.width
  for (const { stored, together } of rounds)
    for (const answers of [stored?.stage.answers, together?.answers])
      if (answers !== undefined && answers !== expected)
        throw new Error(`${name}: expected ${expected} answers in the stage streams, found ${answers}`)
}

export interface NexmarkBench {
  readonly bench: 'nexmark'
  readonly machine: ReturnType<typeof machine>
  readonly node: string
  /** Version of the nats-server; null where there is none, and then only memory was measured. */
  readonly nats_server: string | null
  readonly rounds: number
  readonly events: { readonly in_memory: number; readonly stored: number; readonly records: number }
  readonly queries: Readonly<Record<string, Outcome>>
}

/**
 * Nexmark as pipelines of ours. Every figure counts all events of the stream, whatever a query reads of them: by a loop
 * over columns, by the engine in memory, by a stage from a stored stream with every step committed, by two that share the
 * keys, and by the client library alone, which only reads and writes as much. Round after round, each query in processes of its own.
 */
export const nexmark: Bench<NexmarkBench> = {
  summary:
    'Nexmark q0 q1 q2 q5 q7 q8: a loop by hand, the engine, a stage on JetStream, two of them, and the client library alone',
  async run(progress, { rounds }) {
    const binary = natsServerBinary()
    if (binary === undefined) progress('nexmark: no nats-server here (NATS_SERVER_BIN, PATH): only memory is measured')
    const server = binary === undefined ? undefined : await NatsServer.start({ binary })
    try {
      const { records } = makeMarket({ events: STORED })
      if (server !== undefined) {
        await store(server.url, records)
        for (const [part, share] of shared(records, WORKERS).entries())
          await store(server.url, share, inputOf({ part, of: WORKERS }))
      }
      const names = Object.keys(queries)
      const all = new Map<string, Round[]>(names.map((name) => [name, []]))
      for (let round = 0; round < rounds; round++)
        for (const name of names) {
          const memory = inProcess<InMemory>('nexmark/in_memory', [name, IN_MEMORY])
          const order = round % 2 === 0 ? 'committed_first' : 'committed_last'
          const stored = server && inProcess<Stored>('nexmark/stored', [server.url, name, WARM_RECORDS, order])
          const apart = server !== undefined && uncut(queries[name]!.plan(), 2) === undefined
          const together = apart ? await twoWorkers(server.url, name) : undefined
          all.get(name)!.push({ memory, stored, together })
          const [, ...figures] = outcomeRow(name, outcomeOf([{ memory, stored, together }]))
          progress(`nexmark: ${name}, round ${round + 1} of ${rounds}: ${figures.join(' ')}`)
        }
      for (const [name, measured] of all) checkAnswers(records, name, measured)
      return {
        bench: 'nexmark',
        machine: machine(),
        node,
        nats_server: binary === undefined ? null : natsServerVersion(binary),
        rounds,
        events: { in_memory: IN_MEMORY, stored: STORED, records: records.length },
        queries: Object.fromEntries([...all].map(([name, measured]) => [name, outcomeOf(measured)])),
      }
    } finally {
      await server?.stop()
    }
  },
  table: ({ queries }) => [
    [
      'query',
      'raw Mev/s',
      'engine',
      'stage',
      'client alone',
      'engine/raw',
      'stage/engine',
      'stage/client',
      'low',
      'high',
      'commit overhead',
      'two workers',
      'two/stage',
      'commits',
      'kB a commit',
    ],
    ...Object.entries(queries).map(([name, outcome]) => outcomeRow(name, outcome)),
  ],
}
