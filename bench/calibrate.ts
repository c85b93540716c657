import { join } from 'node:path'
import { stdout } from 'node:process'
import type { Trade } from '../schemas/market.ts'
import { formatNamed } from '../sources/formats/catalogue.ts'
import { isInvalid } from '../sources/formats/format.ts'
import { importFile } from '../sources/formats/import_file.ts'
import { fitted } from '../sources/synthetic/fitted.ts'
import { Market, type OrderFlow } from '../sources/synthetic/order_flow.ts'
import {
  mean,
  type Order,
  ordersOf,
  productAt,
  quantile,
  statisticsOf,
  type Tick,
  variance,
} from '../sources/synthetic/statistics.ts'

// Fits the synthetic market to recorded trades and prints the constants for sources/synthetic/fitted.ts, and beside
// each other the statistics of the recordings and of the market. Run: TIDEGATE_DATA=... node --import tsx bench/calibrate.ts

const data = process.env['TIDEGATE_DATA'] ?? './data'
const recordings = [
  ['binance_raw_trades', 'ticks/binance-raw-frames/spot_btcusdt_20240808.jsonl.txt.gz'],
  ['crypto_microstructure_csv', 'ticks/binance-btc-2026-02-16T04/trades_btc_spot.csv.gz'],
] as const

async function ticksOf(format: string, path: string): Promise<readonly Tick[]> {
  const ticks: Tick[] = []
  for await (const block of importFile(formatNamed(format), join(data, path)))
    for (const item of block) if (!isInvalid(item)) ticks.push({ at: item.at, ...(item.value as Trade) })
  return ticks
}
function ticksOfMarket(flow: OrderFlow, seed: number, seconds: number): readonly Tick[] {
  const market = new Market(flow, { seed, stream: 0, start: 0, price: 60_000, volatility: 1 })
  const ticks: Tick[] = []
  for (; market.at < seconds * 1e6; market.next())
    for (let i = 0; i < market.count; i++)
      ticks.push({
        at: market.at,
        price: market.prices[i] as number,
        size: market.sizes[i] as number,
        side: market.side,
      })
  return ticks
}

/** The arguments that make `cost` smallest, by halving steps along each axis. */
function minimise(start: readonly number[], cost: (x: readonly number[]) => number): readonly number[] {
  let best = [...start]
  let least = cost(best)
  for (let step = 0.5; step > 1e-4; ) {
    let better = false
    for (let i = 0; i < best.length; i++)
      for (const sign of [-1, 1]) {
        const tried = best.map((v, j) => (j === i ? v + sign * step : v))
        const found = cost(tried)
        if (found < least) {
          best = tried
          least = found
          better = true
        }
      }
    if (!better) step /= 2
  }
  return best
}
const logistic = (x: number) => 1 / (1 + Math.exp(-x))

/** Most likely Hawkes process for the order times of all recordings together. */
function fitArrivals(recorded: readonly (readonly Order[])[]): OrderFlow['arrivals'] {
  const of = ([base, children, many, decay]: readonly number[]) => ({
    base: Math.exp(base as number),
    children: logistic(children as number),
    children_of_many: 2 * logistic(many as number),
    decay: Math.exp(decay as number),
  })
  const unlikelihood = (x: readonly number[]) => {
    const { base, children, children_of_many, decay } = of(x)
    let sum = 0
    for (const orders of recorded) {
      let excitement = 0
      let last = (orders[0] as Order).at / 1e6
      const begin = last
      orders.forEach(({ at, trades }, i) => {
        const born = trades.length > 1 ? children_of_many : children
        // Stamps are cut to ms: orders of one ms lie spread over it.
        const time = at / 1e6 + 0.0005
        excitement *= Math.exp(-decay * Math.max(0, time - last))
        sum -= Math.log(base + excitement)
        excitement += born * decay
        last = time
        sum += born * (1 - Math.exp(-decay * ((orders.at(-1) as Order).at / 1e6 - at / 1e6)))
        if (i === orders.length - 1) sum += base * (time - begin)
      })
    }
    return sum
  }
  return of(minimise([1, 0, 0, 3], unlikelihood))
}

