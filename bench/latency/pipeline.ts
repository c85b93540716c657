import { operators } from '../../operators/catalogue.ts'
import { type Plan, plan as planOf } from '../../runtime/plan.ts'
import { sinks } from '../../sinks/catalogue.ts'
import { sources } from '../../sources/catalogue.ts'
import { everyTrade } from './every_trade.ts'

export const PIPELINE = 'latency'
export const definition = {
  pipeline: PIPELINE,
  nodes: {
    ticks: { source: 'tape_trades' },
    every: { op: 'every_trade', from: 'ticks' },
    publish: { sink: 'signals', from: 'every' },
  },
}
export const planner = async (raw: unknown): Promise<Plan> =>
  planOf(raw, { operators: { ...operators, every_trade: everyTrade.definition }, sources, sinks }, 'paper')
