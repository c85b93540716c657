import { z } from 'zod'
import { defineSource } from '../../runtime/define.ts'
import { Book } from '../../schemas/market.ts'
import { feedParams, openFeed } from '../feed/feed.ts'
import type { Channel, Level, Word } from '../feed/venue.ts'
import { delivery, instruments, listing, rest, streams, subscribe, symbol, unsubscribe } from './products.ts'
import { type Fields, invalid, isDecimal, microsOf, readerOf } from './wire.ts'

/** What `level2` was before it wanted a key: the same messages, those of 50 ms in one (Exchange, WebSocket Channels, 2026-11). */
const channel = 'level2_batch'

const isPair = (value: unknown): value is readonly unknown[] => Array.isArray(value) && value.length >= 2
/** A level that is no pair of decimals is left out: the feed has sent sizes such as `0.-10000` (recorded by tardis, YFI-USD). */
const levelsOf = (pairs: readonly unknown[]): readonly Level[] =>
  pairs.flatMap((pair): Level[] => {
    if (!isPair(pair)) return []
    const [price, size] = pair
    return isDecimal(price) && isDecimal(size) && Number(price) > 0 ? [[Number(price), Number(size)]] : []
  })

function readSnapshot({ product_id: symbol, bids, asks, time }: Fields): Word<Book> {
  const at = time === undefined ? 0 : microsOf(time)
  if (typeof symbol !== 'string' || at === undefined || !Array.isArray(bids) || !Array.isArray(asks))
    return invalid('snapshot_fields')
  return { type: 'book', message: { symbol, at, snapshot: true, id: 0, bids: levelsOf(bids), asks: levelsOf(asks) } }
}

function readUpdate({ product_id: symbol, changes, time }: Fields): Word<Book> {
  const at = microsOf(time)
  if (typeof symbol !== 'string') return invalid('l2update_fields')
  if (at === undefined || !Array.isArray(changes)) return { ...invalid('l2update_fields'), symbol }
  const sided = (changes as readonly unknown[]).filter(Array.isArray) as readonly (readonly unknown[])[]
  const levels = (side: string) => levelsOf(sided.filter(([s]) => s === side).map(([, price, size]) => [price, size]))
  const [bids, asks] = [levels('buy'), levels('sell')]
  if (bids.length + asks.length < changes.length) return { ...invalid('l2update_values'), symbol }
  return { type: 'book', message: { symbol, at, snapshot: false, id: 0, bids, asks } }
}
export const readBookFrame = readerOf<Book>({ snapshot: readSnapshot, l2update: readUpdate })

export const bookChannel = (symbols: readonly string[]): Channel<Book> => ({
  name: 'coinbase_book',
  venue: 'coinbase',
  url: (endpoint) => endpoint ?? streams,
  greet: (names = symbols) => [subscribe(channel, names)],
  read: readBookFrame,
  numbering: 'none',
  book: { depth: 0, again: (symbol) => [unsubscribe(channel, [symbol]), subscribe(channel, [symbol])] },
  rest,
  listing,
})

/** Books of Coinbase Exchange, which nothing proves. */
export const coinbaseBook = defineSource({
  name: 'coinbase_book',
  version: 1,
  summary: 'Order books of Coinbase Exchange from channel `level2_batch` of its WebSocket feed.',
  notes: `${instruments} Rows are levels: the whole book after the connection, all of it (tens of thousands of levels on busy products), then what changed, at most every 50 ms; \`last\` ends a message, between two of which the book is half changed. Event time is that of the message; a snapshot, and now and then a change, carries none and has the local time of its receipt. Gaps: this channel has neither numbers nor a checksum, so a message lost on a living connection cannot be seen, but for a change that cannot be read and a book that is crossed: that is a gap of reason \`sequence\`, an event \`resynced\` and a new snapshot. Coinbase guarantees delivery on \`level2\`, which wants a key. Every new connection is a gap. Duplicates change nothing. ${delivery}`,
  output: Book,
  params: z.strictObject(feedParams(symbol)),
  lateness: ({ lateness }) => lateness,
  open: (given, context) => openFeed(bookChannel(given.symbols), given, context),
  example: { params: { symbols: ['BTC-USD'] } },
})
