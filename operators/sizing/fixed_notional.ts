import { z } from 'zod'
import { defineOperator } from '../../runtime/define.ts'
import { bought, fixed, toNumber } from '../../schemas/fixed.ts'
import { OrderIntent, Signal } from '../../schemas/orders.ts'
import { signal } from '../../schemas/samples.ts'

export const fixedNotional = defineOperator({
  name: 'fixed_notional',
  version: 1,
  summary: 'Turns every signal into a market order worth a fixed amount at the price the signal saw.',
  notes: 'The quantity is cut, never rounded up, to `decimals` decimals; what is cut to nothing is not ordered.',
  input: { signal: Signal },
  output: OrderIntent,
  params: z.strictObject({
    notional: z.number().positive().describe('worth of an order, quote units'),
    decimals: z.int().min(0).max(8).default(8).describe('decimals of the quantity'),
  }),
  prepare: ({ notional, decimals }) => ({ notional: fixed(notional), decimals }),
  on: {
    signal(_state, { direction, price }, { params }) {
      const quantity = toNumber(bought(params.notional, price, params.decimals))
      if (direction === 0 || quantity === 0) return undefined
      return { side: direction > 0 ? ('buy' as const) : ('sell' as const), quantity, limit: 0, price }
    },
  },
  example: {
    params: { notional: 1000, decimals: 2 },
    input: [signal(1, 1, 300), signal(2, 0), signal(3, -1, 500)],
    output: [
      { side: 'buy', quantity: 3.33, limit: 0, price: 300 },
      { side: 'sell', quantity: 2, limit: 0, price: 500 },
    ],
  },
})
