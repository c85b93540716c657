import { z } from 'zod'
import { defineSource } from '../../runtime/define.ts'
import { Book } from '../../schemas/market.ts'
import { feedParams, openFeed } from '../feed/feed.ts'
import type { Channel, Level, Word } from '../feed/venue.ts'
import { bookChecksum } from './checksum.ts'
import { delivery, heartbeats, instruments, listing, rest, streams, subscribe, symbol, unsubscribe } from './pairs.ts'
import { type Fields, invalid, isCount, microsOf, readerOf } from './wire.ts'

/**
 * Prices and sizes are numbers in the text of a frame, with all their digits, and the checksum is taken of these: a
 * parsed 0.50930100 has lost two of them. So they are put in quotes first. Within a string a quote is escaped, so the
 * names are found as names only.
 */
const quoted = (text: string): string => text.replace(/"(price|qty)":\s*(-?\d[\d.eE+-]*)/g, '"$1":"$2"')

const decimal = /^\d+(?:\.\d+)?$/
function levelsOf(levels: unknown): readonly Level[] | undefined {
  if (!Array.isArray(levels)) return undefined
  const read: Level[] = []
  for (const level of levels as readonly (Fields | null)[]) {
    const { price, qty } = level ?? {}
    if (typeof price !== 'string' || typeof qty !== 'string' || !decimal.test(price) || !decimal.test(qty))
      return undefined
    if (Number(price) === 0) return undefined
    read.push([Number(price), Number(qty), price, qty])
  }
  return read
}

/** Kraken has sent one book a message, whatever was subscribed; of several the checksums would tell what is lost. */
function readBook([entry, ...more]: readonly Fields[], kind: 'snapshot' | 'update'): Word<Book> {
  const { symbol, bids, asks, checksum, timestamp } = entry ?? {}
  if (more.length > 0) return invalid('several_books')
  const at = timestamp === undefined ? 0 : microsOf(timestamp)
  if (typeof symbol !== 'string' || at === undefined || !isCount(checksum)) return invalid('book_fields')
  const [bidLevels, askLevels] = [levelsOf(bids), levelsOf(asks)]
  if (bidLevels === undefined || askLevels === undefined) return invalid('book_values')
  const snapshot = kind === 'snapshot'
  return { type: 'book', message: { symbol, at, snapshot, id: 0, bids: bidLevels, asks: askLevels, checksum } }
}
export const readBookFrame = readerOf<Book>({
  channel: 'book',
  parse: (text) => JSON.parse(quoted(text)) as unknown,
  entries: readBook,
})

const params = z.strictObject({
  ...feedParams(symbol),
  depth: z
    .literal([10, 25, 100, 500, 1000])
    .default(10)
    .describe('levels a side; the checksum proves the best ten, so behind those a book is only as good as its stream'),
  checksum: z
    .boolean()
    .default(true)
    .describe('whether a book must have the checksum Kraken says; off, for a pair whose checksums are wrong at Kraken'),
})

export function bookChannel({
  symbols,
  depth,
  checksum,
}: Pick<z.output<typeof params>, 'symbols' | 'depth' | 'checksum'>): Channel<Book> {
  return {
    name: 'kraken_book',
    venue: 'kraken',
    url: (endpoint) => endpoint ?? streams,
    greet: (names = symbols) => [subscribe('book', names, { depth, snapshot: true })],
    read: readBookFrame,
    numbering: 'none',
    book: {
      depth,
      ...(checksum && { checksum: bookChecksum }),
      again: (symbol) => [
        unsubscribe('book', [symbol], { depth }),
        subscribe('book', [symbol], { depth, snapshot: true }),
      ],
    },
    rest,
    listing,
  }
}

/** Books of Kraken, each message proven by its checksum. */
export const krakenBook = defineSource({
  name: 'kraken_book',
  version: 1,
  summary:
    'Order books of Kraken spot markets from channel `book` of its WebSocket API v2, each message proven by its CRC32.',
  notes: `${instruments} Rows are levels: a whole book after the connection, then what changed; \`last\` ends a message, between two of which the book is half changed. A level that falls behind \`depth\` is told as taken out, as Kraken does not say so itself. Event time is the \`timestamp\` of the message, or the local time of receipt where a snapshot has none. Gaps: messages have no numbers; the checksum of the best ten levels is compared after every message, and one that differs is a gap of reason \`sequence\`, an event \`resynced\` and a new snapshot on the same connection, and nothing is told in between. Every new connection is a gap. Duplicates change nothing, or break the checksum. ${heartbeats} ${delivery}`,
  output: Book,
  params,
  lateness: ({ lateness }) => lateness,
  open: (given, context) => openFeed(bookChannel(given), given, context),
  example: { params: { symbols: ['BTC/USD'], depth: 10 } },
})
