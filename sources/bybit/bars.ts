import { z } from 'zod'
import { defineSource } from '../../runtime/define.ts'
import { guardOf } from '../../schemas/guard.ts'
import { Bar } from '../../schemas/market.ts'
import { feedParams, openFeed } from '../feed/feed.ts'
import type { Rest } from '../feed/rest.ts'
import type { Channel, Missing, Row } from '../feed/venue.ts'
import { ask, connectionOf, delivery, instruments, type Market, market, symbol } from './markets.ts'
import { invalid, isDecimal, isFields, microsOf, type Reader, readerOf } from './wire.ts'

/** Bybit's names: minutes, and `D`. */
const names = {
  ...{ '1m': '1', '3m': '3', '5m': '5', '15m': '15', '30m': '30' },
  ...{ '1h': '60', '2h': '120', '4h': '240', '6h': '360', '12h': '720', '1d': 'D' },
} as const
type Interval = keyof typeof names
const lengthOf = (interval: Interval): number => (interval === '1d' ? 1440 : Number(names[interval])) * 60e6

const params = z.strictObject({
  ...feedParams(symbol),
  market,
  interval: z
    .enum(Object.keys(names) as [Interval, ...Interval[]])
    .default('1m')
    .describe('length of a bar'),
})
const isBar = guardOf(Bar)
interface Series {
  readonly symbols: readonly string[]
  readonly market: Market
  readonly interval: Interval
}

/** Reads the klines of one length. One that is still open is data, and no row. */
export const barsReader = (series: Omit<Series, 'symbols'>): Reader<Bar> =>
  readerOf<Bar>(`kline.${names[series.interval]}`, (name, { data }) => {
    if (!Array.isArray(data)) return invalid('bar_fields')
    const rows: Row<Bar>[] = []
    for (const given of data) {
      if (isFields(given) && given['confirm'] === false) continue
      const { start, open, high, low, close, volume, turnover, confirm } = isFields(given) ? given : {}
      const fields = [start, open, high, low, close, volume, turnover]
      const row = confirm === true ? barOf(fields, name, series) : undefined
      if (row === undefined) return invalid('bar_fields')
      rows.push(row)
    }
    return { type: 'rows', rows }
  })
// bybit-exchange.github.io/docs/v5/websocket/public/kline, docs/v5/market/kline (2026). Bars are numbered by where they
// open, so that a missing one is seen.
function barOf(
  [time, ...texts]: readonly unknown[],
  name: string,
  { market, interval }: Omit<Series, 'symbols'>,
): Row<Bar> | undefined {
  const start = microsOf(time)
  if (start === undefined || texts.length < 6 || !texts.every(isDecimal)) return undefined
  const [open, high, low, close, traded, worth] = texts.map(Number)
  // Inverse contracts are counted in units of the quote currency, and their turnover in the base coin.
  const [volume, turnover] = market === 'inverse' ? [worth, traded] : [traded, worth]
  const value = { open, high, low, close, volume, turnover, count: 0, complete: true }
  const length = lengthOf(interval)
  return isBar(value) ? { symbol: name, at: start + length, id: Math.floor(start / length), value } : undefined
}

const PAGE = 1000
const Klines = z.object({ list: z.array(z.array(z.string())) })
/** `GET kline`, newest first: of a longer hole the newest are given. */
async function fill(
  { market, interval }: Series,
  { symbol: name, from, to }: Missing,
  rest: Rest,
): Promise<readonly Row<Bar>[]> {
  const length = lengthOf(interval) / 1e3
  const times = { start: from * length, end: (to + 1) * length - 1, limit: Math.min(PAGE, to - from + 1) }
  const query = { category: market, symbol: name, interval: names[interval], ...times }
  const { list } = z.parse(Klines, await ask(rest, 'kline', query))
  return list
    .map((given) => barOf(given, name, { market, interval }))
    .filter((row) => row !== undefined)
    .filter(({ id }) => id >= from && id <= to)
    .sort((a, b) => a.id - b.id)
}

export function barsChannel(series: Series): Channel<Bar> {
  return {
    ...connectionOf(series.market, `kline.${names[series.interval]}`, series.symbols),
    name: 'bybit_bars',
    read: barsReader(series),
    numbering: 'contiguous',
    fill: (missing, rest) => fill(series, missing, rest),
  }
}

/** Candles of Bybit, told when they are closed. */
export const bybitBars = defineSource({
  name: 'bybit_bars',
  version: 1,
  summary: 'Closed bars of Bybit markets, as Bybit builds them.',
  notes: `${instruments} A bar is told when Bybit confirms it, stamped with its end; what Bybit tells of open ones keeps the feed from counting as stalled, and is no row. Volume is in base units and turnover in quote units on all markets, unlike the sizes of trades of inverse contracts; how many trades are in a bar Bybit does not tell (\`count\` 0). Gaps: bars are numbered by where they open. Missing ones are asked for over REST (market/kline) and told in their place, behind an event \`filled\`; what cannot be had in \`fill_within\` is a gap. ${delivery}`,
  output: Bar,
  params,
  lateness: ({ lateness }) => lateness,
  open: (given, context) => openFeed(barsChannel(given), given, context),
  example: { params: { symbols: ['BTCUSDT'], market: 'linear', interval: '1m' } },
})
