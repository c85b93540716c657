import { z } from 'zod'
import { defineSource } from '../../runtime/define.ts'
import { guardOf } from '../../schemas/guard.ts'
import { Trade } from '../../schemas/market.ts'
import { feedParams, openFeed } from '../feed/feed.ts'
import type { Rest } from '../feed/rest.ts'
import type { Channel, Missing, Row, Word } from '../feed/venue.ts'
import { delivery, instruments, listing, rest, streams, subscribe, symbol } from './products.ts'
import { type Fields, invalid, isCount, isDecimal, microsOf, readerOf } from './wire.ts'

const isTrade = guardOf(Trade)

/** `side` is that of the maker, so the aggressor did the other thing. A message of the feed and a row of REST say it alike. */
function rowOf(symbol: string, { side, size, price, trade_id: id, time }: Fields): Row<Trade> | string {
  const at = microsOf(time)
  if ((side !== 'buy' && side !== 'sell') || !isCount(id) || at === undefined || at === 0) return 'match_fields'
  if (!isDecimal(price) || !isDecimal(size)) return 'match_values'
  const value = { price: Number(price), size: Number(size), side: side === 'buy' ? -1 : 1, id }
  return isTrade(value) ? { symbol, at, id, value } : 'match_values'
}
function readMatch(fields: Fields): Word<Trade> {
  const { product_id } = fields
  const row = typeof product_id === 'string' ? rowOf(product_id, fields) : 'match_fields'
  return typeof row === 'string' ? invalid(row) : { type: 'row', row }
}
/**
 * `last_match`, the answer to a subscription, is left alone: it was told before, or lies before the feed began, hours
 * maybe, or was missed, and then the next trade shows that and it is asked for.
 */
export const readMatchFrame = readerOf<Trade>({ match: readMatch })

const Page = z.array(z.record(z.string(), z.unknown()))
const PAGE = 1000
/** `GET /products/{id}/trades`: the newest first, 1000 at most, those older than number `after` (Exchange REST API, 2026-11). */
async function fillTrades({ symbol, from, to }: Missing, rest: Rest): Promise<readonly Row<Trade>[]> {
  const rows = new Map<number, Row<Trade>>()
  for (let after = to + 1; after > from; ) {
    const limit = Math.min(PAGE, after - from)
    const page = z.parse(Page, await rest.get(`/products/${symbol}/trades`, { after, limit }))
    let oldest = after
    for (const fields of page) {
      const row = rowOf(symbol, fields)
      if (typeof row === 'string') continue
      if (row.id >= from && row.id <= to) rows.set(row.id, row)
      oldest = Math.min(oldest, row.id)
    }
    if (oldest === after) break
    after = oldest
  }
  return [...rows.values()].sort((a, b) => a.id - b.id)
}

export const tradesChannel = (symbols: readonly string[]): Channel<Trade> => ({
  name: 'coinbase_trades',
  venue: 'coinbase',
  url: (endpoint) => endpoint ?? streams,
  greet: (names = symbols) => [subscribe('matches', names)],
  read: readMatchFrame,
  numbering: 'contiguous',
  rest,
  fill: fillTrades,
  listing,
})

/** Trades of Coinbase Exchange as they are matched. */
export const coinbaseTrades = defineSource({
  name: 'coinbase_trades',
  version: 1,
  summary: 'Trades of Coinbase Exchange from channel `matches` of its WebSocket feed.',
  notes: `${instruments} Event time is the time of the match; the side is that of the aggressor, the other one than Coinbase tells. Gaps: \`trade_id\` counts the trades of a product without holes, so the next number proves that nothing was missed, over lost connections too. Coinbase says that this channel may drop messages: what is missing is asked for over REST (\`/products/{id}/trades\`) and told in its place, behind an event \`filled\`; what cannot be had in \`fill_within\` is a gap, with the count. The \`last_match\` that answers a subscription is no row. Duplicates are dropped and counted as invalid (\`duplicate\`). ${delivery}`,
  output: Trade,
  params: z.strictObject(feedParams(symbol)),
  lateness: ({ lateness }) => lateness,
  open: (given, context) => openFeed(tradesChannel(given.symbols), given, context),
  example: { params: { symbols: ['BTC-USD', 'ETH-USD'] } },
})
