import { portfolio } from '../operators/account/portfolio.ts'
import { ema } from '../operators/feature/ema.ts'
import { riskGate } from '../operators/risk/risk_gate.ts'
import { fixedNotional } from '../operators/sizing/fixed_notional.ts'
import { cross } from '../operators/window/cross.ts'
import { timeBars } from '../operators/window/time_bars.ts'
import { pipeline } from '../runtime/pipeline.ts'
import { Fill, OrderUpdate } from '../schemas/orders.ts'
import { report } from '../sinks/report.ts'
import { signals } from '../sinks/signals.ts'
import { simulatedVenue } from '../sinks/simulated_venue.ts'
import { binanceTrades } from '../sources/binance/trades.ts'

/** The same pipeline as btc_momentum.yaml, with typed edges: a test holds the two to one plan hash. */
export default pipeline('btc_momentum', (p) => {
  const [fill, order] = [p.later('execute.fill', Fill), p.later('execute.order', OrderUpdate)]
  const trades = p.source('trades', binanceTrades({ symbols: ['BTCUSDT'] }))
  const bars = p.via('bars', trades, timeBars({ every: '1m' }))
  const trend = p.via('trend', bars, ema({ span: 20 }))
  const above = p.via('above', bars, cross({ warm_up: 20 }), { trend })
  const sized = p.via('sized', above, fixedNotional({ notional: 1000, decimals: 5 }))
  const gate = p.join('gate', { intent: sized, fill, order }, riskGate({ max_notional: 50_000 }))
  const execute = p.sink('execute', gate.approved, simulatedVenue({ spread: 0.0001 }))
  const account = p.via('account', execute.fill, portfolio({ cash: 100_000, every: '1m' }))
  p.sink('publish', above, signals({}))
  p.sink(
    'figures',
    {
      equity: account.equity,
      position: account.position,
      order: execute.order,
      fill: execute.fill,
      signal: above,
      refused: gate.refused,
    },
    report({}),
  )
})
