import { z } from 'zod'
import { defineOperator, many } from '../../runtime/define.ts'
import { absolute, type Fixed, fixed, toNumber, ZERO } from '../../schemas/fixed.ts'
import { Fill, type OrderIntent as Intent, OrderIntent, OrderUpdate, Signal } from '../../schemas/orders.ts'
import { fill, signal } from '../../schemas/samples.ts'
import { expected, follow } from './under_way.ts'

export const stopAndReverse = defineOperator({
  name: 'stop_and_reverse',
  version: 1,
  summary: 'Always on the side of the signal: opens when flat, closes and opens the other way when the signal turns.',
  notes:
    'A reversal is two market orders, the close first. The position is what the fills say, not what was ordered; wire `order`, so that orders under way at the venue count too, and a signal that repeats before they are filled sends nothing. An order is under way once the venue accepted it: one that was refused or rejected holds nothing up.',
  input: { signal: Signal, fill: Fill, order: OrderUpdate },
  optional: ['order'],
  feedback: ['fill', 'order'],
  output: many(OrderIntent),
  params: z.strictObject({ quantity: z.number().positive().describe('size of a position, base units') }),
  init: () => ({ held: ZERO as bigint, coming: ZERO as bigint }),
  on: {
    fill(state, { side, quantity }) {
      state.held += side === 'buy' ? quantity : -quantity
    },
    order(state, update) {
      follow(state, update)
    },
    signal(state, { direction, price }, { params }) {
      const side = direction > 0 ? ('buy' as const) : ('sell' as const)
      const position = expected(state)
      if (direction === 0 || (position !== 0n && position > 0n === direction > 0)) return undefined
      const open: Intent = { side, quantity: params.quantity, limit: 0, price }
      if (position === 0n) return [open]
      const close: Intent = { side, quantity: toNumber(absolute(position as Fixed)), limit: 0, price }
      return [close, open]
    },
  },
  example: {
    params: { quantity: 0.5 },
    input: [signal(1, 1), fill(1, 'buy', 0.5), signal(2, 1), signal(3, -1)],
    output: [
      [{ side: 'buy', quantity: 0.5, limit: 0, price: 100 }],
      [
        { side: 'sell', quantity: toNumber(fixed(0.5)), limit: 0, price: 100 },
        { side: 'sell', quantity: 0.5, limit: 0, price: 100 },
      ],
    ],
  },
})
