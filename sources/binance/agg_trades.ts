import { z } from 'zod'
import { defineSource } from '../../runtime/define.ts'
import { guardOf } from '../../schemas/guard.ts'
import { Trade } from '../../schemas/market.ts'
import { feedParams, openFeed } from '../feed/feed.ts'
import type { Rest } from '../feed/rest.ts'
import type { Channel, Missing, Row, Word } from '../feed/venue.ts'
import { delivery, instruments, type MarketName, market, marketOf, streamsUrl, symbol, symbolsOf } from './markets.ts'
import { type Fields, invalid, isCount, isDecimal, microsOf, readerOf } from './wire.ts'

const params = z.strictObject({ ...feedParams(symbol), market })
const isTrade = guardOf(Trade)

/** "Aggregate Trade Streams": the fills of one taker order at one price are one row. REST answers the same fields. */
function rowOf(symbol: string, { a: id, p, q, T, m }: Fields): Row<Trade> | string {
  if (typeof m !== 'boolean' || !isCount(id) || !isCount(T)) return 'aggTrade_fields'
  if (!isDecimal(p) || !isDecimal(q)) return 'aggTrade_values'
  const value = { price: Number(p), size: Number(q), side: m ? -1 : 1, id } as const
  return isTrade(value) ? { symbol, at: microsOf(T), id, value } : 'aggTrade_values'
}
function readData(fields: Fields): Word<Trade> {
  const { s } = fields
  const row = typeof s === 'string' ? rowOf(s, fields) : 'aggTrade_fields'
  return typeof row === 'string' ? invalid(row) : { type: 'row', row }
}
export const readAggTradeFrame = readerOf<Trade>({ stream: 'aggTrade', event: 'aggTrade', data: readData })

const PAGE = 1000
const Page = z.array(z.record(z.string(), z.unknown()))
/** `GET aggTrades` from a number on (REST API, Market Data endpoints, 2026-11). */
async function fill(path: string, { symbol, from, to }: Missing, rest: Rest): Promise<readonly Row<Trade>[]> {
  const rows: Row<Trade>[] = []
  for (let next = from; next <= to; ) {
    const limit = Math.min(PAGE, to - next + 1)
    const page = z.parse(Page, await rest.get(`${path}/aggTrades`, { symbol, fromId: next, limit }))
    const found = page.map((fields) => rowOf(symbol, fields)).filter((row) => typeof row !== 'string')
    rows.push(...found.filter(({ id }) => id >= next && id <= to))
    const newest = found.at(-1)
    if (newest === undefined || newest.id < next) break
    next = newest.id + 1
  }
  return rows
}

export function aggTradesChannel({
  symbols,
  market,
}: {
  readonly symbols: readonly string[]
  readonly market: MarketName
}): Channel<Trade> {
  const { venue, streams, rest, path } = marketOf(market)
  return {
    name: 'binance_agg_trades',
    venue,
    url: (endpoint) => streamsUrl(endpoint ?? streams.market, symbols, 'aggTrade'),
    greet: [],
    read: readAggTradeFrame,
    numbering: 'contiguous',
    rest,
    fill: (missing, at) => fill(path, missing, at),
    listing: async (at) => symbolsOf(await at.get(`${path}/exchangeInfo`)),
  }
}

/** Trades of Binance, those of one taker order at one price as one. */
export const binanceAggTrades = defineSource({
  name: 'binance_agg_trades',
  version: 1,
  summary: 'Aggregated trades of Binance spot or futures markets: one row for each taker order and price.',
  notes: `${instruments} Event time is the trade time; the side is that of the aggressor; the id is the number of the aggregate. Gaps: aggregates of a symbol are numbered without holes; what is missing is asked for over REST (aggTrades, no key) and told in its place, behind an event \`filled\`; what cannot be had in \`fill_within\` is a gap, with the count. Repeats are counted as invalid (\`duplicate\`). ${delivery}`,
  output: Trade,
  params,
  lateness: ({ lateness }) => lateness,
  open: (given, context) => openFeed(aggTradesChannel(given), given, context),
  example: { params: { symbols: ['BTCUSDT'], market: 'usdm' } },
})
