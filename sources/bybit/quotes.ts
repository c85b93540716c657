import { z } from 'zod'
import { defineSource } from '../../runtime/define.ts'
import { guardOf } from '../../schemas/guard.ts'
import { Quote } from '../../schemas/market.ts'
import { feedParams, openFeed } from '../feed/feed.ts'
import type { Channel } from '../feed/venue.ts'
import { bookFrame } from './book_frame.ts'
import { connectionOf, delivery, instruments, type Market, market, symbol } from './markets.ts'
import { invalid, readerOf } from './wire.ts'

const params = z.strictObject({ ...feedParams(symbol), market })
const isQuote = guardOf(Quote)

/** Reads `orderbook.1`, which tells the whole quote each time. While a side of the book is empty there is none. */
export const readQuotes = readerOf<Quote>('orderbook.1', (name, frame) => {
  const book = bookFrame(frame)
  if (book === undefined) return invalid('quote_fields')
  // Recorded in 2023, not sent any more (docs, 2026): a change of one side is no quote without the other.
  if (!book.snapshot) return invalid('quote_change')
  const [[bid, bid_size] = [], [ask, ask_size] = []] = [book.bids[0], book.asks[0]]
  if (bid === undefined || ask === undefined) return { type: 'rows', rows: [] }
  const value = { bid, ask, bid_size, ask_size }
  if (!isQuote(value)) return invalid('quote_values')
  return { type: 'row', row: { symbol: name, at: book.at, id: book.seq, value } }
})

export const quotesChannel = ({
  symbols,
  market,
}: {
  readonly symbols: readonly string[]
  readonly market: Market
}): Channel<Quote> => ({
  ...connectionOf(market, 'orderbook.1', symbols),
  name: 'bybit_quotes',
  read: readQuotes,
  numbering: 'ascending',
})

/** Best bids and asks of Bybit. */
export const bybitQuotes = defineSource({
  name: 'bybit_quotes',
  version: 1,
  summary: 'The best bid and ask of Bybit markets, every 10 ms in which they change.',
  notes: `${instruments} Event time is that of the matching engine; sizes are base units on spot and linear markets, units of the quote currency on inverse ones. While one side of a book is empty there is no quote. Gaps: quotes are numbered by \`seq\`, which rises with holes and, unlike \`u\`, does not begin anew when the service restarts; so every new connection is a gap of unknown count and nothing can be asked for again; a quote is whole, so the next one mends it. A quote that Bybit repeats after three seconds without a change is a row where it has a new number. ${delivery}`,
  output: Quote,
  params,
  lateness: ({ lateness }) => lateness,
  open: (given, context) => openFeed(quotesChannel(given), given, context),
  example: { params: { symbols: ['BTCUSDT'], market: 'linear' } },
})
