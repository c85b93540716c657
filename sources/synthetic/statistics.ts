/** What the calibration compares: trades in order, stamps in µs. */
export interface Tick {
  readonly at: number
  readonly price: number
  readonly size: number
  readonly side: -1 | 0 | 1
}

/** Trades of one side at one stamp: what one order took from the book. */
export interface Order {
  readonly at: number
  readonly side: -1 | 0 | 1
  readonly trades: readonly Tick[]
}
export function ordersOf(ticks: readonly Tick[]): readonly Order[] {
  const orders: { at: number; side: -1 | 0 | 1; trades: Tick[] }[] = []
  for (const tick of ticks) {
    const last = orders.at(-1)
    if (last !== undefined && last.at === tick.at && last.side === tick.side) last.trades.push(tick)
    else orders.push({ at: tick.at, side: tick.side, trades: [tick] })
  }
  return orders
}

export const mean = (values: readonly number[]): number => values.reduce((sum, v) => sum + v, 0) / values.length
export const variance = (values: readonly number[]): number => {
  const middle = mean(values)
  return values.reduce((sum, v) => sum + (v - middle) * (v - middle), 0) / values.length
}
export const quantile = (sorted: readonly number[], share: number): number =>
  sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] as number
/** Mean product at a distance, about 0: for sides, whose mean is a trend and not an offset. */
export const productAt = (values: readonly number[], lag: number): number => {
  let sum = 0
  for (let i = lag; i < values.length; i++) sum += (values[i] as number) * (values[i - lag] as number)
  return sum / (values.length - lag)
}

/** The last price of each whole second. */
function closes(ticks: readonly Tick[]): readonly number[] {
  const [first] = ticks
  if (first === undefined) return []
  const out: number[] = []
  let price = first.price
  for (const tick of ticks) {
    const second = Math.floor((tick.at - first.at) / 1e6)
    while (out.length < second) out.push(price)
    price = tick.price
  }
  return out
}
/** Standard deviation of the log return over so many seconds, in basis points. */
function volatility(prices: readonly number[], seconds: number): number {
  const returns = prices.slice(seconds).map((price, i) => Math.log(price / (prices[i] as number)))
  return Math.sqrt(variance(returns)) * 1e4
}

/** One column of the calibration table. */
export function statisticsOf(ticks: readonly Tick[]): Readonly<Record<string, number>> {
  const [first, last] = [ticks[0] as Tick, ticks.at(-1) as Tick]
  const counts = new Array<number>(Math.floor((last.at - first.at) / 1e6)).fill(0)
  for (const { at } of ticks) {
    const second = Math.floor((at - first.at) / 1e6)
    if (second < counts.length) counts[second] = (counts[second] as number) + 1
  }
  const gaps = ticks.slice(1).map(({ at }, i) => (at - (ticks[i] as Tick).at) / 1000)
  const moves = ticks.slice(1).filter(({ price }, i) => price !== (ticks[i] as Tick).price).length
  const orders = ordersOf(ticks)
  const orderGaps = orders
    .slice(1)
    .map(({ at }, i) => (at - (orders[i] as Order).at) / 1000)
    .sort((a, b) => a - b)
  const sizes = ticks.map(({ size }) => size).sort((a, b) => a - b)
  const prices = closes(ticks)
  const orderSides = orders.map(({ side }) => side)
  return {
    'trades a second, mean': mean(counts),
    'trades a second, variance / mean': variance(counts) / mean(counts),
    'share of trades at the stamp before': gaps.filter((gap) => gap === 0).length / gaps.length,
    'trades an order, mean': ticks.length / orders.length,
    'share of orders of one trade': orders.filter(({ trades }) => trades.length === 1).length / orders.length,
    'ms between orders, 25 %': quantile(orderGaps, 0.25),
    'ms between orders, 50 %': quantile(orderGaps, 0.5),
    'ms between orders, 75 %': quantile(orderGaps, 0.75),
    'ms between orders, 95 %': quantile(orderGaps, 0.95),
    'return over 1 s, bp': volatility(prices, 1),
    'return over 10 s, bp': volatility(prices, 10),
    'return over 60 s, bp': volatility(prices, 60),
    'size, 10 %': quantile(sizes, 0.1),
    'size, 50 %': quantile(sizes, 0.5),
    'size, 90 %': quantile(sizes, 0.9),
    'size, 99 %': quantile(sizes, 0.99),
    'side, lag 1 of trades': productAt(
      ticks.map(({ side }) => side),
      1,
    ),
    'side, lag 1 of orders': productAt(orderSides, 1),
    'side, lag 10 of orders': productAt(orderSides, 10),
    'share of trades at the price before': 1 - moves / (ticks.length - 1),
  }
}
