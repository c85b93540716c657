import { z } from 'zod'
import { defineSource } from '../../runtime/define.ts'
import { Book } from '../../schemas/market.ts'
import { feedParams, openFeed } from '../feed/feed.ts'
import type { Channel } from '../feed/venue.ts'
import { bookFrame } from './book_frame.ts'
import { connectionOf, delivery, instruments, type Market, market, subscribedAnew, symbol } from './markets.ts'
import { invalid, type Reader, readerOf } from './wire.ts'

const depths = [50, 200, 1000] as const
type Depth = (typeof depths)[number]
const params = z.strictObject({
  ...feedParams(symbol),
  market,
  depth: z.literal(depths).default(50).describe('levels a side: 50 every 20 ms, 200 and 1000 less often'),
})

/** Reads `orderbook.DEPTH`. */
export const bookReader = (depth: Depth): Reader<Book> =>
  readerOf<Book>(`orderbook.${depth}`, (name, frame) => {
    const book = bookFrame(frame)
    if (book === undefined) return invalid('book_fields')
    const { at, id, bids, asks } = book
    // `u` 1 is a whole book after a restart of the service, whatever its type says (docs, 2026).
    const snapshot = book.snapshot || id === 1
    const follows = snapshot ? {} : { follows: [id - 1, id - 1] as const }
    return { type: 'book', message: { symbol: name, at, snapshot, id, bids, asks, ...follows } }
  })

export function bookChannel({
  symbols,
  market,
  depth,
}: {
  readonly symbols: readonly string[]
  readonly market: Market
  readonly depth: Depth
}): Channel<Book> {
  const channel = `orderbook.${depth}`
  return {
    ...connectionOf(market, channel, symbols),
    name: 'bybit_book',
    read: bookReader(depth),
    numbering: 'none',
    book: { depth, again: (name) => subscribedAnew(`${channel}.${name}`) },
  }
}

/** Order books of Bybit. */
export const bybitBook = defineSource({
  name: 'bybit_book',
  version: 1,
  summary: 'Order books of Bybit, 50 to 1000 levels a side: a whole book, then every change of it.',
  notes: `${instruments} Rows are levels; between two rows that say \`last\` a book is half changed. Event time is that of the matching engine; sizes are base units on spot and linear markets, units of the quote currency on inverse ones. Gaps: the number of a message is one more than that of the message before; any other is a gap, and the feed asks for the whole book again on the same connection, as it gets it after every lost connection. A whole book that Bybit sends of itself, after a restart with the number 1, takes the place of the old one. Bybit gives no checksum; a book whose bid is not below its ask is not believed (\`crossed_book\`) and begins anew. ${delivery}`,
  output: Book,
  params,
  lateness: ({ lateness }) => lateness,
  open: (given, context) => openFeed(bookChannel(given), given, context),
  example: { params: { symbols: ['BTCUSDT'], market: 'linear' } },
})
