import { z } from 'zod'
import { defineSource } from '../../runtime/define.ts'
import { guardOf } from '../../schemas/guard.ts'
import { Trade } from '../../schemas/market.ts'
import { feedParams, openFeed } from '../feed/feed.ts'
import type { Rest } from '../feed/rest.ts'
import type { Channel, Missing, Row } from '../feed/venue.ts'
import { fillBack } from './fill_back.ts'
import { ask, connectionOf, delivery, instruments, symbol } from './markets.ts'
import { isDecimal, isFields, microsOf, readerOf, rowsOf, wholeOf } from './wire.ts'

const params = z.strictObject(feedParams(symbol))
const isTrade = guardOf(Trade)

/** Reads `trades-all`, one trade a row, and `trades`, which folds `count` of one order and price into the last. */
export const readTrades = readerOf<Trade>(['trades-all', 'trades'], ({ symbol: asked, data }) =>
  rowsOf(data, (given) => tradeOf(given, asked), 'trade_fields'),
)
// www.okx.com/docs-v5/en, "WS / All trades channel", "WS / Trades channel", "GET / Trades history" (2026-08).
function tradeOf(given: unknown, asked: string): Row<Trade> | undefined {
  if (!isFields(given)) return undefined
  const { instId, tradeId, px, sz, side, ts, count = '1' } = given
  const [id, at, folded] = [wholeOf(tradeId), microsOf(ts), wholeOf(count)]
  if (id === undefined || at === undefined || folded === undefined || !isDecimal(px) || !isDecimal(sz)) return undefined
  if (side !== 'buy' && side !== 'sell') return undefined
  const value = { price: Number(px), size: Number(sz), side: side === 'buy' ? 1 : -1, id }
  if (!isTrade(value)) return undefined
  const row = { symbol: typeof instId === 'string' ? instId : asked, at, id, value }
  return folded > 1 ? { ...row, first: Math.max(0, id - folded + 1) } : row
}

const PAGE = 100
/** More than this is hours of a busy instrument: the oldest of them stay missing. */
const PAGES = 50
/** `GET market/history-trades`: the last three months, newest first, earlier than the number `after`. */
const fill = (missing: Missing, rest: Rest): Promise<readonly Row<Trade>[]> =>
  fillBack(missing, PAGES, async (after) => {
    const { symbol: instId } = missing
    const answer = await ask(rest, 'market/history-trades', { instId, type: 1, after, limit: PAGE })
    return answer.map((given) => tradeOf(given, instId))
  })

export const tradesChannel = ({ symbols }: { readonly symbols: readonly string[] }): Channel<Trade> => ({
  ...connectionOf('business', 'trades-all', symbols),
  name: 'okx_trades',
  read: readTrades,
  numbering: 'contiguous',
  fill,
})

/** Trades of OKX as they are printed. */
export const okxTrades = defineSource({
  name: 'okx_trades',
  version: 1,
  summary: 'Trades of OKX spot, swap, futures and option markets from its public trade stream.',
  notes: `${instruments} Event time is the time of the fill; the side is that of the taker; sizes are base units on spot, contracts elsewhere, as OKX tells them. The channel is \`trades-all\`: one match a row, so that the next number is the proof that nothing is missing and rows asked for over REST are the rows of the stream; \`trades\` folds the matches of one order at one price into one. Gaps: OKX numbers the trades of an instrument without holes. What is missing is asked for over REST (market/history-trades: three months back, the newest 5000 of a hole) and told in its place, behind an event \`filled\`; what cannot be had in \`fill_within\` is a gap, with the count. Where a symbol stays silent after a reconnection, its gap is told before its first heartbeat. Repeated trades are dropped and counted as invalid (\`duplicate\`). ${delivery}`,
  output: Trade,
  params,
  lateness: ({ lateness }) => lateness,
  open: (given, context) => openFeed(tradesChannel(given), given, context),
  example: { params: { symbols: ['BTC-USDT', 'BTC-USDT-SWAP'] } },
})
