import { z } from 'zod'
import { defineScan } from '../../runtime/define.ts'
import { Trade } from '../../schemas/market.ts'
import { Signal } from '../../schemas/orders.ts'
import { trade } from '../../schemas/samples.ts'

/** A signal for every trade: nothing is computed, so what passes is the way there. */
export const everyTrade = defineScan({
  name: 'every_trade',
  version: 1,
  summary: 'Signals every trade.',
  input: Trade,
  output: Signal,
  params: z.strictObject({}),
  init: () => ({ seen: 0 }),
  step(state, trade) {
    state.seen++
    return { direction: 1 as const, strength: state.seen, price: trade.price }
  },
  example: {
    params: {},
    input: [trade(1, 10)],
    output: [{ direction: 1, strength: 1, price: 10 }],
  },
})
