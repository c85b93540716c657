import { z } from 'zod'
import { defineSource } from '../../runtime/define.ts'
import { guardOf } from '../../schemas/guard.ts'
import { Trade } from '../../schemas/market.ts'
import { feedParams, openFeed } from '../feed/feed.ts'
import type { Channel, Lost, Row } from '../feed/venue.ts'
import { connectionOf, delivery, instruments, type Market, market, symbol } from './markets.ts'
import { type Fields, invalid, isCount, isDecimal, isFields, microsOf, readerOf } from './wire.ts'

const params = z.strictObject({ ...feedParams(symbol), market })
const isTrade = guardOf(Trade)

/** Reads `publicTrade`. Block trades are agreed upon outside the book, and are no rows. */
export const readTrades = readerOf<Trade>('publicTrade', (symbol, { data }) => {
  // no number would show that it is missing
  const unread = { ...invalid('trade_fields'), symbol }
  if (!Array.isArray(data)) return unread
  const rows: Row<Trade>[] = []
  const lost: Lost[] = []
  for (const given of data) {
    const row = isFields(given) ? tradeOf(given) : undefined
    if (row === undefined) lost.push({ before: rows.length, reason: unread.reason, symbol })
    else if (given.BT !== true) rows.push(row)
  }
  if (lost.length === 0) return { type: 'rows', rows }
  return rows.length === 0 ? unread : { type: 'rows', rows, lost }
})
// bybit-exchange.github.io/docs/v5/websocket/public/trade (2026).
function tradeOf({ s: name, i, p, v, S, T }: Fields): Row<Trade> | undefined {
  const at = microsOf(T)
  if (typeof name !== 'string' || at === undefined || !isDecimal(p) || !isDecimal(v)) return undefined
  if (S !== 'Buy' && S !== 'Sell') return undefined
  // Contracts name a trade by a UUID, spot by a number of 19 digits, which a double does not hold: no number to us.
  const number = isDecimal(i) ? Number(i) : 0
  const id = isCount(number) ? number : 0
  const value = { price: Number(p), size: Number(v), side: S === 'Buy' ? 1 : -1, id }
  return isTrade(value) ? { symbol: name, at, id, value } : undefined
}

export const tradesChannel = ({
  symbols,
  market,
}: {
  readonly symbols: readonly string[]
  readonly market: Market
}): Channel<Trade> => ({
  ...connectionOf(market, 'publicTrade', symbols),
  name: 'bybit_trades',
  read: readTrades,
  numbering: 'none',
})

/** Trades of Bybit as they are printed. */
export const bybitTrades = defineSource({
  name: 'bybit_trades',
  version: 1,
  summary: 'Trades of Bybit spot, linear or inverse markets from its public trade stream.',
  notes: `${instruments} Event time is the time of the fill; the side is that of the taker; sizes are base units on spot and linear markets, units of the quote currency on inverse ones. Block trades are left out. Gaps: Bybit's trades have no numbers that prove anything. Contracts name a trade by a UUID; the numbers of spot are shared by all its symbols and longer than a double holds; several trades share one \`seq\`. So every new connection is a gap of unknown count, a trade lost within a connection is not seen (but for one that cannot be read, which is a gap of reason \`sequence\`), repeats are not told from trades, and nothing is asked for again: of the newest 1000 trades that REST gives (60 on spot) none can be placed. \`id\` is 0. ${delivery}`,
  output: Trade,
  params,
  lateness: ({ lateness }) => lateness,
  open: (given, context) => openFeed(tradesChannel(given), given, context),
  example: { params: { symbols: ['BTCUSDT', 'ETHUSDT'], market: 'linear' } },
})
