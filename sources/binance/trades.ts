import { z } from 'zod'
import { defineSource } from '../../runtime/define.ts'
import { guardOf } from '../../schemas/guard.ts'
import { Trade } from '../../schemas/market.ts'
import { feedParams, openFeed } from '../feed/feed.ts'
import type { Channel, Row, Word } from '../feed/venue.ts'
import { fillFrom } from './fill_from.ts'
import { delivery, instruments, type MarketName, market, marketOf, ofMarket, streamsUrl, symbol } from './markets.ts'
import { scanTrade } from './scan_trade.ts'
import { type Fields, invalid, isCount, isDecimal, microsOf, readerOf } from './wire.ts'

const params = z.strictObject({ ...feedParams(symbol), market })
export type BinanceTradesParams = z.output<typeof params>

const isTrade = guardOf(Trade)

// Fields: "Trade Streams". The futures stream is not documented; its frames carry the same fields and `X`, as recorded
// in 2019-2024.
function readTrade({ s: symbol, t: id, p, q, T, m, X }: Fields): Word<Trade> {
  if (typeof symbol !== 'string' || typeof p !== 'string' || typeof q !== 'string' || typeof m !== 'boolean')
    return invalid('trade_fields')
  if (!isCount(id) || !isCount(T)) return invalid('trade_fields')
  const at = microsOf(T)
  // Insurance fund and auto-deleveraging trades come at prices outside the book, some at price 0.
  if (X !== undefined && X !== 'MARKET') return { type: 'left_out', symbol, at, id }
  if (!isDecimal(p) || !isDecimal(q)) return invalid('trade_values')
  // `m`: the buyer was the maker, so the aggressor sold.
  const value = { price: Number(p), size: Number(q), side: m ? -1 : 1, id }
  return isTrade(value) && Number.isSafeInteger(at)
    ? { type: 'row', row: { symbol, at, id, value } }
    : invalid('trade_values')
}
const parse = readerOf<Trade>({ stream: 'trade', event: 'trade', data: readTrade })
/** The scanner reads what Binance sends every day; what it does not know is parsed. */
export const readTradeFrame = (bytes: Buffer, binary = false): Word<Trade> =>
  (binary ? undefined : scanTrade(bytes)) ?? parse(bytes, binary)
export { parse as parseTradeFrame }

const Old = z.object({ id: z.int(), price: z.string(), qty: z.string(), time: z.int(), isBuyerMaker: z.boolean() })
/** A trade as `GET historicalTrades` tells it. */
function oldTrade(
  symbol: string,
  { id, price, qty, time, isBuyerMaker }: z.output<typeof Old>,
): Row<Trade> | undefined {
  const value = { price: Number(price), size: Number(qty), side: isBuyerMaker ? -1 : 1, id } as const
  return isTrade(value) ? { symbol, at: microsOf(time), id, value } : undefined
}

export function tradesChannel({
  symbols,
  market,
}: {
  readonly symbols: readonly string[]
  readonly market: MarketName
}): Channel<Trade> {
  const { streams, path } = marketOf(market)
  return {
    ...ofMarket(market),
    name: 'binance_trades',
    url: (endpoint) => streamsUrl(endpoint ?? streams.public, symbols, 'trade'),
    read: readTradeFrame,
    numbering: 'contiguous',
    fill: (missing, at) =>
      fillFrom(missing, async (query) =>
        z
          .parse(z.array(Old), await at.get(`${path}/historicalTrades`, query))
          .map((old) => oldTrade(missing.symbol, old))
          .filter((row) => row !== undefined),
      ),
  }
}

/** Trades of Binance as they are printed. */
export const binanceTrades = defineSource({
  name: 'binance_trades',
  version: 2,
  summary: 'Trades of Binance spot or futures markets from its public trade stream.',
  notes: `${instruments} Event time is the trade time; the side is that of the aggressor. Futures trades outside the book (insurance fund, deleveraging) are left out. Gaps: Binance numbers the trades of a symbol without holes, so the next number proves that nothing was missed, over lost connections too. What is missing is asked for over REST (historicalTrades, which may want an API key on futures) and told in its place, behind an event \`filled\`; what cannot be had in \`fill_within\` is a gap, with the count. Where a symbol stays silent after a reconnection, its gap is told before its first heartbeat. Repeated trades are dropped and counted as invalid (\`duplicate\`). ${delivery}`,
  output: Trade,
  params,
  lateness: ({ lateness }) => lateness,
  open: (given, context) => openFeed(tradesChannel(given), given, context),
  example: { params: { symbols: ['BTCUSDT', 'ETHUSDT'] } },
})