function fitTrades(recorded: readonly (readonly Order[])[]): OrderFlow['trades'] {
  const counts = recorded.map((orders) => orders.map(({ trades }) => trades.length))
  const log = (count: number) => Math.log(count - 1.5)
  const pairs = counts.flatMap((of) => of.slice(1).map((count, i) => [of[i] as number, count] as const))
  const single = (of: readonly (readonly [number, number])[]) =>
    of.filter(([, count]) => count === 1).length / of.length
  // The size of the largest orders differs between the recordings: memory is measured inside each.
  const memories = counts.map((of) => {
    const logs = of.filter((count) => count > 1).map(log)
    const products = of.slice(1).flatMap((count, i) => {
      const last = of[i] as number
      return count > 1 && last > 1 ? [(log(count) - mean(logs)) * (log(last) - mean(logs))] : []
    })
    return mean(products) / variance(logs)
  })
  const logs = counts
    .flat()
    .filter((count) => count > 1)
    .map(log)
  return {
    single: single(pairs.filter(([last]) => last === 1)),
    single_after_many: single(pairs.filter(([last]) => last > 1)),
    log_mean: mean(logs),
    log_std: Math.sqrt(variance(logs)),
    memory: Math.min(0.99, Math.max(0, mean(memories))),
  }
}

function fitSide(recorded: readonly (readonly Order[])[]): OrderFlow['side'] {
  const lags = [1, 2, 3, 5, 10, 20, 50]
  const seen = lags.map((lag) =>
    mean(
      recorded.map((orders) =>
        productAt(
          orders.map(({ side }) => side),
          lag,
        ),
      ),
    ),
  )
  const [weight, keep, repeat] = minimise([-1, 4, -2], ([w, k, r]) =>
    lags.reduce((sum, lag, i) => {
      const [v, kept, c] = [logistic(w as number), logistic(k as number), logistic(r as number)]
      const gap = v * Math.exp(lag * Math.log(kept)) + (1 - v) * Math.exp(lag * Math.log(c)) - (seen[i] as number)
      return sum + gap * gap
    }, 0),
  ).map(logistic) as [number, number, number]
  return { repeat, mood_std: Math.sqrt(weight), mood_keep: keep }
}

/** Moves of the price as fractions of it: how many are one tick, and the log-normal of the others. */
function fitMoves(moves: readonly number[]) {
  const tick = 0.0100001
  const longer = moves.filter((move) => move > tick)
  return { one_tick: 1 - longer.length / moves.length, longer }
}
function fitWalk(orders: readonly Order[]): OrderFlow['walk'] {
  const steps = orders.flatMap(({ trades }) =>
    trades.slice(1).map(({ price }, i) => ({ price, move: Math.abs(price - (trades[i] as Tick).price) })),
  )
  const moves = steps.filter(({ move }) => move > 0)
  const { one_tick } = fitMoves(moves.map(({ move }) => move))
  const logs = moves.filter(({ move }) => move > 0.0100001).map(({ move, price }) => Math.log(move / price))
  // How much of the way an order walked is still there when the fifth order after it comes.
  let walkedBy = 0
  let walkedSquare = 0
  orders.forEach(({ trades, side }, i) => {
    const later = orders[i + 5]?.trades[0]
    const [first, last] = [trades[0] as Tick, trades.at(-1) as Tick]
    if (later === undefined) return
    const walked = (last.price - first.price) * side
    walkedBy += walked * (later.price - first.price) * side
    walkedSquare += walked * walked
  })
  return {
    step: moves.length / steps.length,
    one_tick,
    log_mean: mean(logs),
    log_std: Math.sqrt(variance(logs)),
    refill: Math.min(1, Math.max(0, 1 - walkedBy / walkedSquare)),
  }
}
/** Quotes that moved between two orders of one side, the first of which did not walk. */
function fitRevision(orders: readonly Order[]): OrderFlow['revision'] {
  const pairs = orders.slice(1).flatMap((order, i) => {
    const before = orders[i] as Order
    const [first, last] = [before.trades[0] as Tick, before.trades.at(-1) as Tick]
    const now = (order.trades[0] as Tick).price
    if (before.side !== order.side || first.price !== last.price) return []
    return [{ move: Math.abs(now - last.price), price: now }]
  })
  const moves = pairs.filter(({ move }) => move > 0)
  const { one_tick } = fitMoves(moves.map(({ move }) => move))
  const logs = moves.filter(({ move }) => move > 0.0100001).map(({ move, price }) => Math.log(move / price))
  return {
    chance: moves.length / pairs.length,
    one_tick,
    log_mean: mean(logs),
    log_std: Math.sqrt(variance(logs)),
    scale: 1,
  }
}

