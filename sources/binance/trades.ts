import { Observable } from 'rxjs'
import { z } from 'zod'
import { defineSource, type SourceContext, type SourceItem } from '../../runtime/define.ts'
import { Trade } from '../../schemas/market.ts'
import { duration } from '../../schemas/units.ts'
import { type SocketLimits, socketLimits } from '../feed/socket.ts'
import { Feed } from './feed.ts'

// Spot: developers.binance.com, Spot, WebSocket Streams (2026-11). USD-M: only the routed paths are left since 2026-04-23
// (announcement of 2026-03-06); the raw trade stream is not in their list, ccxt takes it from /public (2026-04).
const markets = {
  spot: { base: 'wss://stream.binance.com:9443', venue: 'binance' },
  usdm: { base: 'wss://fstream.binance.com/public', venue: 'binance_usdm' },
  coinm: { base: 'wss://dstream.binance.com', venue: 'binance_coinm' },
} as const

const positive = (what: string) => duration().refine((micros) => micros > 0, `expected a positive ${what}`)
const params = z.strictObject({
  symbols: z
    .array(z.string().regex(/^[^\s/@?&a-z]{1,50}$/, 'expected a symbol as Binance spells it, such as BTCUSDT'))
    .min(1)
    .max(200)
    .refine((symbols) => new Set(symbols).size === symbols.length, 'expected each symbol once')
    .describe('symbols as Binance spells them, upper case'),
  market: z.enum(['spot', 'usdm', 'coinm']).default('spot').describe('spot, USD-M futures or COIN-M futures'),
  lateness: duration().default(0).describe('event time a trade may lag behind the newest before it counts as late'),
  stall_after: positive('duration').default(60e6).describe('silence of all symbols after which the feed reconnects'),
  heartbeat_every: positive('duration').default(1e6).describe('silence of a symbol after which its time is told'),
  heartbeat_lag: duration().default(2e6).describe('how far a heartbeat stays behind what has surely passed'),
})
export type BinanceTradesParams = z.output<typeof params>

/** Trades of Binance as they are printed. */
export const binanceTrades = defineSource({
  name: 'binance_trades',
  version: 1,
  summary: 'Trades of Binance spot or futures markets from its public trade stream.',
  notes:
    'Instruments are `binance:BTCUSDT` on spot, `binance_usdm:` and `binance_coinm:` on futures. Event time is the trade time; the side is that of the aggressor. Futures trades outside the book (insurance fund, deleveraging) are left out. ' +
    'Gaps: Binance numbers the trades of a symbol without holes. After a lost connection the first number decides: the next one proves that nothing was missed and no gap is told; any other is told right before its trade, with the count. Where a symbol stays silent after a reconnection, its gap is told before its first heartbeat. Repeated trades are dropped and counted as invalid (`duplicate`). ' +
    'Heartbeats: a silent symbol tells, every `heartbeat_every`, the time of the last sign of life on the connection less the largest offset between local clock and trade time of the last minutes, less `heartbeat_lag`; no sign of life, no heartbeat. A trade that comes later than that is late. ' +
    'Delivery: at most once; what was missed while disconnected is a gap, for the stream cannot be read back. Back pressure: none, Binance disconnects who reads too slowly. A misspelt symbol is silence: Binance does not say so, a notice does after `stall_after`.',
  output: Trade,
  params,
  lateness: ({ lateness }) => lateness,
  open: (given, context) => openTrades(given, context),
  example: { params: { symbols: ['BTCUSDT', 'ETHUSDT'] } },
})

/** The source with other bounds on its connection than Binance's own pace asks for. */
export function openTrades(
  given: BinanceTradesParams,
  context: SourceContext,
  limits: SocketLimits = socketLimits,
): Observable<readonly SourceItem[]> {
  const { base, venue } = markets[given.market]
  const streams = given.symbols.map((symbol) => `${encodeURIComponent(symbol.toLowerCase())}@trade`).join('/')
  const url = `${context.endpoint('binance_trades') ?? base}/stream?streams=${streams}`
  return new Observable((subscriber) => {
    const feed = new Feed({ ...given, name: 'binance_trades', venue, url }, context, subscriber)
    // Binance takes 5 messages a second from a client, pings included (same page, 2026-11): one a second is polite.
    const pingAfter = Math.max(given.heartbeat_every, limits.pingAfter)
    feed.start({ ...limits, pingAfter, stallAfter: given.stall_after })
    return () => feed.stop()
  })
}
