import { z } from 'zod'
import type { Rest } from '../feed/rest.ts'

export const streams = 'wss://ws-feed.exchange.coinbase.com'
export const rest = 'https://api.exchange.coinbase.com'

export const symbol = z
  .string()
  .regex(/^[A-Z0-9]{1,20}-[A-Z0-9]{1,20}$/, 'expected a product as Coinbase spells it, such as BTC-USD')

export const subscribe = (channel: string, symbols: readonly string[]): string =>
  JSON.stringify({ type: 'subscribe', product_ids: symbols, channels: [channel] })
export const unsubscribe = (channel: string, symbols: readonly string[]): string =>
  JSON.stringify({ type: 'unsubscribe', product_ids: symbols, channels: [channel] })

const Products = z.array(z.object({ id: z.string() }))
/** `GET /products`: every product of the exchange. */
export const listing = async (rest: Rest): Promise<readonly string[]> =>
  z.parse(Products, await rest.get('/products')).map(({ id }) => id)

export const instruments = 'Instruments are `coinbase:BTC-USD`: products of Coinbase Exchange.'
export const delivery =
  'Heartbeats: a silent product tells, every `heartbeat_every`, the time of the last sign of life on the connection less the largest offset between local clock and event time of the last minutes, less `heartbeat_lag`; no sign of life, no heartbeat. A row that comes later than that is late. Back pressure: none; Coinbase may drop messages on the way, and disconnects who reads too slowly. A misspelt product is an error that names near matches; Coinbase refuses it by name too.'
