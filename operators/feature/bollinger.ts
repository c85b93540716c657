import { z } from 'zod'
import { defineOperator, Ring } from '../../runtime/define.ts'
import { Bands } from '../../schemas/features.ts'
import { Bar } from '../../schemas/market.ts'
import { bar } from '../../schemas/samples.ts'

/** Bollinger bands of closes: quote units, place and width without a unit. */
export const bollinger = defineOperator({
  name: 'bollinger',
  version: 1,
  summary: 'Draws bands around the mean of closes, as wide as the closes scatter.',
  notes:
    'middle = mean of the newest `span` closes, upper and lower = middle +- `deviations` x their standard deviation, in quote units; place = (close - lower) / (upper - lower), 0.5 when the bands meet; width = (upper - lower) / middle. Silent until `span` bars are in. Divides by `span` (`population`, John Bollinger, TA-Lib, Tulip, Lean), or by `span` - 1 (`sample`, rolling(span).std() of pandas). %B is `place`; the bandwidth of charts is 100 x `width`. Mean and deviation are worked out afresh over the window at every bar: closes that are equal give bands that meet exactly, and a spike leaves nothing behind.',
  input: { bar: Bar },
  output: Bands,
  params: z.strictObject({
    span: z.int().min(2).default(20).describe('length of the window, bars'),
    deviations: z.number().positive().default(2).describe('standard deviations from the middle to a band'),
    variance: z.enum(['population', 'sample']).default('population').describe('divide by span, or by span - 1'),
  }),
  prepare: ({ span, deviations, variance }) => ({
    span,
    deviations,
    divisor: variance === 'population' ? span : span - 1,
  }),
  init: ({ span }) => ({ window: new Ring(span) }),
  on: {
    bar({ window }, { close }, { params }) {
      const { data } = window
      window.push(close)
      // Seen from one of its own values, a window of n lies at most sqrt(n - 1) deviations away (Samuelson, 1968):
      // the subtraction below never loses more than a factor of n, however high the price stands.
      let sum = 0
      let squares = 0
      // By index: the iterator of a typed array makes the bar three times as dear.
      for (let i = 0; i < params.span; i++) {
        const distance = (data[i] as number) - close
        sum += distance
        squares += distance * distance
      }
      const shift = sum / params.span
      const mean = close + shift
      const reach = params.deviations * Math.sqrt((squares - sum * shift) / params.divisor)
      return {
        middle: mean,
        upper: mean + reach,
        lower: mean - reach,
        place: reach > 0 ? 0.5 - shift / (2 * reach) : 0.5,
        width: (2 * reach) / mean,
      }
    },
  },
  silent: ({ window }) => !window.full,
  example: {
    params: { span: 2 },
    input: [bar(1, 12), bar(2, 4), bar(3, 4)],
    output: [
      { middle: 8, upper: 16, lower: 0, place: 0.25, width: 2 },
      { middle: 4, upper: 4, lower: 4, place: 0.5, width: 0 },
    ],
  },
})
