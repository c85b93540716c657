import { z } from 'zod'
import { defineOperator } from '../../runtime/define.ts'
import { Equity, Position } from '../../schemas/account.ts'
import { fixed, ratio, worthOf, ZERO } from '../../schemas/fixed.ts'
import { Quote, Trade } from '../../schemas/market.ts'
import { Fill } from '../../schemas/orders.ts'
import { fill, trade } from '../../schemas/samples.ts'
import { duration } from '../../schemas/units.ts'
import { book, type Holding, holding, money, profit } from './holding.ts'

export const portfolio = defineOperator({
  name: 'portfolio',
  version: 1,
  summary: 'Keeps the account: positions with average price and profit, cash, fees and equity, from fills.',
  notes:
    'Money is counted in whole 1e-8 units, so sums are exact. Equity is the starting cash, less what was bought, plus what was sold, less fees, plus open positions at the newest trade or mid quote. A position is sent after each fill of its instrument; equity after each fill, on the `every` grid (key `*`) and at the end of the data. `average_price` is cost over quantity. The graph should draw it before nodes that look at its equity.',
  scope: 'pipeline',
  input: { fill: Fill },
  ambient: { trade: Trade, quote: Quote },
  in_order: ['trade', 'quote'],
  output: { position: Position, equity: Equity },
  params: z.strictObject({
    cash: z.number().nonnegative().default(100_000).describe('cash at the start, quote units'),
    every: duration()
      .refine((every) => every > 0, 'expected a positive duration')
      .default(3.6e9)
      .describe('how often equity is sent when nothing is filled'),
  }),
  init: ({ cash }) => ({
    cash: fixed(cash) as bigint,
    /** Of what is held now. */
    cost: ZERO as bigint,
    realised: ZERO as bigint,
    fees: ZERO as bigint,
  }),
  each: holding,
  on: {
    trade(_state, { price }, { each }) {
      each.mark = price
    },
    quote(_state, { bid, ask }, { each }) {
      each.mark = (bid + ask) / 2
    },
    fill(state, { side, quantity, price, notional, fee }, { each, all }) {
      const signed = side === 'buy' ? (quantity as bigint) : -quantity
      const cost = side === 'buy' ? (notional as bigint) : -notional
      const before = each.cost
      state.cash -= cost + fee
      state.realised += book(each, signed, cost)
      state.cost += each.cost - before
      state.fees += fee
      each.fees += fee
      if (each.mark === 0) each.mark = price
      const position = {
        quantity: money(each.quantity),
        average_price: each.quantity === 0n ? 0 : ratio(money(each.cost), money(each.quantity)),
        realised: money(each.realised),
        unrealised: money(profit(each)),
        fees: money(each.fees),
      }
      return { position, equity: equityOf(state, all) }
    },
  },
  timer: { every: ({ every }) => every, fire: (state, _at, { all }) => ({ equity: equityOf(state, all) }) },
  end: (state, { all }) => ({ equity: equityOf(state, all) }),
  example: {
    params: { cash: 1000, every: '1h' },
    input: [trade(1, 100), fill(1, 'buy', 2, 100, 1), trade(2, 110)],
    output: [
      {
        position: { quantity: fixed(2), average_price: 100, realised: ZERO, unrealised: ZERO, fees: fixed(1) },
        equity: { cash: fixed(799), equity: fixed(999), realised: ZERO, unrealised: ZERO, fees: fixed(1) },
      },
    ],
  },
})

type Sums = Readonly<Record<'cash' | 'cost' | 'realised' | 'fees', bigint>>
function equityOf({ cash, cost, realised, fees }: Sums, all: readonly Holding[]): Equity {
  const worth = worthOf(all)
  return {
    cash: money(cash),
    equity: money(cash + worth),
    realised: money(realised),
    unrealised: money(worth - cost),
    fees: money(fees),
  }
}
