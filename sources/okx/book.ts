import { z } from 'zod'
import { defineSource } from '../../runtime/define.ts'
import { Book } from '../../schemas/market.ts'
import { feedParams, openFeed } from '../feed/feed.ts'
import { type Rest, RestFailure } from '../feed/rest.ts'
import type { BookMessage, Channel } from '../feed/venue.ts'
import { checksumOf } from './checksum.ts'
import { levelsOf } from './levels.ts'
import { ask, connectionOf, delivery, instruments, subscribedAnew, symbol } from './markets.ts'
import { invalid, isFields, microsOf, readerOf, wholeOf } from './wire.ts'

const params = z.strictObject(feedParams(symbol))

/** Reads `books` and the other channels of its form. */
export const readBook = readerOf<Book>(
  ['books', 'books-l2-tbt', 'books50-l2-tbt'],
  ({ symbol: instId, action, data }) => {
    const [given] = data
    if (data.length !== 1 || (action !== 'snapshot' && action !== 'update')) return invalid('book_fields')
    const message = bookOf(given, instId, action === 'snapshot')
    if (message === undefined) return invalid('book_fields')
    const proven = message.snapshot || message.follows !== undefined || message.checksum !== undefined
    return proven ? { type: 'book', message } : { ...invalid('book_numbers'), symbol: instId }
  },
)
// www.okx.com/docs-v5/en, "WS / Order book channel" (2026-07).
function bookOf(given: unknown, instId: string, snapshot: boolean): BookMessage | undefined {
  if (!isFields(given)) return undefined
  const [at, bids, asks] = [microsOf(given['ts']), levelsOf(given['bids']), levelsOf(given['asks'])]
  if (at === undefined || bids === undefined || asks === undefined) return undefined
  const [id, before, checksum] = [wholeOf(given['seqId']), wholeOf(given['prevSeqId']), given['checksum']]
  return {
    ...{ symbol: instId, at, snapshot, id: id ?? 0, bids, asks },
    // The first change after a book of REST may begin before that book (change log, 2026-02-12). `seqId` below `prevSeqId`
    // is a numbering that begins anew, `seqId` equal to it a message without a change ("Sequence ID").
    ...(!snapshot &&
      id !== undefined &&
      before !== undefined && { follows: [before, Math.max(before, id - 1)] as const }),
    // 0 since 2026-06-23, and without a meaning then (announcement of 2026-05-21).
    ...(Number.isSafeInteger(checksum) && checksum !== 0 && { checksum: checksum as number }),
  }
}

const LEVELS = 400
/** `GET market/books`. @throws RestFailure */
async function wholeBook(instId: string, rest: Rest): Promise<BookMessage> {
  const [given] = await ask(rest, 'market/books', { instId, sz: LEVELS })
  const message = bookOf(given, instId, true)
  if (message === undefined || message.id === 0)
    throw new RestFailure('refused', `OKX gave a book of ${instId} without its number`)
  return message
}

export const bookChannel = ({ symbols }: { readonly symbols: readonly string[] }): Channel<Book> => ({
  ...connectionOf('public', 'books', symbols),
  name: 'okx_book',
  read: readBook,
  numbering: 'none',
  book: {
    depth: LEVELS,
    checksum: checksumOf,
    snapshot: wholeBook,
    again: (instId) => subscribedAnew('books', instId),
  },
})

/** Order books of OKX, changes every 100 ms. */
export const okxBook = defineSource({
  name: 'okx_book',
  version: 1,
  summary: 'Order books of OKX, 400 levels a side: a whole book, then every change of it.',
  notes: `${instruments} Rows are levels; between two rows that say \`last\` a book is half changed. Event time is that of the book; sizes are base units on spot, contracts elsewhere. The stream begins with a whole book; it is asked for over REST too, because OKX has announced that it will stop (change log of 2026-02-12), and whichever comes first is told. Changes name the message they follow: a hole is a gap, and the book begins anew with a whole one, as it does after every lost connection. A numbering that begins anew in maintenance is followed, messages without a change are none. The checksum of the best 25 levels is verified where OKX tells one: since 2026-06-23 it tells 0 everywhere. A book whose bid is not below its ask is not believed (\`crossed_book\`) and begins anew; before an instrument opens OKX's books may be crossed. OKX recommends fewer than 30 books a connection. ${delivery}`,
  output: Book,
  params,
  lateness: ({ lateness }) => lateness,
  open: (given, context) => openFeed(bookChannel(given), given, context),
  example: { params: { symbols: ['BTC-USDT'] } },
})
