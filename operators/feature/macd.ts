import { z } from 'zod'
import { defineOperator } from '../../runtime/define.ts'
import { Macd } from '../../schemas/features.ts'
import { Bar } from '../../schemas/market.ts'
import { bar } from '../../schemas/samples.ts'

/** Moving average convergence divergence of closes, quote units. */
export const macd = defineOperator({
  name: 'macd',
  version: 1,
  summary: 'Sets a fast average of closes against a slow one, and the difference against its own average.',
  notes:
    'line = fast average - slow average, signal = average of the line, histogram = line - signal, all exponential with weight 2 / (span + 1), all in quote units. Sources differ in where the averages start, by more than a tenth of the line at its first bars. `first`: both averages at the first close, the line counts from bar `slow`, the signal starts at the first line (Tulip, TA-Lib in Metastock mode). `mean`: each average from the mean of its own first closes, the signal from the mean of the first lines (Lean). `talib`: as `mean`, but the fast average from the closes just before bar `slow`. `pandas`: everything at the first bar, never silent (ewm with adjust=False). Silent until `slow` bars are in with `first`, until `slow` + `signal` - 1 with `mean` and `talib`. `weights: appel` takes 0.15 and 0.075 for the spans 12 and 26, as Tulip does there, and MACDFIX of TA-Lib; the formula gives 0.1538 and 0.0741.',
  input: { bar: Bar },
  output: Macd,
  params: z
    .strictObject({
      fast: z.int().min(1).default(12).describe('length of the fast average, bars'),
      slow: z.int().min(2).default(26).describe('length of the slow average, bars'),
      signal: z.int().min(1).default(9).describe('length of the average of the line, bars'),
      seed: z
        .enum(['first', 'mean', 'talib', 'pandas'])
        .default('first')
        .describe('where the averages start from, and when'),
      weights: z.enum(['span', 'appel']).default('span').describe('what fast and slow weigh a new close by'),
    })
    .refine(({ fast, slow }) => fast < slow, { path: ['fast'], error: 'expected fast below slow' })
    .refine(({ fast, slow, weights }) => weights === 'span' || (fast === 12 && slow === 26), {
      path: ['weights'],
      error: 'expected span: the weights of appel belong to fast 12 and slow 26',
    }),
  prepare({ fast, slow, signal, seed, weights }) {
    const means = seed === 'mean' || seed === 'talib'
    return {
      fast: weights === 'appel' ? 0.15 : 2 / (fast + 1),
      slow: weights === 'appel' ? 0.075 : 2 / (slow + 1),
      signal: 2 / (signal + 1),
      fast_from: seed === 'talib' ? slow - fast : 0,
      fast_seeding: means ? fast : 1,
      slow_seeding: means ? slow : 1,
      line_from: seed === 'pandas' ? 0 : slow - 1,
      signal_seeding: means ? signal : 1,
    }
  },
  init: () => ({ seen: 0, fast: 0, slow: 0, signal: 0 }),
  on: {
    bar(state, { close }, { params }) {
      const seen = ++state.seen
      const fast = seen - params.fast_from
      if (fast > params.fast_seeding) state.fast += params.fast * (close - state.fast)
      else if (fast > 0) state.fast += (close - state.fast) / fast
      if (seen > params.slow_seeding) state.slow += params.slow * (close - state.slow)
      else state.slow += (close - state.slow) / seen
      const lines = seen - params.line_from
      const line = state.fast - state.slow
      if (lines > params.signal_seeding) state.signal += params.signal * (line - state.signal)
      else if (lines > 0) state.signal += (line - state.signal) / lines
      return { line, signal: state.signal, histogram: line - state.signal }
    },
  },
  silent: ({ seen }, _answer, { line_from, signal_seeding }) => seen - line_from < signal_seeding,
  example: {
    params: { fast: 1, slow: 3, signal: 3 },
    input: [bar(1, 8), bar(2, 16), bar(3, 20), bar(4, 24)],
    output: [
      { line: 4, signal: 4, histogram: 0 },
      { line: 4, signal: 4, histogram: 0 },
    ],
  },
})
