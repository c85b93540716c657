import { z } from 'zod'
import type { Channel } from '../feed/venue.ts'

// Spot: developers.binance.com, Spot, WebSocket Streams (2026-11). USD-M: only routed paths are left since 2026-04-23
// (announcement of 2026-03-06): books, quotes and single trades on /public, aggregated trades and candles on /market.
// The single trade stream is not in their list; its frames came from /public in 2026-04 (ccxt, rustrade).
const markets = {
  spot: {
    venue: 'binance',
    streams: { public: 'wss://stream.binance.com:9443', market: 'wss://stream.binance.com:9443' },
    rest: 'https://api.binance.com',
    path: '/api/v3',
  },
  usdm: {
    venue: 'binance_usdm',
    streams: { public: 'wss://fstream.binance.com/public', market: 'wss://fstream.binance.com/market' },
    rest: 'https://fapi.binance.com',
    path: '/fapi/v1',
  },
  coinm: {
    venue: 'binance_coinm',
    streams: { public: 'wss://dstream.binance.com', market: 'wss://dstream.binance.com' },
    rest: 'https://dapi.binance.com',
    path: '/dapi/v1',
  },
} as const
export type MarketName = keyof typeof markets
export const marketOf = (name: MarketName): (typeof markets)[MarketName] => markets[name]

export const symbol = z
  .string()
  .regex(/^[^\s/@?&a-z]{1,50}$/, 'expected a symbol as Binance spells it, such as BTCUSDT')
export const market = z
  .enum(['spot', 'usdm', 'coinm'])
  .default('spot')
  .describe('spot, USD-M futures or COIN-M futures')

/** The address of a combined stream. */
export const streamsUrl = (base: string, symbols: readonly string[], stream: string): string =>
  `${base}/stream?streams=${symbols.map((s) => `${encodeURIComponent(s.toLowerCase())}@${stream}`).join('/')}`

const Listing = z.object({ symbols: z.array(z.object({ symbol: z.string() })) })
/** What every channel of a market has; `GET exchangeInfo` names its symbols. */
export function ofMarket(name: MarketName): Pick<Channel<unknown>, 'venue' | 'rest' | 'listing' | 'greet'> {
  const { venue, rest, path } = markets[name]
  return {
    ...{ venue, rest, greet: () => [] },
    listing: async (at) => z.parse(Listing, await at.get(`${path}/exchangeInfo`)).symbols.map((s) => s.symbol),
  }
}

export const instruments = 'Instruments are `binance:BTCUSDT` on spot, `binance_usdm:` and `binance_coinm:` on futures.'
export const delivery =
  'Heartbeats: a silent symbol tells, every `heartbeat_every`, the time of the last sign of life on the connection less the largest offset between local clock and event time of the last minutes, less `heartbeat_lag`; no sign of life, no heartbeat. A row that comes later than that is late. Back pressure: none, Binance disconnects who reads too slowly. A misspelt symbol is an error that names near matches; where the list of symbols cannot be had it is silence, and a notice says so after `stall_after`.'
