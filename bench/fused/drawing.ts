import { z } from 'zod'
import { portfolio } from '../../operators/account/portfolio.ts'
import { riskGate } from '../../operators/risk/risk_gate.ts'
import { fixedNotional } from '../../operators/sizing/fixed_notional.ts'
import { defineSource } from '../../runtime/define.ts'
import type { Pen, Stream } from '../../runtime/pipeline.ts'
import { Trade } from '../../schemas/market.ts'
import { Fill, OrderUpdate, type Signal } from '../../schemas/orders.ts'
import { simulatedVenue } from '../../sinks/simulated_venue.ts'
import { LATENESS } from './feed.ts'
import { rules } from './rules.ts'

export const benchTrades = defineSource({
  name: 'bench_trades',
  version: 1,
  summary: 'Trades that may come out of order.',
  output: Trade,
  params: z.strictObject({}),
  lateness: () => LATENESS,
  example: { params: {} },
})

/** What follows a signal: sizing, gate, venue, account. */
export function drawTrading(pen: Pen, signals: Stream<typeof Signal>): void {
  const sized = pen.via('sized', signals, fixedNotional({ notional: rules.notional, decimals: rules.decimals }))
  const { max_notional, max_position, stale_after, warm_up, fee, open_orders } = rules
  const gate = pen.join(
    'gate',
    { intent: sized, fill: pen.later('execute.fill', Fill), order: pen.later('execute.order', OrderUpdate) },
    riskGate({ max_notional, max_position, stale_after, warm_up }),
  )
  const execute = pen.sink('execute', gate.approved, simulatedVenue({ fill: 'next', fee, open_orders }))
  pen.via('account', execute.fill, portfolio({ cash: rules.cash, every: rules.every }))
}
