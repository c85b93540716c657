import { z } from 'zod'
import { defineSource } from '../../runtime/define.ts'
import { guardOf } from '../../schemas/guard.ts'
import { Quote } from '../../schemas/market.ts'
import { feedParams, openFeed } from '../feed/feed.ts'
import type { Channel } from '../feed/venue.ts'
import { levelsOf } from './levels.ts'
import { connectionOf, delivery, instruments, symbol } from './markets.ts'
import { invalid, isFields, microsOf, readerOf, wholeOf } from './wire.ts'

const params = z.strictObject(feedParams(symbol))
const isQuote = guardOf(Quote)

/** Reads `bbo-tbt`. While a side of the book is empty there is no quote. */
export const readQuotes = readerOf<Quote>(['bbo-tbt'], ({ symbol: instId, data }) => {
  const [given] = data
  if (!isFields(given) || data.length !== 1) return invalid('quote_fields')
  // www.okx.com/docs-v5/en, "WS / Order book channel" (2026-07).
  const [at, bids, asks] = [microsOf(given['ts']), levelsOf(given['bids']), levelsOf(given['asks'])]
  if (at === undefined || bids === undefined || asks === undefined) return invalid('quote_fields')
  const id = given['seqId'] === undefined ? 0 : wholeOf(given['seqId'])
  if (id === undefined) return invalid('quote_fields')
  const [[bid, bid_size] = [], [ask, ask_size] = []] = [bids[0], asks[0]]
  if (bid === undefined || ask === undefined) return { type: 'rows', rows: [] }
  const value = { bid, ask, bid_size, ask_size }
  if (!isQuote(value)) return invalid('quote_values')
  return { type: 'row', row: { symbol: instId, at, id, value } }
})

export const quotesChannel = ({ symbols }: { readonly symbols: readonly string[] }): Channel<Quote> => ({
  ...connectionOf('public', 'bbo-tbt', symbols),
  name: 'okx_quotes',
  read: readQuotes,
  numbering: 'ascending',
})

/** Best bids and asks of OKX. */
export const okxQuotes = defineSource({
  name: 'okx_quotes',
  version: 1,
  summary: 'The best bid and ask of OKX markets, every 10 ms in which they change.',
  notes: `${instruments} Event time is when the matching engine made the book; sizes are base units on spot, contracts elsewhere. While one side of a book is empty there is no quote. Gaps: the numbers of quotes rise with holes, so every new connection is a gap of unknown count and nothing can be asked for again; a quote is whole, so the next one mends it. The quote that OKX repeats after a minute without a change has the number of the one before and is no row. ${delivery}`,
  output: Quote,
  params,
  lateness: ({ lateness }) => lateness,
  open: (given, context) => openFeed(quotesChannel(given), given, context),
  example: { params: { symbols: ['BTC-USDT'] } },
})
