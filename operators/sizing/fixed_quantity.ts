import { z } from 'zod'
import { defineOperator } from '../../runtime/define.ts'
import { OrderIntent, Signal } from '../../schemas/orders.ts'
import { signal } from '../../schemas/samples.ts'

export const fixedQuantity = defineOperator({
  name: 'fixed_quantity',
  version: 1,
  summary:
    'Turns every signal into an order of a fixed quantity, at market or at a limit off the price the signal saw.',
  input: { signal: Signal },
  output: OrderIntent,
  params: z.strictObject({
    quantity: z.number().positive().describe('base units'),
    limit_offset: z
      .number()
      .min(0)
      .max(0.5)
      .optional()
      .describe('place a limit order this share of the price on the passive side; market order when absent'),
  }),
  prepare: ({ quantity, limit_offset = 0 }) => ({ quantity, offset: limit_offset, limited: limit_offset > 0 }),
  on: {
    signal(_state, { direction, price }, { params }) {
      if (direction === 0) return undefined
      const limit = params.limited ? price * (1 - direction * params.offset) : 0
      return { side: direction > 0 ? ('buy' as const) : ('sell' as const), quantity: params.quantity, limit, price }
    },
  },
  example: {
    params: { quantity: 0.5, limit_offset: 0.25 },
    input: [signal(1, 1, 100), signal(2, -1, 100)],
    output: [
      { side: 'buy', quantity: 0.5, limit: 75, price: 100 },
      { side: 'sell', quantity: 0.5, limit: 125, price: 100 },
    ],
  },
})
