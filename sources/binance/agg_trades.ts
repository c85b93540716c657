import { z } from 'zod'
import { defineSource } from '../../runtime/define.ts'
import { guardOf } from '../../schemas/guard.ts'
import { Trade } from '../../schemas/market.ts'
import { feedParams, openFeed } from '../feed/feed.ts'
import type { Channel, Row, Word } from '../feed/venue.ts'
import { fillFrom } from './fill_from.ts'
import { delivery, instruments, type MarketName, market, marketOf, ofMarket, streamsUrl, symbol } from './markets.ts'
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

const Page = z.array(z.record(z.string(), z.unknown()))

export function aggTradesChannel({
  symbols,
  market,
}: {
  readonly symbols: readonly string[]
  readonly market: MarketName
}): Channel<Trade> {
  const { streams, path } = marketOf(market)
  return {
    ...ofMarket(market),
    name: 'binance_agg_trades',
    url: (endpoint) => streamsUrl(endpoint ?? streams.market, symbols, 'aggTrade'),
    read: readAggTradeFrame,
    numbering: 'contiguous',
    fill: (missing, at) =>
      fillFrom(missing, async (query) =>
        z
          .parse(Page, await at.get(`${path}/aggTrades`, query))
          .map((fields) => rowOf(missing.symbol, fields))
          .filter((row) => typeof row !== 'string'),
      ),
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
