import { z } from 'zod'
import { defineOperator, type Env } from '../../runtime/define.ts'
import { ConsolidatedPrice } from '../../schemas/cross_venue.ts'
import { Quote, Trade } from '../../schemas/market.ts'
import { of, to, trade } from '../../schemas/samples.ts'
import { duration } from '../../schemas/units.ts'
import { instruments, type Places, placesOf } from './places.ts'

interface Params {
  readonly places: Places
  /** Places per instrument. */
  readonly counts: readonly number[]
  readonly method: 'median' | 'volume_weighted'
  readonly stale: number
  readonly deviation: number
  readonly window: number
}
/** The newest price of a place, and what it traded in the window under way and in the one before. */
const part = () => ({ instrument: -1, price: 0, heard: -1, volume: 0, before: 0, window: -1 })
type Part = ReturnType<typeof part>
type Seen = Env<Params, {}, Part>

function placed(price: number, size: number, env: Seen): ConsolidatedPrice | undefined {
  const { each, key, at, params } = env
  const place = params.places.of[key]
  if (place === undefined) return undefined
  each.instrument = place.instrument
  each.price = price
  each.heard = at
  const window = Math.floor(at / params.window)
  if (window !== each.window) {
    each.before = window === each.window + 1 ? each.volume : 0
    each.volume = 0
    each.window = window
  }
  each.volume += size
  return priceOf(place.instrument, env)
}

function priceOf(instrument: number, { all, at, params }: Seen): ConsolidatedPrice | undefined {
  const fresh = all.filter((p) => p.instrument === instrument && p.heard >= 0 && at - p.heard <= params.stale)
  const middle = median(fresh.map(({ price }) => price))
  const near = fresh.filter(({ price }) => Math.abs(price - middle) <= params.deviation * middle)
  // of two places that are far apart neither is right
  if (near.length === 0) return undefined
  const now = Math.floor(at / params.window)
  const weighted = params.method === 'volume_weighted' && near.some((p) => volumeOf(p, now) > 0)
  const prices = near.map(({ price }) => price)
  return {
    instrument: params.places.names[instrument] as string,
    price: weighted ? mean(near, now) : median(prices),
    venues: near.length,
    rejected: fresh.length - near.length,
    stale: (params.counts[instrument] as number) - fresh.length,
    spread: (Math.max(...prices) - Math.min(...prices)) / middle,
  }
}
const volumeOf = ({ volume, before, window }: Readonly<Part>, now: number): number =>
  window === now ? volume + before : window === now - 1 ? volume : 0
function mean(parts: readonly Readonly<Part>[], now: number): number {
  let [sum, weight] = [0, 0]
  for (const one of parts) {
    sum += one.price * volumeOf(one, now)
    weight += volumeOf(one, now)
  }
  return sum / weight
}
function median(prices: readonly number[]): number {
  const sorted = [...prices].sort((a, b) => a - b)
  const half = sorted.length >> 1
  return sorted.length % 2 === 1
    ? (sorted[half] as number)
    : ((sorted[half - 1] as number) + (sorted[half] as number)) / 2
}

export const consolidatedPrice = defineOperator({
  name: 'consolidated_price',
  version: 1,
  summary: 'Tells one price of an instrument from all its venues, without those that are silent or far off.',
  notes:
    'The price of a place is its last trade, or the middle of its quote. Places older than `stale_after` are left out, and those whose feed told a gap until they speak again; of the rest, those further than `max_deviation` from their median. `median` takes the median of what is left; `volume_weighted` weighs each by what it traded in the `window` under way and the one before, and is the median while nothing was traded. It answers every message of a listed place, under the key of that place, and is silent where no place is near the median.',
  scope: 'pipeline',
  input: { first: Trade, second: Trade, third: Trade, fourth: Trade, quote: Quote, other_quote: Quote },
  optional: ['first', 'second', 'third', 'fourth', 'quote', 'other_quote'],
  output: ConsolidatedPrice,
  on_gap: 'reset',
  params: z.strictObject({
    instruments,
    method: z.enum(['median', 'volume_weighted']).default('median').describe('how prices become one'),
    stale_after: duration().default(10e6).describe('a price older than this is left out'),
    max_deviation: z.number().positive().default(0.02).describe('share of the median a price may be away from it'),
    window: duration()
      .refine((window) => window > 0, 'expected a positive duration')
      .default(60e6)
      .describe('stretch over which traded volume is counted'),
  }),
  prepare: ({ instruments, method, stale_after, max_deviation, window }): Params => ({
    places: placesOf(instruments),
    counts: Object.values(instruments).map((places) => places.length),
    ...{ method, stale: stale_after, deviation: max_deviation, window },
  }),
  init: () => ({}),
  each: part,
  on: {
    first: (_state, { price, size }, env) => placed(price, size, env),
    second: (_state, { price, size }, env) => placed(price, size, env),
    third: (_state, { price, size }, env) => placed(price, size, env),
    fourth: (_state, { price, size }, env) => placed(price, size, env),
    quote: (_state, { bid, ask }, env) => placed((bid + ask) / 2, 0, env),
    other_quote: (_state, { bid, ask }, env) => placed((bid + ask) / 2, 0, env),
  },
  example: {
    params: { instruments: { 'BTC/USDT': ['binance:BTCUSDT', 'okx:BTC-USDT'] }, method: 'volume_weighted' },
    input: [to('first', trade(1, 100, 3)), to('second', of('okx:BTC-USDT', trade(2, 101, 1)))],
    output: [
      { instrument: 'BTC/USDT', price: 100, venues: 1, rejected: 0, stale: 1, spread: 0 },
      { instrument: 'BTC/USDT', price: 100.25, venues: 2, rejected: 0, stale: 0, spread: 1 / 100.5 },
    ],
  },
})
