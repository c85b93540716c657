import { fork } from 'node:child_process'
import { once } from 'node:events'
import { type Bench, inProcess, machine, median, node, rounded, scriptAt } from './support.ts'

const WAYS = ['bare', 'json', 'ours', 'frames'] as const
/** Bytes a piece: as large as a socket takes, and about ten messages. */
const PIECES = [262_144, 2_048]
const COUNT = 300_000
const SYMBOLS = 10

interface Taken {
  readonly rate: number
  readonly cpu_ns: number
}
interface Lag {
  readonly p50: number
  readonly p99: number
  readonly p999: number
}
interface Taking {
  readonly idle_kib: number
  readonly busy_kib: number
}
interface Memory {
  readonly idle: number
  readonly busy: number
}
export interface FeedsBench {
  readonly bench: 'feeds'
  readonly machine: ReturnType<typeof machine>
  readonly node: string
  readonly rounds: number
  /** Messages a second and CPU a message, by bytes a piece and way. */
  readonly flood: readonly ({ readonly piece: number; readonly way: string } & Taken)[]
  readonly ratio: readonly { readonly piece: number; readonly to_bare: number; readonly to_json: number }[]
  readonly decode: readonly { readonly name: string; readonly ns: number; readonly json_ns: number }[]
  readonly lag_ms: { readonly rate: number; readonly ours: Lag; readonly bare: Lag }
  readonly reconnect_ms: { readonly p50: number; readonly max: number }
  /** What one more connection takes, open and after it carried messages. */
  readonly memory_kib: { readonly ours: Memory; readonly bare: Memory }
}

async function withFlood<R>(piece: number, use: (port: number) => R): Promise<R> {
  const script = scriptAt('feeds/flood', import.meta.url)
  const flood = fork(script, [SYMBOLS, COUNT, piece].map(String), { execArgv: process.execArgv })
  try {
    const [{ port }] = (await once(flood, 'message')) as [{ port: number }]
    return use(port)
  } finally {
    flood.kill('SIGKILL')
  }
}

/**
 * A feed of Binance trades on this machine: a flood of them beside what `ws` alone takes, the reading of one message, the
 * way from the wire into a frame at a pace, a cut, and memory. `bare` counts messages, `json` parses each, `ours` is the
 * source, `frames` the source and its rows as frames.
 */
export const feeds: Bench<FeedsBench> = {
  summary: 'a feed of trades beside ws alone: flood, decode, lag, reconnection, memory',
  async run(progress, { rounds }) {
    const taken = new Map<string, Taken[]>()
    const lags = { ours: [] as Lag[], bare: [] as Lag[] }
    const decoded: (readonly { name: string; ns: number; json_ns: number }[])[] = []
    const waits: number[] = []
    const memory = { ours: [] as Taking[], bare: [] as Taking[] }
    for (let n = 0; n < rounds; n++) {
      for (const piece of PIECES)
        await withFlood(piece, (port) => {
          for (const way of n % 2 === 0 ? WAYS : WAYS.toReversed()) {
            const one = inProcess<Taken>('feeds/receive', [way, port, COUNT, SYMBOLS])
            const key = `${piece} ${way}`
            taken.set(key, [...(taken.get(key) ?? []), one])
          }
        })
      for (const how of n % 2 === 0 ? (['ours', 'bare'] as const) : (['bare', 'ours'] as const))
        lags[how].push(inProcess<Lag>('feeds/lag', [how, 20_000, 12]))
      decoded.push(inProcess('feeds/decode', []))
      waits.push(...inProcess<number[]>('feeds/reconnect', [4]))
      for (const how of ['ours', 'bare'] as const)
        memory[how].push(inProcess('feeds/memory', [how, 50, 20_000], ['--expose-gc']))
      progress(`feeds: round ${n + 1} of ${rounds}`)
    }
    const flood = PIECES.flatMap((piece) =>
      WAYS.map((way) => {
        const all = taken.get(`${piece} ${way}`) ?? []
        const of = (field: keyof Taken) => rounded(median(all.map((one) => one[field])))
        return { piece, way, rate: of('rate'), cpu_ns: of('cpu_ns') }
      }),
    )
    const lagOf = (all: readonly Lag[]): Lag => {
      const of = (field: keyof Lag) => rounded(median(all.map((one) => one[field])))
      return { p50: of('p50'), p99: of('p99'), p999: of('p999') }
    }
    const memoryOf = (all: readonly Taking[]): Memory => ({
      idle: rounded(median(all.map(({ idle_kib }) => idle_kib))),
      busy: rounded(median(all.map(({ busy_kib }) => busy_kib))),
    })
    // ratios within one round, then their median
    const ratioTo = (piece: number, way: string) =>
      rounded(
        median(
          (taken.get(`${piece} frames`) ?? []).map(
            ({ cpu_ns }, n) => ((taken.get(`${piece} ${way}`) ?? [])[n]?.cpu_ns ?? Number.NaN) / cpu_ns,
          ),
        ),
      )
    return {
      ...{ bench: 'feeds', machine: machine(), node, rounds, flood },
      ratio: PIECES.map((piece) => ({ piece, to_bare: ratioTo(piece, 'bare'), to_json: ratioTo(piece, 'json') })),
      decode: (decoded[0] ?? []).map(({ name }, i) => ({
        name,
        ns: rounded(median(decoded.map((round) => round[i]?.ns ?? Number.NaN))),
        json_ns: rounded(median(decoded.map((round) => round[i]?.json_ns ?? Number.NaN))),
      })),
      lag_ms: { rate: 20_000, ours: lagOf(lags.ours), bare: lagOf(lags.bare) },
      reconnect_ms: { p50: rounded(median(waits)), max: rounded(Math.max(...waits)) },
      memory_kib: { ours: memoryOf(memory.ours), bare: memoryOf(memory.bare) },
    }
  },
  table: ({ flood, ratio, decode, lag_ms: { ours, bare }, reconnect_ms, memory_kib }) => [
    ['what', 'a', 'b', 'c'],
    ...flood.map(({ piece, way, rate, cpu_ns }) => [
      `flood, ${piece} B a piece, ${way}: messages/s, CPU ns`,
      rate,
      cpu_ns,
    ]),
    ...ratio.map(({ piece, to_bare, to_json }) => [
      `frames, ${piece} B a piece: bare/ours, json/ours`,
      to_bare,
      to_json,
    ]),
    ...decode.map(({ name, ns, json_ns }) => [`decode ${name}: ns, JSON.parse ns`, ns, json_ns]),
    ['lag at 20,000/s, ours: p50 p99 p99.9 ms', ours.p50, ours.p99, ours.p999],
    ['lag at 20,000/s, bare ws: p50 p99 p99.9 ms', bare.p50, bare.p99, bare.p999],
    ['reconnect: p50 max ms', reconnect_ms.p50, reconnect_ms.max],
    ['memory of a connection, ours: idle busy KiB', memory_kib.ours.idle, memory_kib.ours.busy],
    ['memory of a connection, bare ws: idle busy KiB', memory_kib.bare.idle, memory_kib.bare.busy],
  ],
}
