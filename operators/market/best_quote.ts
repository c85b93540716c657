import { z } from 'zod'
import { defineOperator, type Env } from '../../runtime/define.ts'
import { BestQuote } from '../../schemas/cross_venue.ts'
import { Quote } from '../../schemas/market.ts'
import { of, quote, to } from '../../schemas/samples.ts'
import { duration } from '../../schemas/units.ts'
import { instruments, type Places, placesOf } from './places.ts'

interface Params {
  readonly places: Places
  readonly stale: number
}
/** The newest quote of a place; `heard` is -1 before the first. */
const part = () => ({ instrument: -1, number: -1, bid: 0, ask: 0, bid_size: 0, ask_size: 0, heard: -1 })
type Part = ReturnType<typeof part>

function heard(message: Quote, { each, all, key, at, params }: Env<Params, {}, Part>): BestQuote | undefined {
  const place = params.places.of[key]
  if (place === undefined) return undefined
  each.instrument = place.instrument
  each.number = place.number
  each.bid = message.bid
  each.ask = message.ask
  each.bid_size = message.bid_size
  each.ask_size = message.ask_size
  each.heard = at
  let [bid, ask, venues] = [each as Readonly<Part>, each as Readonly<Part>, 0]
  for (const other of all) {
    if (other.instrument !== place.instrument || other.heard < 0 || at - other.heard > params.stale) continue
    venues++
    // of equal prices the larger size, then the place that is named first: the order of arrival decides nothing
    if (other.bid > bid.bid || (other.bid === bid.bid && before(other.bid_size - bid.bid_size, other, bid))) bid = other
    if (other.ask < ask.ask || (other.ask === ask.ask && before(other.ask_size - ask.ask_size, other, ask))) ask = other
  }
  return {
    instrument: params.places.names[place.instrument] as string,
    bid: bid.bid,
    ask: ask.ask,
    bid_size: bid.bid_size,
    ask_size: ask.ask_size,
    bid_venue: params.places.keys[bid.number] as string,
    ask_venue: params.places.keys[ask.number] as string,
    venues,
  }
}
const before = (larger: number, one: Readonly<Part>, other: Readonly<Part>): boolean =>
  larger > 0 || (larger === 0 && one.number < other.number)

export const bestQuote = defineOperator({
  name: 'best_quote',
  version: 1,
  summary: 'Tells the best bid and ask of an instrument over all its venues, and where they stand.',
  notes:
    'Wire one port per feed or book; instruments are found by the key of the message, and what is not in `instruments` is passed over. It answers every quote, under the key of the place that spoke; the instrument is in the answer. A place whose newest quote is older than `stale_after` is left out, one whose feed told a gap until it quotes again. Of equal prices the larger size counts, then the place named first. A bid above the ask says that venues cross: that is told, not hidden.',
  scope: 'pipeline',
  input: { first: Quote, second: Quote, third: Quote, fourth: Quote, fifth: Quote, sixth: Quote },
  optional: ['second', 'third', 'fourth', 'fifth', 'sixth'],
  output: BestQuote,
  on_gap: 'reset',
  params: z.strictObject({
    instruments,
    stale_after: duration().default(5e6).describe('a quote older than this is left out'),
  }),
  prepare: ({ instruments, stale_after }): Params => ({ places: placesOf(instruments), stale: stale_after }),
  init: () => ({}),
  each: part,
  on: {
    first: (_state, message, env) => heard(message, env),
    second: (_state, message, env) => heard(message, env),
    third: (_state, message, env) => heard(message, env),
    fourth: (_state, message, env) => heard(message, env),
    fifth: (_state, message, env) => heard(message, env),
    sixth: (_state, message, env) => heard(message, env),
  },
  example: {
    params: { instruments: { 'BTC/USDT': ['binance:BTCUSDT', 'okx:BTC-USDT'] } },
    input: [to('first', quote(1, 99, 101)), to('second', of('okx:BTC-USDT', quote(2, 100, 102)))],
    output: [
      {
        ...{ instrument: 'BTC/USDT', bid: 99, ask: 101, bid_size: 1, ask_size: 1 },
        ...{ bid_venue: 'binance:BTCUSDT', ask_venue: 'binance:BTCUSDT', venues: 1 },
      },
      {
        ...{ instrument: 'BTC/USDT', bid: 100, ask: 101, bid_size: 1, ask_size: 1 },
        ...{ bid_venue: 'okx:BTC-USDT', ask_venue: 'binance:BTCUSDT', venues: 2 },
      },
    ],
  },
})
