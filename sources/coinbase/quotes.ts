import { z } from 'zod'
import { defineSource } from '../../runtime/define.ts'
import { guardOf } from '../../schemas/guard.ts'
import { Quote } from '../../schemas/market.ts'
import { feedParams, openFeed } from '../feed/feed.ts'
import type { Channel, Word } from '../feed/venue.ts'
import { delivery, instruments, listing, rest, streams, subscribe, symbol } from './products.ts'
import { type Fields, invalid, isCount, isDecimal, microsOf, readerOf } from './wire.ts'

const isQuote = guardOf(Quote)

/** Sizes came in 2022: frames recorded before have none. */
function readTicker(fields: Fields): Word<Quote> {
  const { product_id, sequence, time, best_bid, best_ask, best_bid_size = '0', best_ask_size = '0' } = fields
  const at = microsOf(time)
  if (typeof product_id !== 'string' || !isCount(sequence) || at === undefined) return invalid('ticker_fields')
  if (!isDecimal(best_bid) || !isDecimal(best_ask) || !isDecimal(best_bid_size) || !isDecimal(best_ask_size))
    return invalid('ticker_values')
  const value = {
    bid: Number(best_bid),
    ask: Number(best_ask),
    bid_size: Number(best_bid_size),
    ask_size: Number(best_ask_size),
  }
  return isQuote(value)
    ? { type: 'row', row: { symbol: product_id, at, id: sequence, value } }
    : invalid('ticker_values')
}
export const readTickerFrame = readerOf<Quote>({ ticker: readTicker })

export const quotesChannel = (symbols: readonly string[]): Channel<Quote> => ({
  name: 'coinbase_quotes',
  venue: 'coinbase',
  url: (endpoint) => endpoint ?? streams,
  greet: (names = symbols) => [subscribe('ticker', names)],
  read: readTickerFrame,
  // `sequence` counts all that happens to a product, and few of it are quotes
  numbering: 'ascending',
  rest,
  listing,
})

/** The best bid and ask of Coinbase Exchange, as of each match. */
export const coinbaseQuotes = defineSource({
  name: 'coinbase_quotes',
  version: 1,
  summary: 'Best bid and ask of Coinbase Exchange as of each match, from channel `ticker` of its WebSocket feed.',
  notes: `${instruments} A quote comes with a match, or with the last of several at once, and not when the book changes otherwise: \`coinbase_book\` tells that. The first, right after the connection, is that of the last match. Event time is the time of the match; sizes are 0 where Coinbase sends none, as before 2022. Gaps: \`sequence\` rises with holes that mean nothing, so every new connection is a gap. Duplicates are known by it, dropped and counted as invalid (\`duplicate\`): one quote that is repeated after a reconnection. ${delivery}`,
  output: Quote,
  params: z.strictObject(feedParams(symbol)),
  lateness: ({ lateness }) => lateness,
  open: (given, context) => openFeed(quotesChannel(given.symbols), given, context),
  example: { params: { symbols: ['BTC-USD', 'ETH-USD'] } },
})
