import { z } from 'zod'
import { defineSource } from '../../runtime/define.ts'
import { guardOf } from '../../schemas/guard.ts'
import { Quote } from '../../schemas/market.ts'
import { feedParams, openFeed } from '../feed/feed.ts'
import type { Channel, Row, Word } from '../feed/venue.ts'
import { delivery, heartbeats, instruments, listing, rest, streams, subscribe, symbol } from './pairs.ts'
import { type Fields, invalid, microsOf, readerOf } from './wire.ts'

const isQuote = guardOf(Quote)

function readQuotes(entries: readonly Fields[]): Word<Quote> {
  const rows: Row<Quote>[] = []
  for (const { symbol, bid, bid_qty, ask, ask_qty, timestamp } of entries) {
    const at = timestamp === undefined ? 0 : microsOf(timestamp)
    if (typeof symbol !== 'string' || at === undefined) return invalid('ticker_fields')
    const value = { bid, ask, bid_size: bid_qty, ask_size: ask_qty }
    if (!isQuote(value)) return invalid('ticker_values')
    rows.push({ symbol, at, id: 0, value })
  }
  return { type: 'rows', rows }
}
export const readTickerFrame = readerOf<Quote>({ channel: 'ticker', entries: readQuotes })

export const quotesChannel = (symbols: readonly string[]): Channel<Quote> => ({
  name: 'kraken_quotes',
  venue: 'kraken',
  url: (endpoint) => endpoint ?? streams,
  greet: (names = symbols) => [subscribe('ticker', names, { event_trigger: 'bbo', snapshot: true })],
  read: readTickerFrame,
  numbering: 'none',
  rest,
  listing,
})

/** The best bid and ask of Kraken's books. */
export const krakenQuotes = defineSource({
  name: 'kraken_quotes',
  version: 1,
  summary: 'Best bid and ask of Kraken spot markets from channel `ticker` of its WebSocket API v2.',
  notes: `${instruments} A quote comes with every change of the best bid or ask (\`event_trigger: bbo\`), the first right after the connection. Event time is the \`timestamp\` of the message; where Kraken sends none (its pages of 2023 show none) it is the local time of receipt. Gaps: quotes have no numbers, so every new connection is a gap; what happened meanwhile is lost, and the first quote says what holds. Duplicates cannot be told apart and do no harm. ${heartbeats} ${delivery}`,
  output: Quote,
  params: z.strictObject(feedParams(symbol)),
  lateness: ({ lateness }) => lateness,
  open: (given, context) => openFeed(quotesChannel(given.symbols), given, context),
  example: { params: { symbols: ['BTC/USD', 'ETH/USD'] } },
})
