import { z } from 'zod'
import { defineOperator, Ring } from '../../runtime/define.ts'
import { Scalar } from '../../schemas/features.ts'
import { Bar } from '../../schemas/market.ts'
import { bar } from '../../schemas/samples.ts'
import { add, runningSum, totalOf } from './running_sum.ts'

const day = 86_400_000_000

/** Volume-weighted average price, quote units. */
export const vwap = defineOperator({
  name: 'vwap',
  version: 1,
  summary: 'Averages the price that was paid per unit traded, over the newest bars or since the day began.',
  notes:
    'Sum of turnover over sum of volume, quote units. With `window: day` both sums start afresh at midnight UTC of event time; a bar is stamped with its end, so one stamped at midnight is the last of the day before. With a number they reach over that many bars, and the operator is silent until they are in. Silent too where the window holds no volume: there is no price then; who reads it as `latest` keeps the one before. Bars of quotes have no volume. Bars whose turnover is close x volume make it the volume-weighted moving average (vwma) of Tulip and Lean.',
  input: { bar: Bar },
  output: Scalar,
  params: z.strictObject({
    window: z
      .union([z.literal('day'), z.int().min(1)])
      .default('day')
      .describe('day: since midnight UTC; a number: the newest bars'),
  }),
  prepare: ({ window }) => ({ daily: window === 'day', span: window === 'day' ? 1 : window }),
  init: ({ span }) => ({
    day: 0,
    traded: 0,
    turnover: runningSum(),
    volume: runningSum(),
    turnovers: new Ring(span),
    volumes: new Ring(span),
  }),
  on: {
    bar(state, bar, { params, at }) {
      const { volume } = bar
      const turnover = volume > 0 ? bar.turnover : 0
      let over = false
      if (params.daily) {
        const today = Math.ceil(at / day)
        over = today !== state.day
        state.day = today
      } else {
        const left = state.volumes.push(volume)
        add(state.volume, -left)
        add(state.turnover, -state.turnovers.push(turnover))
        if (left > 0) state.traded--
        over = state.traded === 0
      }
      // Set to 0 once nothing is in: what is left of the roundings must not pass for a price.
      if (over) {
        state.traded = 0
        state.turnover.sum = 0
        state.turnover.rest = 0
        state.volume.sum = 0
        state.volume.rest = 0
      }
      add(state.volume, volume)
      add(state.turnover, turnover)
      if (volume > 0) state.traded++
      return totalOf(state.turnover) / totalOf(state.volume)
    },
  },
  silent: ({ traded, volumes }, _answer, { daily }) => traded === 0 || (!daily && !volumes.full),
  example: {
    params: {},
    input: [bar(86_398, 10), bar(86_400, 20, { volume: 3, turnover: 60 }), bar(86_401, 40)],
    output: [10, 17.5, 40],
  },
})
