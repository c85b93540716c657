import { z } from 'zod'
import { defineScan, listed } from '../../runtime/define.ts'
import { pipeline } from '../../runtime/pipeline.ts'
import { type Plan, plan } from '../../runtime/plan.ts'
import { Scalar } from '../../schemas/features.ts'
import { Trade } from '../../schemas/market.ts'
import { catalogue, drawBench } from '../fused/graph.ts'

const average = defineScan({
  name: 'bench_average',
  version: 1,
  summary: 'An exponential average of prices, on every trade.',
  input: Trade,
  output: Scalar,
  params: z.strictObject({ span: z.int().min(2) }),
  prepare: ({ span }) => ({ weight: 2 / (span + 1) }),
  init: () => ({ seen: 0, value: 0 }),
  step(state, { price }, { params }) {
    if (state.seen === 0) {
      state.seen = 1
      state.value = price
    } else state.value += params.weight * (price - state.value)
    return state.value
  },
  example: { params: { span: 3 }, input: [], output: [] },
})

export interface Drawing {
  /** Averages of every trade that are drawn beside the graph, each of a span of its own. */
  readonly averages?: number
  /** Span of the trend: another one makes another plan of the same form. */
  readonly trend?: number
}
/** The graph of `fused`, with more nodes on every tick. */
export function enginePlan({ averages = 0, trend }: Drawing = {}): Plan {
  const definition = pipeline('bench', (pen) => {
    const trade = drawBench(pen, trend)
    for (let i = 0; i < averages; i++) pen.via(`average_${i}`, trade, average({ span: 10 + 3 * i }))
  })
  return plan(definition, { ...catalogue, operators: { ...catalogue.operators, ...listed(average) } })
}
