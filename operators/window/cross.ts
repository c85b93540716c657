import { z } from 'zod'
import { defineOperator } from '../../runtime/define.ts'
import { Scalar } from '../../schemas/features.ts'
import { Bar } from '../../schemas/market.ts'
import { Signal } from '../../schemas/orders.ts'
import { bar, scalar, to } from '../../schemas/samples.ts'

export const cross = defineOperator({
  name: 'cross',
  version: 1,
  summary: 'Signals when a value crosses a trend: the fast line where one is wired, the close of the bar otherwise.',
  notes:
    'Values that touch and part on the same side do not cross. With `emit: level` every bar gives the side the value is on, and equal counts as above. The signal is silent until every wired line has spoken and `warm_up` bars have been seen.',
  input: { bar: Bar },
  latest: { trend: Scalar, fast: Scalar },
  absent: { fast: Number.NaN },
  output: Signal,
  params: z.strictObject({
    emit: z.enum(['change', 'level']).default('change').describe('signal on a crossing only, or on every bar'),
    warm_up: z.int().nonnegative().default(0).describe('bars to have seen, this one included, before the first signal'),
    skip_single_price: z
      .boolean()
      .default(false)
      .describe('leave out bars whose open, high, low and close are one price'),
  }),
  prepare: ({ emit, ...rest }) => ({ ...rest, level: emit === 'level' }),
  init: () => ({ seen: 0, side: 0 }),
  on: {
    bar(state, { open, high, low, close }, { params, latest }) {
      const distance = (Number.isNaN(latest.fast) ? close : latest.fast) - latest.trend
      const before = state.side
      if (distance !== 0) state.side = distance > 0 ? 1 : -1
      if (++state.seen < params.warm_up) return undefined
      if (params.skip_single_price && open === high && high === low && low === close) return undefined
      if (params.level)
        return { direction: distance >= 0 ? (1 as const) : (-1 as const), strength: distance, price: close }
      if (before === 0 || state.side === before) return undefined
      return { direction: state.side > 0 ? (1 as const) : (-1 as const), strength: distance, price: close }
    },
  },
  example: {
    params: {},
    input: [to('trend', scalar(1, 10)), bar(1, 9), bar(2, 12), bar(3, 13), bar(4, 8)],
    output: [
      { direction: 1, strength: 2, price: 12 },
      { direction: -1, strength: -2, price: 8 },
    ],
  },
})
