import { z } from 'zod'
import { defineOperator, Ring } from '../../runtime/define.ts'
import { Scalar } from '../../schemas/features.ts'
import { Bar } from '../../schemas/market.ts'
import { bar } from '../../schemas/samples.ts'

/** Relative strength index of closes, 0 to 100. */
export const rsi = defineOperator({
  name: 'rsi',
  version: 1,
  summary: 'Says how much of the movement of closes went up: 0 is none, 100 is all of it.',
  notes:
    '100 x up / (up + down), of the averaged rises and falls from close to close; silent until `span` changes (`span` + 1 bars) are in. Where nothing moved it answers 50: neither side is stronger (TA-Lib answers 0 there). `wilder` averages with weight 1 / span (J. Welles Wilder, New Concepts in Technical Trading Systems, 1978): with seed `mean` from the mean of the first `span` changes (TA-Lib, Lean, Tulip), with seed `zero` from 0 (the Python library ta and its StockCharts sheet), which differs by some points over the first spans. `cutler` takes the plain means of the newest `span` changes and needs no seed, so that it does not depend on where the series began.',
  input: { bar: Bar },
  output: Scalar,
  params: z
    .strictObject({
      span: z.int().min(2).default(14).describe('length of the averages, changes from bar to bar'),
      smoothing: z.enum(['wilder', 'cutler']).default('wilder').describe('how rises and falls are averaged'),
      seed: z.enum(['mean', 'zero']).default('mean').describe('what the averages of Wilder start from'),
    })
    .refine(({ smoothing, seed }) => smoothing === 'wilder' || seed === 'mean', {
      path: ['seed'],
      error: 'expected no seed: smoothing cutler has none',
    }),
  prepare: ({ span, smoothing, seed }) => ({
    span,
    cutler: smoothing === 'cutler',
    weight: 1 / span,
    seeding: seed === 'mean' ? span : 0,
  }),
  init: ({ span, cutler }) => ({ seen: 0, last: 0, up: 0, down: 0, changes: new Ring(cutler ? span : 1) }),
  on: {
    bar(state, { close }, { params }) {
      const changed = state.seen++
      const change = close - state.last
      state.last = close
      if (params.cutler && changed > 0) {
        const { data } = state.changes
        state.changes.push(change)
        // Summed afresh: the rest of a running sum would pass for movement where there is none.
        state.up = 0
        state.down = 0
        for (let i = 0; i < params.span; i++) {
          const one = data[i] as number
          state.up += Math.max(one, 0)
          state.down += Math.max(-one, 0)
        }
      } else if (changed > 0) {
        const weight = changed <= params.seeding ? 1 / changed : params.weight
        state.up += weight * (Math.max(change, 0) - state.up)
        state.down += weight * (Math.max(-change, 0) - state.down)
      }
      const moved = state.up + state.down
      return moved > 0 ? 100 * (state.up / moved) : 50
    },
  },
  silent: ({ seen }, _answer, { span }) => seen <= span,
  example: {
    params: { span: 2 },
    input: [bar(1, 10), bar(2, 13), bar(3, 12), bar(4, 12), bar(5, 15)],
    output: [75, 75, 93.75],
  },
})
