import { Observable } from 'rxjs'
import { z } from 'zod'
import { defineSource } from '../../runtime/define.ts'
import { Trade } from '../../schemas/market.ts'
import { duration } from '../../schemas/units.ts'
import { TradeFeed } from './trade_feed.ts'

const positive = () => duration().refine((micros) => micros > 0, 'expected a positive duration')
const params = z.strictObject({
  exchange: z.string().describe('as ccxt spells it: kraken, binanceusdm'),
  symbols: z
    .array(z.string().regex(/^\S{1,64}$/, 'expected a symbol as ccxt spells it, such as BTC/USDT'))
    .min(1)
    .max(200)
    .refine((symbols) => new Set(symbols).size === symbols.length, 'expected each symbol once')
    .describe('symbols as ccxt spells them, the same for every exchange: BTC/USDT, BTC/USDT:USDT'),
  by: z
    .enum(['poll', 'watch'])
    .default('poll')
    .describe('ask over REST again and again, or the WebSocket part of ccxt'),
  poll_every: positive()
    .default(1e6)
    .describe('how often every symbol is asked for; the rate limiter of ccxt may slow it'),
  rate_limit: positive()
    .exactOptional()
    .describe(
      'time between two requests at least, or a part of it for light ones; what ccxt knows of the exchange unless named',
    ),
  page: z
    .int()
    .min(2)
    .max(10_000)
    .exactOptional()
    .describe('trades asked for at once; what the exchange gives unless named'),
  lateness: duration().default(0).describe('event time a row may lag behind the newest before it counts as late'),
  heartbeat_every: positive().default(1e6).describe('silence of a symbol after which its time is told, when polled'),
  heartbeat_lag: duration().default(2e6).describe('how far a heartbeat stays behind what has surely passed'),
})

/** Trades of any exchange the package ccxt knows. */
export const ccxtTrades = defineSource({
  name: 'ccxt_trades',
  version: 1,
  summary:
    'Trades of any exchange that the optional package ccxt knows, with weaker guarantees than a feed of its own.',
  notes:
    'Needs `npm install ccxt`. Use the source of the venue itself where there is one. Instruments are `exchange:SYMBOL` with the symbol of ccxt (`kraken:BTC/USD`). Event time is that of ccxt: whole ms; the side is as ccxt tells it, 0 where it does not. Numbers that are no whole number below 10^15 become 0. Gaps: polled, a page that holds a trade which was told before proves that nothing was missed, if the exchange leaves nothing out of its pages; a page that holds none is a gap, and what ccxt cannot give is never asked for again. Watched, every error and reconnection that ccxt tells of is a gap; one that it mends without a word cannot be seen. Trades before the start are not told. Duplicates: by number, and polled also by time, price, size and side within a minute. Heartbeats: polled, as far as the largest delay seen allows; watched, none. A watched feed that falls silent without an error stays silent. Delivery: at most once. Back pressure: none; the rate limiter and the timers are those of ccxt, so raw frames of it cannot be recorded.',
  output: Trade,
  params,
  frames: 'unheard',
  lateness: ({ lateness }) => lateness,
  open: (given, context) =>
    new Observable((subscriber) => {
      const feed = new TradeFeed('ccxt_trades', given, context, subscriber)
      return () => feed.stop()
    }),
  example: { params: { exchange: 'kraken', symbols: ['BTC/USD'] } },
})
