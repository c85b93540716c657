import { z } from 'zod'
import { defineSource } from '../../runtime/define.ts'
import { guardOf } from '../../schemas/guard.ts'
import { Quote } from '../../schemas/market.ts'
import { feedParams, openFeed } from '../feed/feed.ts'
import type { Channel, Word } from '../feed/venue.ts'
import { delivery, instruments, type MarketName, market, marketOf, ofMarket, streamsUrl, symbol } from './markets.ts'
import { type Fields, invalid, isCount, isDecimal, microsOf, readerOf } from './wire.ts'

const params = z.strictObject({ ...feedParams(symbol), market })
const isQuote = guardOf(Quote)

/** "Individual Symbol Book Ticker Streams": spot tells no time, futures tell that of the matching engine. */
function readData({ s: symbol, u: id, b, B, a, A, T = 0 }: Fields): Word<Quote> {
  if (typeof symbol !== 'string' || !isCount(id) || !isCount(T)) return invalid('bookTicker_fields')
  if (!isDecimal(b) || !isDecimal(B) || !isDecimal(a) || !isDecimal(A)) return invalid('bookTicker_values')
  const value = { bid: Number(b), ask: Number(a), bid_size: Number(B), ask_size: Number(A) }
  return isQuote(value) ? { type: 'row', row: { symbol, at: microsOf(T), id, value } } : invalid('bookTicker_values')
}
export const readQuoteFrame = readerOf<Quote>({
  stream: 'bookTicker',
  event: 'bookTicker',
  data: readData,
  unnamed: (fields) => 'u' in fields && 'B' in fields && 'A' in fields,
})

export function quotesChannel({
  symbols,
  market,
}: {
  readonly symbols: readonly string[]
  readonly market: MarketName
}): Channel<Quote> {
  const { streams } = marketOf(market)
  return {
    ...ofMarket(market),
    name: 'binance_quotes',
    url: (endpoint) => streamsUrl(endpoint ?? streams.public, symbols, 'bookTicker'),
    read: readQuoteFrame,
    numbering: 'ascending',
  }
}

/** Best bids and asks of Binance. */
export const binanceQuotes = defineSource({
  name: 'binance_quotes',
  version: 1,
  summary: 'The best bid and ask of Binance spot or futures markets, at every change.',
  notes: `${instruments} Event time is that of the matching engine on futures; spot tells none, and the local time of receipt stands for it. Gaps: quotes carry the number of the book's update, which rises with holes; after a lost connection a gap is told, for a quote that was missed cannot be asked for. A quote whose bid is not below its ask is kept out (\`crossed_quote\`). ${delivery}`,
  output: Quote,
  params,
  lateness: ({ lateness }) => lateness,
  open: (given, context) => openFeed(quotesChannel(given), given, context),
  example: { params: { symbols: ['BTCUSDT'] } },
})
