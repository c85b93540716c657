import { z } from 'zod'
import { defineOperator } from '../../runtime/define.ts'
import { Bar, Quote, Trade } from '../../schemas/market.ts'
import { advance, barOf, trade } from '../../schemas/samples.ts'
import { duration } from '../../schemas/units.ts'

const empty = () => ({ window: 0, open: 0, high: 0, low: 0, close: 0, volume: 0, turnover: 0, count: 0 })
type Open = ReturnType<typeof empty>

function fold(bar: Open, window: number, price: number, size: number): void {
  if (bar.count++ === 0) {
    bar.window = window
    bar.open = price
    bar.high = price
    bar.low = price
    bar.volume = size
    bar.turnover = price * size
  } else {
    // better no bar than a wrong one
    if (bar.window !== window)
      throw new Error('more than two windows are open: the sources it hears lie further apart than `every`')
    if (price > bar.high) bar.high = price
    if (price < bar.low) bar.low = price
    bar.volume += size
    bar.turnover += price * size
  }
  bar.close = price
}

/** Which window a time falls into: its number since 1970. */
const windowOf = (at: number, every: number, right: boolean): number =>
  right ? Math.ceil(at / every) - 1 : Math.floor(at / every)

/** Bars from trades (volume and turnover count) or from quotes (they stay 0). */
export const timeBars = defineOperator({
  name: 'time_bars',
  version: 1,
  summary: 'Folds trades or quotes into bars on the event-time grid; a bar leaves when the watermark passes its end.',
  notes:
    'A window without a message gives no bar. With `closed: left` a message stamped exactly at the boundary opens the next bar, as exchanges build their candles; with `right` it belongs to the bar that ends there. Two windows are open at a time, so the lateness of the source must not exceed `every`.',
  input: { trade: Trade, quote: Quote },
  optional: ['trade', 'quote'],
  output: Bar,
  params: z.strictObject({
    every: duration()
      .refine((every) => every >= 1_000, 'expected a duration of at least 1ms')
      .describe('length of a bar'),
    closed: z.enum(['left', 'right']).default('left').describe('which end of the window belongs to it'),
    price: z.enum(['bid', 'ask', 'mid']).default('mid').describe('what to fold from quotes'),
  }),
  prepare: ({ every, closed, price }) => ({
    every,
    right: closed === 'right',
    bid: price === 'bid' ? 1 : price === 'ask' ? 0 : 0.5,
  }),
  init: () => ({ even: empty(), odd: empty(), gapped: false }),
  on_gap: 'mark',
  on: {
    trade(state, { price, size }, { params, at }) {
      const window = windowOf(at, params.every, params.right)
      fold((window & 1) === 0 ? state.even : state.odd, window, price, size)
    },
    quote(state, { bid, ask }, { params, at }) {
      const price = params.bid === 1 ? bid : params.bid === 0 ? ask : (bid + ask) / 2
      const window = windowOf(at, params.every, params.right)
      fold((window & 1) === 0 ? state.even : state.odd, window, price, 0)
    },
  },
  timer: {
    every: ({ every }) => every,
    closed: ({ right }) => (right ? 'right' : 'left'),
    idle: ({ even, odd, gapped }) => even.count === 0 && odd.count === 0 && !gapped,
    fire(state, at, { params }) {
      const bar = ((at / params.every - 1) & 1) === 0 ? state.even : state.odd
      const complete = !state.gapped
      state.gapped = false
      const { open, high, low, close, volume, turnover, count } = bar
      bar.count = 0
      return { open, high, low, close, volume, turnover, count, complete }
    },
  },
  silent: (_state, { count }) => count === 0,
  example: {
    params: { every: '1m' },
    input: [trade(1, 10), trade(59, 12, 2), trade(60, 11), advance(120)],
    output: [barOf(12, { open: 10, low: 10, volume: 3, turnover: 34, count: 2 }), barOf(11, { turnover: 11 })],
  },
})
