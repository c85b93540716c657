import { z } from 'zod'
import { defineScan } from '../../runtime/define.ts'
import { Scalar } from '../../schemas/features.ts'
import { Bar } from '../../schemas/market.ts'
import { bar } from '../../schemas/samples.ts'

/** Exponential moving average of closes, quote units. */
export const ema = defineScan({
  name: 'ema',
  version: 1,
  summary: 'Smooths bar closes with an exponential moving average.',
  notes:
    'Weight 2 / (span + 1). With seed `first` the average starts at the first close (Tulip, NautilusTrader); with `mean` it is the mean of the closes so far until `span` of them are in, and goes on from there (TA-Lib, Lean).',
  input: Bar,
  output: Scalar,
  params: z.strictObject({
    span: z.int().min(2).describe('length of the average, bars'),
    seed: z.enum(['first', 'mean']).default('first').describe('what the average starts from'),
  }),
  prepare: ({ span, seed }) => ({ weight: 2 / (span + 1), seeding: seed === 'mean' ? span : 1 }),
  init: () => ({ seen: 0, value: 0 }),
  step(state, { close }, { params }) {
    if (state.seen < params.seeding) {
      state.seen++
      state.value += (close - state.value) / state.seen
    } else state.value += params.weight * (close - state.value)
    return state.value
  },
  example: { params: { span: 3 }, input: [bar(1, 10), bar(2, 20)], output: [10, 15] },
})
