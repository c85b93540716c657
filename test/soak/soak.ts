import { fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { z } from 'zod'
import { wallClock } from '../../runtime/clock.ts'
import { type BinanceTradesParams, binanceTrades, tradesChannel } from '../../sources/binance/trades.ts'
import { openFeed } from '../../sources/feed/feed.ts'
import { Account } from './account.ts'
import type { Ended } from './ground.ts'

export interface SoakOptions {
  readonly minutes: number
  /** Messages a second. */
  readonly rate: number
  readonly symbols: number
  readonly seed: number
  /** Seconds between two faults, on average. */
  readonly every: number
  readonly connections: number
  /** Whether what is missing is asked for over REST. */
  readonly fill: boolean
  /** The feed speaks TLS, with a certificate nobody vouches for. */
  readonly tls: boolean
  readonly progress: (text: string) => void
}
export interface SoakResult {
  readonly messages: number
  readonly lost: number
  readonly doubled: number
  readonly unordered: number
  /** Told missing; of these, what the venue still had, and told missing though it was not. */
  readonly conceded: number
  readonly forgone: number
  readonly overtold: number
  readonly corrupt: number
  readonly filled: number
  readonly unfilled: readonly string[]
  readonly printed: number
  readonly seconds: number
  readonly faults: Readonly<Record<string, number>>
  readonly events: Readonly<Record<string, number>>
  readonly invalid: Readonly<Record<string, number>>
  readonly asked: number
  readonly slow: number
  /** Memory of the process under test over the run, in MB. */
  readonly rss_mb: readonly number[]
  /** What is in use after a full collection, at the start, in the middle and at the end. */
  readonly heap_mb: readonly number[]
  /** Share of one core the process under test took. */
  readonly cpu: number
}

/** Whether anything was lost, told twice, in the wrong order or not as it was; or not asked for though it was to be. */
export const isSound = (
  { lost, doubled, unordered, corrupt, overtold, forgone }: SoakResult,
  { fill }: Pick<SoakOptions, 'fill'>,
): boolean => lost + doubled + unordered + corrupt + overtold + (fill ? forgone : 0) === 0

const MOST_WAIT_MS = 60_000
/** Trades of a symbol that the venue remembers. */
const WINDOW = 2 ** 17
const megabytes = () => Math.round(process.memoryUsage.rss() / 1e6)
setFlagsFromString('--expose-gc')
const collect = runInNewContext('gc') as () => void
function heap(): number {
  collect()
  const { heapUsed, external } = process.memoryUsage()
  return Math.round((heapUsed + external) / 1e5) / 10
}
const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))

/** Lets `binance_trades` live with a flood and a bad network, and keeps its books. */
export async function soak(options: SoakOptions): Promise<SoakResult> {
  const { rate, symbols, seed, every, connections, fill, tls, progress } = options
  const settings = [...[symbols, rate, seed, every * 1e6, WINDOW].map(String), tls ? 'tls' : 'plain']
  if (tls) process.env['NODE_TLS_REJECT_UNAUTHORIZED'] = '0'
  const ground = fork(fileURLToPath(new URL('ground.ts', import.meta.url)), settings, {
    execArgv: ['--import', 'tsx'],
    serialization: 'advanced',
  })
  try {
    const [{ url, rest, names }] = (await once(ground, 'message')) as [{ url: string; rest: string; names: string[] }]
    const account = new Account(names, WINDOW)
    const given = z.parse(binanceTrades.definition.params, {
      symbols: names,
      connections,
      fill,
      stall_after: '5s',
      fill_within: '1m',
    }) as BinanceTradesParams
    const endpoints: Readonly<Record<string, string>> = { binance_trades: url, 'binance_trades.rest': rest }
    let failure: unknown
    const subscription = openFeed(tradesChannel(given), given, {
      clock: wallClock,
      random: Math.random,
      position: 0,
      endpoint: (name) => endpoints[name],
      notice: () => {},
    }).subscribe({
      next: (items) => account.take(items),
      error: (error) => {
        failure = error
      },
    })
    const began = performance.now()
    const spent = process.cpuUsage()
    const memory = [megabytes()]
    const ends = began + options.minutes * 60_000
    const marks = [began + Math.min(10_000, (ends - began) / 3), (began + ends) / 2, ends]
    const heaps: number[] = []
    while (performance.now() < ends && failure === undefined) {
      await sleep(Math.min(10_000, Math.max(0, ends - performance.now())))
      memory.push(megabytes())
      while (heaps.length < marks.length && performance.now() >= (marks[heaps.length] as number)) heaps.push(heap())
      progress(
        `${Math.round((performance.now() - began) / 1000)} s: ${account.rows} rows, ${account.filled} filled, ${account.conceded} conceded, ${account.lost} lost, ${account.doubled} doubled, ${account.unordered} unordered, ${memory.at(-1)} MB`,
      )
    }
    const { user, system } = process.cpuUsage(spent)
    const cpu = Math.round((user + system) / (performance.now() - began) / 10) / 100
    ground.send('end')
    const [ended] = (await once(ground, 'message')) as [Ended]
    const there = () => names.every((_, symbol) => account.reached(symbol) >= (ended.last[symbol] as number))
    for (const from = performance.now(); !there() && performance.now() - from < MOST_WAIT_MS; ) await sleep(100)
    subscription.unsubscribe()
    if (failure !== undefined) throw failure
    // what never came and nobody spoke of
    const behind = ended.last.reduce((sum, last, symbol) => sum + Math.max(0, last - account.reached(symbol)), 0)
    const { rows, doubled, unordered, conceded, forgone, overtold, corrupt, filled, unfilled, events, invalid } =
      account
    return {
      ...{ messages: rows, lost: account.lost + behind, doubled, unordered, conceded, forgone, overtold, corrupt },
      ...{ filled, unfilled, heap_mb: heaps, cpu },
      ...{ printed: ended.printed, seconds: Math.round((performance.now() - began) / 1000) },
      ...{ faults: ended.struck, events, invalid, asked: ended.asked, slow: ended.slow },
      rss_mb: [0, 0.25, 0.5, 0.75, 1].map((share) => memory[Math.floor(share * (memory.length - 1))] as number),
    }
  } finally {
    ground.kill('SIGKILL')
  }
}
