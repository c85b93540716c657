import { z } from 'zod'
import { defineSource } from '../../runtime/define.ts'
import { Book } from '../../schemas/market.ts'
import { feedParams, openFeed } from '../feed/feed.ts'
import type { BookMessage, Channel, Level, Word } from '../feed/venue.ts'
import { delivery, instruments, type MarketName, market, marketOf, ofMarket, streamsUrl, symbol } from './markets.ts'
import { type Fields, invalid, isCount, isDecimal, microsOf, readerOf } from './wire.ts'

const params = z.strictObject({
  ...feedParams(symbol),
  market,
  levels: z
    .union([z.literal(100), z.literal(500), z.literal(1000)])
    .default(1000)
    .describe('levels a side of the whole book that is asked for at the start; changes come for all'),
})

function levelsOf(value: unknown): readonly Level[] | undefined {
  if (!Array.isArray(value)) return undefined
  const levels: Level[] = []
  for (const level of value) {
    const [price, size] = Array.isArray(level) ? level : []
    if (!isDecimal(price) || !isDecimal(size) || Number(price) <= 0) return undefined
    levels.push([Number(price), Number(size)])
  }
  return levels
}

/**
 * "How to manage a local order book correctly" (Spot and USD-M, 2026-11). Spot: the first change after a book with
 * lastUpdateId L has U <= L + 1 <= u, later ones begin where the last one ended. Futures name the change before (`pu`),
 * and the first one has U <= L <= u.
 */
function readData({ s: symbol, E, T, U, u, pu, b, a }: Fields): Word<Book> {
  const time = T ?? E
  if (typeof symbol !== 'string' || !isCount(time) || !isCount(U) || !isCount(u)) return invalid('depthUpdate_fields')
  const bids = levelsOf(b)
  const asks = levelsOf(a)
  if (bids === undefined || asks === undefined) return invalid('depthUpdate_values')
  const from = isCount(pu) ? pu : U - 1
  const follows = [from, Math.max(from, u - 1)] as const
  return { type: 'book', message: { symbol, at: microsOf(time), snapshot: false, id: u, follows, bids, asks } }
}
export const readBookFrame = readerOf<Book>({ stream: 'depth', event: 'depthUpdate', data: readData })

const Whole = z.object({
  lastUpdateId: z.int(),
  T: z.int().optional(),
  bids: z.array(z.tuple([z.string(), z.string()])),
  asks: z.array(z.tuple([z.string(), z.string()])),
})
/** `GET depth`: spot tells no time. */
export function wholeBook(symbol: string, answer: unknown): BookMessage {
  const { lastUpdateId, T = 0, bids, asks } = z.parse(Whole, answer)
  const side = (levels: readonly (readonly [string, string])[]) =>
    levels.map(([price, size]): Level => [Number(price), Number(size)])
  return { symbol, at: microsOf(T), snapshot: true, id: lastUpdateId, bids: side(bids), asks: side(asks) }
}

export function bookChannel({
  symbols,
  market,
  levels,
}: {
  readonly symbols: readonly string[]
  readonly market: MarketName
  readonly levels: number
}): Channel<Book> {
  const { streams, path } = marketOf(market)
  return {
    ...ofMarket(market),
    name: 'binance_book',
    url: (endpoint) => streamsUrl(endpoint ?? streams.public, symbols, 'depth@100ms'),
    read: readBookFrame,
    numbering: 'none',
    book: {
      depth: 0,
      snapshot: async (symbol, at) => wholeBook(symbol, await at.get(`${path}/depth`, { symbol, limit: levels })),
    },
  }
}

/** Order books of Binance, changes every 100 ms. */
export const binanceBook = defineSource({
  name: 'binance_book',
  version: 1,
  summary: 'Order books of Binance spot or futures markets: a whole book, then every change of it.',
  notes: `${instruments} Rows are levels; between two rows that say \`last\` a book is half changed. Event time is that of the change; the whole book of spot tells none and gets that of the newest change heard. The whole book is asked for over REST; changes that came before it are told over it. Changes name the one they follow: a hole is a gap, and the book begins anew with a whole one, as it does after every lost connection. Binance gives no checksum; a book whose bid is not below its ask is not believed (\`crossed_book\`) and begins anew. ${delivery}`,
  output: Book,
  params,
  lateness: ({ lateness }) => lateness,
  open: (given, context) => openFeed(bookChannel(given), given, context),
  example: { params: { symbols: ['BTCUSDT'] } },
})
