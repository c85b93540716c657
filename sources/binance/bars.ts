import { z } from 'zod'
import { defineSource } from '../../runtime/define.ts'
import { guardOf } from '../../schemas/guard.ts'
import { Bar } from '../../schemas/market.ts'
import { feedParams, openFeed } from '../feed/feed.ts'
import type { Rest } from '../feed/rest.ts'
import type { Channel, Missing, Row, Word } from '../feed/venue.ts'
import { delivery, instruments, type MarketName, market, marketOf, ofMarket, streamsUrl, symbol } from './markets.ts'
import { type Fields, invalid, isCount, isDecimal, isFields, microsOf, readerOf } from './wire.ts'

const [second, minute, hour, day] = [1e3, 60e3, 3600e3, 86_400e3]
/** Intervals of equal length, in ms: weeks begin on Mondays, months differ and are left out. */
const intervals = {
  ...{ '1s': second, '1m': minute, '3m': 3 * minute, '5m': 5 * minute, '15m': 15 * minute, '30m': 30 * minute },
  ...{ '1h': hour, '2h': 2 * hour, '4h': 4 * hour, '6h': 6 * hour, '8h': 8 * hour, '12h': 12 * hour },
  ...{ '1d': day, '3d': 3 * day, '1w': 7 * day },
} as const
type Interval = keyof typeof intervals

const params = z.strictObject({
  ...feedParams(symbol),
  market,
  interval: z
    .enum(Object.keys(intervals) as [Interval, ...Interval[]])
    .default('1m')
    .describe('length of a bar; 1s on spot'),
})
const isBar = guardOf(Bar)

interface Kline {
  readonly symbol: string
  readonly interval: Interval
  readonly times: readonly [open: unknown, close: unknown]
  /** Open, high, low, close, volume, quote volume. */
  readonly texts: readonly unknown[]
  readonly count: unknown
}
/** Bars are numbered by where they open, so that a missing one is seen. */
function rowOf({ symbol, interval, times: [open, close], texts, count }: Kline): Row<Bar> | string {
  if (!isCount(open) || !isCount(close) || !isCount(count)) return 'kline_fields'
  if (!texts.every(isDecimal)) return 'kline_values'
  const [o = 0, high = 0, low = 0, c = 0, volume = 0, turnover = 0] = texts.map(Number)
  const value = { open: o, high, low, close: c, volume, turnover, count, complete: true }
  // the close time is the last ms (or µs) of the bar
  const at = microsOf(close + 1)
  return isBar(value)
    ? { symbol, at, id: Math.floor(microsOf(open) / 1e3 / intervals[interval]), value }
    : 'kline_values'
}

const reader = (interval: Interval) =>
  readerOf<Bar>({
    stream: 'kline',
    event: 'kline',
    data({ s: symbol, k }): Word<Bar> {
      if (typeof symbol !== 'string' || !isFields(k)) return invalid('kline_fields')
      const { i } = k
      if (typeof i !== 'string') return invalid('kline_fields')
      if (i !== interval) return { type: 'other', what: `kline_${i}` }
      // a bar that is not closed is not a bar yet
      if (k['x'] !== true) return { type: 'rows', rows: [] }
      const { t, T, o, h, l, c, v, q, n } = k as Fields
      const row = rowOf({ symbol, interval, times: [t, T], texts: [o, h, l, c, v, q], count: n })
      return typeof row === 'string' ? invalid(row) : { type: 'row', row }
    },
  })

export { reader as barReaderOf }

const PAGE = 1000
const Page = z.array(z.array(z.unknown()))
/** `GET klines`: `[open time, o, h, l, c, volume, close time, quote volume, count, …]` (REST API, 2026-11). */
async function fill(
  path: string,
  interval: Interval,
  { symbol, from, to }: Missing,
  rest: Rest,
): Promise<readonly Row<Bar>[]> {
  const length = intervals[interval]
  const query = {
    symbol,
    interval,
    startTime: from * length,
    endTime: (to + 1) * length - 1,
    limit: Math.min(PAGE, to - from + 1),
  }
  const page = z.parse(Page, await rest.get(`${path}/klines`, query))
  return page
    .map(([t, o, h, l, c, v, T, q, n]) =>
      rowOf({ symbol, interval, times: [t, T], texts: [o, h, l, c, v, q], count: n }),
    )
    .filter((row) => typeof row !== 'string')
    .filter(({ id }) => id >= from && id <= to)
}

export function barsChannel({
  symbols,
  market,
  interval,
}: {
  readonly symbols: readonly string[]
  readonly market: MarketName
  readonly interval: Interval
}): Channel<Bar> {
  const { streams, path } = marketOf(market)
  return {
    ...ofMarket(market),
    name: 'binance_bars',
    url: (endpoint) => streamsUrl(endpoint ?? streams.market, symbols, `kline_${interval}`),
    read: reader(interval),
    numbering: 'contiguous',
    fill: (missing, at) => fill(path, interval, missing, at),
  }
}

/** Candles of Binance, told when they are closed. */
export const binanceBars = defineSource({
  name: 'binance_bars',
  version: 1,
  summary: 'Closed bars of Binance spot or futures markets, as Binance builds them.',
  notes: `${instruments} A bar is told when Binance says it is closed, stamped with its end. Volume is in base units (contracts on COIN-M, where turnover is in the base coin). Gaps: bars are numbered by where they open; missing ones are asked for over REST (klines) and told in their place, behind an event \`filled\`; what cannot be had in \`fill_within\` is a gap. ${delivery}`,
  output: Bar,
  params,
  lateness: ({ lateness }) => lateness,
  open: (given, context) => openFeed(barsChannel(given), given, context),
  example: { params: { symbols: ['BTCUSDT'], interval: '1m' } },
})
