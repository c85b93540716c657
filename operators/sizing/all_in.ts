import { z } from 'zod'
import { defineOperator, many } from '../../runtime/define.ts'
import { absolute, bought, type Fixed, fixed, notionalOf, toNumber, ZERO } from '../../schemas/fixed.ts'
import { Quote, Trade } from '../../schemas/market.ts'
import { Fill, type OrderIntent as Intent, OrderIntent, OrderUpdate, Signal } from '../../schemas/orders.ts'
import { fill, signal, trade } from '../../schemas/samples.ts'
import { type Book, expected, follow } from './under_way.ts'

/** The close of what is held and coming, then the whole account on the new side, both at `price`. */
function reverse(
  account: Book & { readonly cash: bigint },
  direction: number,
  price: number,
  { share, decimals }: { share: number; decimals: number },
): Intent[] {
  const side = direction > 0 ? ('buy' as const) : ('sell' as const)
  const close = toNumber(absolute(expected(account) as Fixed))
  const worth = account.cash + notionalOf(price, account.held as Fixed)
  const quantity = toNumber(bought(worth as Fixed, price, decimals, share))
  const orders: Intent[] = close === 0 ? [] : [{ side, quantity: close, limit: 0, price }]
  return quantity > 0 ? [...orders, { side, quantity, limit: 0, price }] : orders
}

export const allIn = defineOperator({
  name: 'all_in',
  version: 1,
  summary: 'Puts the whole account on the side of the signal, long or short, and reverses when the signal turns.',
  notes:
    'With `enter: next` the orders are sized and sent at the first price after the signal, which is the next open when bars were expanded into ticks; with `now` at the price the signal saw. The account is counted from the fills: capital, less what was bought, plus what was sold, less fees. Wire `order`, so that a signal that repeats while orders are under way at the venue sends nothing, and one that turns counts them; without it only fills count. An order is under way once the venue accepted it: one that was refused or rejected holds nothing up.',
  input: { signal: Signal, fill: Fill, order: OrderUpdate },
  ambient: { trade: Trade, quote: Quote },
  optional: ['order'],
  feedback: ['fill', 'order'],
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
    decimals,
    next: enter === 'next',
  }),
  init: ({ capital }) => ({ held: ZERO as bigint, coming: ZERO as bigint, cash: fixed(capital) as bigint, wanted: 0 }),
  on: {
    fill(state, { side, quantity, notional, fee }) {
      state.held += side === 'buy' ? quantity : -quantity
      state.cash -= (side === 'buy' ? notional : -notional) + fee
    },
    order(state, update) {
      follow(state, update)
    },
    signal(state, { direction, price }, { params }) {
      if (direction === 0) return undefined
      const position = expected(state)
      const agrees = position !== 0n && position > 0n === direction > 0
      if (!params.next) return agrees ? undefined : reverse(state, direction, price, params)
      state.wanted = agrees ? 0 : direction
      return undefined
    },
    trade(state, { price }, { params }) {
      const { wanted } = state
      if (wanted === 0) return undefined
      state.wanted = 0
      return reverse(state, wanted, price, params)
    },
    quote(state, { bid, ask }, { params }) {
      const { wanted } = state
      if (wanted === 0) return undefined
      state.wanted = 0
      return reverse(state, wanted, wanted > 0 ? ask : bid, params)
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
