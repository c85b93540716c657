import { z } from 'zod'
import { defineSource } from '../../runtime/define.ts'
import { guardOf } from '../../schemas/guard.ts'
import { Bar } from '../../schemas/market.ts'
import { feedParams, openFeed } from '../feed/feed.ts'
import type { Channel, Row, Word } from '../feed/venue.ts'
import { delivery, instruments, listing, rest, streams, subscribe, symbol } from './pairs.ts'
import { type Fields, invalid, isCount, microsOf, readerOf } from './wire.ts'

const isBar = guardOf(Bar)
const MINUTE = 60e6

/** Minutes of a candle, by the names of durations. */
const intervals = {
  '1m': 1,
  '5m': 5,
  '15m': 15,
  '30m': 30,
  '1h': 60,
  '4h': 240,
  '1d': 1440,
  '7d': 10_080,
  '15d': 21_600,
} as const
type Interval = keyof typeof intervals

function candleOf(fields: Fields, minutes: number): Row<Bar> | string {
  const { symbol, open, high, low, close, volume, vwap, trades, interval_begin, interval } = fields
  const begin = microsOf(interval_begin)
  if (typeof symbol !== 'string' || begin === undefined || typeof vwap !== 'number' || !isCount(trades))
    return 'ohlc_fields'
  if (interval !== minutes) return 'other_interval'
  if (typeof volume !== 'number') return 'ohlc_values'
  const turnover = vwap * volume
  const value = { open, high, low, close, volume, turnover, count: trades, complete: true }
  // the end of a candle is its time; its begin, in minutes, is its number
  return isBar(value) ? { symbol, at: begin + minutes * MINUTE, id: begin / MINUTE, value } : 'ohlc_values'
}

/**
 * A reader that tells a candle when a later one of its symbol has begun: until then Kraken sends it again with every
 * trade, and never says that it is over. So it remembers the newest of each symbol. What lies before the first that was
 * seen is older than the feed, and not told.
 */
export function candleReader(minutes: number): Channel<Bar>['read'] {
  const open = new Map<string, Row<Bar>>()
  return readerOf<Bar>({
    channel: 'ohlc',
    entries(entries, kind): Word<Bar> {
      const candles: Row<Bar>[] = []
      for (const entry of entries) {
        const candle = candleOf(entry, minutes)
        if (typeof candle === 'string') return invalid(candle)
        candles.push(candle)
      }
      const rows: Row<Bar>[] = []
      const first = new Set(candles.filter(({ symbol }) => !open.has(symbol)).map(({ symbol }) => symbol))
      if (kind === 'snapshot') forgetUnreached(open, candles)
      for (const candle of candles) {
        const before = open.get(candle.symbol)
        if (before !== undefined && !goesOn(before, candle)) continue
        if (before !== undefined && candle.id > before.id && !(kind === 'snapshot' && first.has(candle.symbol)))
          rows.push(before)
        open.set(candle.symbol, candle)
      }
      return { type: 'rows', rows }
    },
  })
}

/** A candle was open when the connection was lost, and Kraken's do not go back to it: nobody knows how it went on. */
function forgetUnreached(open: Map<string, Row<Bar>>, candles: readonly Row<Bar>[]): void {
  const oldest = new Map<string, number>()
  for (const { symbol, id } of candles) oldest.set(symbol, Math.min(id, oldest.get(symbol) ?? id))
  for (const [symbol, id] of oldest) if ((open.get(symbol)?.id ?? id) < id) open.delete(symbol)
}

/** Of two connections one may be behind: what knows of fewer trades is older. */
const goesOn = (before: Row<Bar>, { id, value }: Row<Bar>): boolean =>
  id > before.id || (id === before.id && value.count >= before.value.count)

const every = feedParams(symbol)
const params = z.strictObject({
  symbols: every.symbols,
  every: z
    .enum(Object.keys(intervals) as [Interval, ...Interval[]])
    .default('1m')
    .describe('length of a bar'),
  lateness: every.lateness,
  stall_after: every.stall_after,
  connections: every.connections,
  max_jump: every.max_jump,
})

export function barsChannel(symbols: readonly string[], every: Interval): Channel<Bar> {
  const interval = intervals[every]
  return {
    name: 'kraken_bars',
    venue: 'kraken',
    url: (endpoint) => endpoint ?? streams,
    greet: (names = symbols) => [subscribe('ohlc', names, { interval, snapshot: true })],
    read: candleReader(interval),
    numbering: 'ascending',
    rest,
    listing,
  }
}

/** No heartbeat: silence proves nothing of bars, whose end is told by the next trade. */
const silent = { heartbeat_every: 1e6, heartbeat_lag: Number.POSITIVE_INFINITY, fill: false, fill_within: 1 } as const

/** Candles of Kraken, each once, when it is over. */
export const krakenBars = defineSource({
  name: 'kraken_bars',
  version: 1,
  summary: 'Bars of Kraken spot markets from channel `ohlc` of its WebSocket API v2, each told once it is over.',
  notes: `${instruments} Event time is the end of the bar. Kraken never says that a candle is over: a bar is told when a trade of a later one comes, so on a quiet pair that may be minutes after its end; stretches without trades have no bar. \`turnover\` is volume times the average price as Kraken rounds it. Gaps: a new connection is a gap; Kraken begins it with recent candles, so bars that ended meanwhile are told all the same, as far as they go back; one that was open at the loss and lies further back is not told. Duplicates: a candle is told once, whatever is sent again. Heartbeats: none, for the open bar may still end in the past; a pipeline that must not wait for the next trade takes \`kraken_trades\` and \`time_bars\`. ${delivery}`,
  output: Bar,
  params,
  lateness: ({ lateness }) => lateness,
  open: (given, context) => openFeed(barsChannel(given.symbols, given.every), { ...given, ...silent }, context),
  example: { params: { symbols: ['BTC/USD'], every: '5m' } },
})
