import { fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
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
  readonly progress: (text: string) => void
}
export interface SoakResult {
  readonly messages: number
  readonly lost: number
  readonly doubled: number
  readonly unordered: number
  readonly conceded: number
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
}

const MOST_WAIT_MS = 60_000
const megabytes = () => Math.round(process.memoryUsage.rss() / 1e6)
const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))

/** Lets `binance_trades` live with a flood and a bad network, and keeps its books. */
export async function soak(options: SoakOptions): Promise<SoakResult> {
  const { rate, symbols, seed, every, connections, progress } = options
  const settings = [symbols, rate, seed, every * 1e6].map(String)
  const ground = fork(fileURLToPath(new URL('ground.ts', import.meta.url)), settings, {
    execArgv: ['--import', 'tsx'],
    serialization: 'advanced',
  })
  try {
    const [{ url, rest, names }] = (await once(ground, 'message')) as [{ url: string; rest: string; names: string[] }]
    const account = new Account(names)
    const given = z.parse(binanceTrades.definition.params, {
      symbols: names,
      connections,
      stall_after: '5s',
      fill_within: '1m',
      max_jump: 0,
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
    const memory = [megabytes()]
    const ends = began + options.minutes * 60_000
    while (performance.now() < ends && failure === undefined) {
      await sleep(Math.min(10_000, Math.max(0, ends - performance.now())))
      memory.push(megabytes())
      progress(
        `${Math.round((performance.now() - began) / 1000)} s: ${account.rows} rows, ${account.filled} filled, ${account.conceded} conceded, ${account.lost} lost, ${account.doubled} doubled, ${account.unordered} unordered, ${memory.at(-1)} MB`,
      )
    }
    ground.send('end')
    const [ended] = (await once(ground, 'message')) as [Ended]
    const there = () => names.every((_, symbol) => account.reached(symbol) >= (ended.last[symbol] as number))
    for (const from = performance.now(); !there() && performance.now() - from < MOST_WAIT_MS; ) await sleep(100)
    subscription.unsubscribe()
    if (failure !== undefined) throw failure
    // what never came and nobody spoke of
    const behind = ended.last.reduce((sum, last, symbol) => sum + Math.max(0, last - account.reached(symbol)), 0)
    const { rows, doubled, unordered, conceded, corrupt, filled, unfilled, events, invalid } = account
    return {
      ...{ messages: rows, lost: account.lost + behind, doubled, unordered, conceded, corrupt, filled, unfilled },
      ...{ printed: ended.printed, seconds: Math.round((performance.now() - began) / 1000) },
      ...{ faults: ended.struck, events, invalid, asked: ended.asked, slow: ended.slow },
      rss_mb: [0, 0.25, 0.5, 0.75, 1].map((share) => memory[Math.floor(share * (memory.length - 1))] as number),
    }
  } finally {
    ground.kill('SIGKILL')
  }
}
