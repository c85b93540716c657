import { z } from 'zod'
import { defineOperator, Ring } from '../../runtime/define.ts'
import { Scalar } from '../../schemas/features.ts'
import { Bar } from '../../schemas/market.ts'
import { bar } from '../../schemas/samples.ts'
import { add, runningSum, totalOf } from './running_sum.ts'

/** Simple moving average of closes, quote units. */
export const sma = defineOperator({
  name: 'sma',
  version: 1,
  summary: 'Averages the closes of the newest bars, each with the same weight.',
  notes:
    'Sum of the newest `span` closes over `span`, quote units; silent until `span` bars are in. TA-Lib, Tulip and Lean agree. A bar costs the same for any span: a compensated running sum keeps rounding errors from adding up.',
  input: { bar: Bar },
  output: Scalar,
  params: z.strictObject({ span: z.int().min(1).describe('length of the average, bars') }),
  init: ({ span }) => ({ window: new Ring(span), total: runningSum() }),
  on: {
    bar(state, { close }, { params }) {
      const { window, total } = state
      add(total, -window.push(close))
      add(total, close)
      return totalOf(total) / params.span
    },
  },
  silent: ({ window }) => !window.full,
  example: {
    params: { span: 2 },
    input: [bar(1, 10), bar(2, 20), bar(3, 40)],
    output: [15, 30],
  },
})
