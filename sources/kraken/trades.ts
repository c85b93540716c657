import { z } from 'zod'
import { defineSource } from '../../runtime/define.ts'
import { guardOf } from '../../schemas/guard.ts'
import { Trade } from '../../schemas/market.ts'
import { feedParams, openFeed } from '../feed/feed.ts'
import type { Rest } from '../feed/rest.ts'
import type { Channel, Missing, Row, Word } from '../feed/venue.ts'
import {
  altnameOf,
  ask,
  delivery,
  heartbeats,
  instruments,
  listing,
  rest,
  streams,
  subscribe,
  symbol,
} from './pairs.ts'
import { type Fields, invalid, isCount, microsOf, readerOf } from './wire.ts'

const isTrade = guardOf(Trade)

/** `side` is that of the taker. */
function rowOf({ symbol, side, price, qty, trade_id: id, timestamp }: Fields): Row<Trade> | string {
  const at = microsOf(timestamp)
  if (typeof symbol !== 'string' || (side !== 'buy' && side !== 'sell') || !isCount(id) || at === undefined)
    return 'trade_fields'
  const value = { price, size: qty, side: side === 'buy' ? 1 : -1, id }
  return isTrade(value) ? { symbol, at, id, value } : 'trade_values'
}
function readTrades(entries: readonly Fields[]): Word<Trade> {
  const rows: Row<Trade>[] = []
  for (const entry of entries) {
    const row = rowOf(entry)
    // the numbers tell that the others are missing, and they are asked for again
    if (typeof row === 'string') return invalid(row)
    rows.push(row)
  }
  return { type: 'rows', rows }
}
export const readTradeFrame = readerOf<Trade>({ channel: 'trade', entries: readTrades })

/** Price, volume, time in s, `b` or `s`, `m` or `l`, nothing, number. */
const Old = z.tuple([z.string(), z.string(), z.number(), z.enum(['b', 's'])], z.unknown())
const Page = z.object({ last: z.string() }).catchall(z.array(Old))
const PAGE = 1000
/** `GET Trades`: 1000 at most from a time in ns on, and `last`, the time to go on from (REST API, Market Data, 2026-11). */
async function fillTrades({ symbol, from, to, since }: Missing, rest: Rest): Promise<readonly Row<Trade>[]> {
  const rows: Row<Trade>[] = []
  // the trade before the hole once more: whether `since` itself is given is not documented
  let next = `${since - 1}000`
  for (let pages = Math.ceil((to - from + 1) / PAGE) + 1; pages > 0; pages--) {
    const { last, ...byPair } = z.parse(Page, await ask(rest, 'Trades', { pair: altnameOf(symbol), since: next }))
    const page = Object.values(byPair).flat()
    for (const [price, qty, seconds, side, ...others] of page) {
      const [, , id] = others
      const value = { price: Number(price), size: Number(qty), side: side === 'b' ? 1 : -1, id } as const
      if (isTrade(value) && value.id >= from && value.id <= to)
        rows.push({ symbol, at: Math.floor(seconds * 1e6), id: value.id, value })
    }
    if (rows.at(-1)?.id === to || last === next || page.length < PAGE) break
    next = last
  }
  return rows
}

export const tradesChannel = (symbols: readonly string[]): Channel<Trade> => ({
  name: 'kraken_trades',
  venue: 'kraken',
  url: (endpoint) => endpoint ?? streams,
  // the last 50 trades would be repeats, or older than the feed
  greet: (names = symbols) => [subscribe('trade', names, { snapshot: false })],
  read: readTradeFrame,
  numbering: 'contiguous',
  rest,
  // public questions are counted: about one a second is not refused (its support pages, "API rate limits")
  restPace: 1e6,
  fill: fillTrades,
  listing,
})

/** Trades of Kraken as they are printed. */
export const krakenTrades = defineSource({
  name: 'kraken_trades',
  version: 1,
  summary: 'Trades of Kraken spot markets from channel `trade` of its WebSocket API v2.',
  notes: `${instruments} Event time is the time of the trade; the side is that of the aggressor. Gaps: \`trade_id\` counts the trades of a pair without holes, so the next number proves that nothing was missed, over lost connections too. What is missing is asked for over REST (\`Trades\`) and told in its place, behind an event \`filled\`; the time of such a row may differ by a µs from what the stream would have told. What cannot be had in \`fill_within\` is a gap, with the count. Duplicates are dropped and counted as invalid (\`duplicate\`). ${heartbeats} ${delivery}`,
  output: Trade,
  params: z.strictObject(feedParams(symbol)),
  lateness: ({ lateness }) => lateness,
  open: (given, context) => openFeed(tradesChannel(given.symbols), given, context),
  example: { params: { symbols: ['BTC/USD', 'ETH/USD'] } },
})