function fitSize(ticks: readonly Tick[]): OrderFlow['size'] {
  const lots = ticks.map(({ size }) => Math.round(size * 1e5))
  const counts = new Map<number, number>()
  for (const lot of lots) counts.set(lot, (counts.get(lot) ?? 0) + 1)
  const round = [...counts].filter(([, count]) => count / lots.length > 0.015).sort(([, a], [, b]) => b - a)
  const names = new Set(round.map(([lot]) => lot))
  const logs = lots.filter((lot) => !names.has(lot)).map(Math.log)
  // Two normals on the logs, by expectation and maximisation.
  let [weight, a, b, s, t] = [0.5, Math.log(20), Math.log(2000), 1, 1] as [number, number, number, number, number]
  for (let turn = 0; turn < 300; turn++) {
    const belongs = logs.map((x) => {
      const small = (weight / s) * Math.exp(-((x - a) * (x - a)) / (2 * s * s))
      const large = ((1 - weight) / t) * Math.exp(-((x - b) * (x - b)) / (2 * t * t))
      return small / (small + large)
    })
    const total = belongs.reduce((sum, p) => sum + p, 0)
    const rest = logs.length - total
    a = logs.reduce((sum, x, i) => sum + x * (belongs[i] as number), 0) / total
    b = logs.reduce((sum, x, i) => sum + x * (1 - (belongs[i] as number)), 0) / rest
    const [ma, mb] = [a, b]
    s = Math.sqrt(logs.reduce((sum, x, i) => sum + (belongs[i] as number) * (x - ma) * (x - ma), 0) / total)
    t = Math.sqrt(logs.reduce((sum, x, i) => sum + (1 - (belongs[i] as number)) * (x - mb) * (x - mb), 0) / rest)
    weight = total / logs.length
  }
  return {
    lots: round.map(([lot, count]) => [lot, count / lots.length] as const),
    small: weight,
    small_log_mean: a,
    small_log_std: s,
    large_log_mean: b,
    large_log_std: t,
    largest: Math.max(...lots),
  }
}

const over10s = 'return over 10 s, bp'
/** The one constant no count gives: moves between orders are scaled until returns over 10 s are as large as recorded. */
function fitScale(flow: OrderFlow, wanted: number): OrderFlow {
  const withScale = (scale: number): OrderFlow => ({ ...flow, revision: { ...flow.revision, scale } })
  let [low, high] = [0, 4]
  for (let turn = 0; turn < 12; turn++) {
    const scale = (low + high) / 2
    const found = statisticsOf(ticksOfMarket(withScale(scale), 1, 7200))[over10s] as number
    if (found < wanted) low = scale
    else high = scale
  }
  return withScale((low + high) / 2)
}

const rounded = (value: unknown): unknown => {
  if (typeof value === 'number') return Number(value.toPrecision(4))
  if (Array.isArray(value)) return value.map(rounded)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([name, v]) => [name, rounded(v)]))
}

const ticks = await Promise.all(recordings.map(([format, path]) => ticksOf(format, path)))
const orders = ticks.map(ordersOf)
const all = orders.flat()
const recorded = ticks.map(statisticsOf)
const wanted = Math.sqrt(mean(recorded.map((column) => (column[over10s] as number) * (column[over10s] as number))))
const flow = fitScale(
  {
    arrivals: fitArrivals(orders),
    trades: fitTrades(orders),
    side: fitSide(orders),
    walk: fitWalk(all),
    revision: fitRevision(all),
    size: fitSize(ticks.flat()),
  },
  wanted,
)
stdout.write(`${JSON.stringify(rounded(flow), undefined, 2)}\n\n`)

const fresh = JSON.stringify(rounded(flow)) === JSON.stringify(fitted)
stdout.write(`sources/synthetic/fitted.ts ${fresh ? 'holds these constants' : 'DIFFERS: write them there'}\n\n`)

// Thirty windows as long as a recording: what one window of the market gives varies as recordings do.
const windows = Array.from({ length: 30 }, (_, seed) => statisticsOf(ticksOfMarket(fitted, seed + 1, 320)))
const cell = (value: number) =>
  Math.abs(value) < 0.001 ? value.toExponential(1) : String(Number(value.toPrecision(3)))
stdout.write(
  '| statistic | 2024-08-08 | 2026-02-16 | synthetic, median | synthetic, 10 % to 90 % |\n|---|---|---|---|---|\n',
)
for (const name of Object.keys(recorded[0] ?? {})) {
  const values = windows.map((column) => column[name] as number).sort((a, b) => a - b)
  const [middle, low, high] = [0.5, 0.1, 0.9].map((share) => cell(quantile(values, share)))
  const [a, b] = recorded.map((column) => cell(column[name] as number))
  stdout.write(`| ${name} | ${a} | ${b} | ${middle} | ${low} to ${high} |\n`)
}
