import { z } from 'zod'
import { defineOperator, many } from '../../runtime/define.ts'
import { fixed, toNumber, ZERO } from '../../schemas/fixed.ts'
import { Quote, Trade } from '../../schemas/market.ts'
import { Fill, type OrderIntent as Intent, OrderIntent, Signal } from '../../schemas/orders.ts'
import { fill, signal, trade } from '../../schemas/samples.ts'

/** The close of what is held, then the whole account on the new side, both at `price`. */
function reverse(
  held: bigint,
  cash: bigint,
  direction: number,
  price: number,
  { share, units }: { share: number; units: number },
): Intent[] {
  const side = direction > 0 ? ('buy' as const) : ('sell' as const)
  const size = toNumber((held < 0n ? -held : held) as typeof ZERO)
  const worth = toNumber(cash as typeof ZERO) + (held < 0n ? -size : size) * price
  const quantity = Math.floor(((worth * share) / price) * units) / units
  const orders: Intent[] = held === 0n ? [] : [{ side, quantity: size, limit: 0, price }]
  return quantity > 0 ? [...orders, { side, quantity, limit: 0, price }] : orders
}

export const allIn = defineOperator({
  name: 'all_in',
  version: 1,
  summary: 'Puts the whole account on the side of the signal, long or short, and reverses when the signal turns.',
  notes:
    'With `enter: next` the orders are sized and sent at the first price after the signal, which is the next open when bars were expanded into ticks; with `now` at the price the signal saw. The account is counted from the fills: capital, less what was bought, plus what was sold, less fees.',
  input: { signal: Signal, fill: Fill },
  ambient: { trade: Trade, quote: Quote },
  feedback: ['fill'],
  output: many(OrderIntent),
  params: z.strictObject({
    capital: z.number().positive().describe('cash at the start, quote units'),
    share: z
      .number()
      .positive()
      .max(1)
      .default(0.9999)
      .describe('share of the account to put in; the rest is for fees'),
    decimals: z.int().min(0).max(8).default(8).describe('decimals of the quantity; 0 buys whole units'),
    enter: z.enum(['now', 'next']).default('now').describe('which price to size and send at'),
  }),
  prepare: ({ capital, share, decimals, enter }) => ({
    capital,
    share,
    units: Number(`1e${decimals}`),
    next: enter === 'next',
  }),
  init: ({ capital }) => ({ held: ZERO as bigint, cash: fixed(capital) as bigint, wanted: 0 }),
  on: {
    fill(state, { side, quantity, notional, fee }) {
      state.held += side === 'buy' ? quantity : -quantity
      state.cash -= (side === 'buy' ? notional : -notional) + fee
    },
    signal(state, { direction, price }, { params }) {
      if (direction === 0 || (state.held !== 0n && state.held > 0n === direction > 0)) return undefined
      if (!params.next) return reverse(state.held, state.cash, direction, price, params)
      state.wanted = direction
      return undefined
    },
    trade(state, { price }, { params }) {
      const { wanted } = state
      if (wanted === 0) return undefined
      state.wanted = 0
      return reverse(state.held, state.cash, wanted, price, params)
    },
    quote(state, { bid, ask }, { params }) {
      const { wanted } = state
      if (wanted === 0) return undefined
      state.wanted = 0
      return reverse(state.held, state.cash, wanted, wanted > 0 ? ask : bid, params)
    },
  },
  example: {
    params: { capital: 1000, share: 1, decimals: 0, enter: 'next' },
    input: [signal(1, 1, 100), trade(2, 110), fill(2, 'buy', 9, 110), signal(3, -1, 120), trade(4, 120)],
    output: [
      [{ side: 'buy', quantity: 9, limit: 0, price: 110 }],
      [
        { side: 'sell', quantity: 9, limit: 0, price: 120 },
        { side: 'sell', quantity: 9, limit: 0, price: 120 },
      ],
    ],
  },
})
