import { z } from 'zod'
import { defineOperator, Ring } from '../../runtime/define.ts'
import { Scalar } from '../../schemas/features.ts'
import { Bar } from '../../schemas/market.ts'
import { bar } from '../../schemas/samples.ts'

/** Average true range, quote units. */
export const atr = defineOperator({
  name: 'atr',
  version: 1,
  summary: 'Averages how far prices ranged per bar, the jump from the close before included.',
  notes:
    'True range = the higher of high and the close before, minus the lower of low and the close before, quote units; silent until `span` of them are in. `wilder` averages with weight 1 / span from the mean of the first `span` (J. Welles Wilder, New Concepts in Technical Trading Systems, 1978); `simple` is the mean of the newest `span`. No close stands before the first bar: it counts with high - low (Tulip, StockCharts, Lean), or, with `first_bar: false`, not at all and everything comes a bar later (TA-Lib). A span of 1 gives the true range itself.',
  input: { bar: Bar },
  output: Scalar,
  params: z.strictObject({
    span: z.int().min(1).default(14).describe('length of the average, bars'),
    smoothing: z.enum(['wilder', 'simple']).default('wilder').describe('how true ranges are averaged'),
    first_bar: z.boolean().default(true).describe('whether the first bar counts, with high - low'),
  }),
  prepare: ({ span, smoothing, first_bar }) => ({
    span,
    simple: smoothing === 'simple',
    weight: 1 / span,
    skipped: first_bar ? 0 : 1,
  }),
  init: ({ span, simple }) => ({ seen: 0, last: 0, value: 0, ranges: new Ring(simple ? span : 1) }),
  on: {
    bar(state, { high, low, close }, { params }) {
      const before = state.seen === 0 ? low : state.last
      const range = Math.max(high, before) - Math.min(low, before)
      state.last = close
      const ranged = ++state.seen - params.skipped
      if (params.simple && ranged > 0) {
        const { data } = state.ranges
        state.ranges.push(range)
        // Summed afresh: the rest of a running sum could be below 0 where nothing moves.
        let sum = 0
        for (let i = 0; i < params.span; i++) sum += data[i] as number
        state.value = sum / params.span
      } else if (ranged > 0) state.value += (ranged <= params.span ? 1 / ranged : params.weight) * (range - state.value)
      return state.value
    },
  },
  silent: ({ seen }, _answer, { span, skipped }) => seen - skipped < span,
  example: {
    params: { span: 2 },
    input: [bar(1, 10, { high: 12, low: 8 }), bar(2, 14, { high: 15, low: 13 }), bar(3, 14, { high: 14.5, low: 13.5 })],
    output: [4.5, 2.75],
  },
})
