/** The definition of a new project. */
export const definition = `# yaml-language-server: $schema=../node_modules/tidegate/schemas/pipeline.schema.json
pipeline: btc_momentum
summary: Follows the one-minute trend of BTC with a fixed amount, inside risk limits.
nodes:
  trades: { source: binance_trades, params: { symbols: [BTCUSDT] } }
  bars: { op: time_bars, from: trades, params: { every: 1m } }
  trend: { op: ema, from: bars, params: { span: 20 } }
  above: { op: cross, from: bars, latest: { trend: trend } }
  sized: { op: fixed_notional, from: above, params: { notional: 1000, decimals: 5 } }
  gate:
    op: risk_gate
    from: { intent: sized, fill: execute.fill, order: execute.order }
    params: { max_notional: 50000 }
  execute: { sink: simulated_venue, from: gate.approved, params: { fee: 0.001 } }
  account: { op: portfolio, from: execute.fill, params: { cash: 100000, every: 1m } }
  publish: { sink: signals, from: above }
`

/** Its test file: the numbers also hold for the drawn form, whose trend is another. */
export const definitionTest = `# Run with: tidegate test pipelines/btc_momentum.yaml
pipeline: ./btc_momentum.yaml
# short bars and a short trend keep the tests small
set: { bars.every: 1s, trend.span: 2 }
tests:
  - name: buys when the close rises through the trend, and sells when it falls back
    steps:
      - { at: 0s, trades: { price: 100 } }
      - { at: 1s, trades: { price: 80 } }
      - { at: 2s, trades: { price: 125 } }
      - { crash: after_commit }
      - { at: 3s, trades: { price: 50 } }
      - { advance: 5s }
      - end
    expect:
      - { edge: above, at: 3s, value: { direction: 1 } }
      - { edge: above, at: 4s, value: { direction: -1 } }
      - { edge: gate.approved, at: 3s, value: { side: buy, quantity: 8 } }
      - { edge: gate.approved, at: 4s, value: { side: sell, quantity: 20 } }
      - { edge: execute.fill, value: { side: buy, price: 125, notional: 1000, fee: 1 } }
      - { edge: execute.fill, value: { side: sell, price: 50, notional: 1000 } }
    expect_none: [gate.refused]

  - name: refuses orders for a while after the feed broke
    steps:
      - { at: 0s, trades: { price: 100 } }
      - { at: 1s, trades: { price: 80 } }
      - { at: 2s, trades: { price: 125 } }
      - { gap: trades, at: 2.5s, reason: disconnected }
      - { at: 3s, trades: { price: 125 } }
    expect:
      - { edge: gate.refused, value: { side: buy, code: DATA_GAP } }
    expect_none: [gate.approved]

  - name: counts a trade that comes after its bar was closed
    steps:
      - { at: 0s, trades: { price: 100 } }
      - { at: 5s, trades: { price: 100 } }
      - { late: trades, at: 0.5s, row: { price: 1 } }
    expect_late: 1
    expect_none: [gate.approved, gate.refused]
`

/** The same graph in TypeScript, with the project's own operator. */
export const drawn = `import { pipeline } from 'tidegate'
import { binanceTrades, cross, fixedNotional, portfolio, riskGate, signals, simulatedVenue, timeBars } from 'tidegate/components'
import { Fill, OrderUpdate } from 'tidegate/schemas'
import { midRange } from '../operators/mid_range.ts'

export default pipeline('btc_mid_range', (p) => {
  // what comes back from the venue is drawn later
  const [fill, order] = [p.later('execute.fill', Fill), p.later('execute.order', OrderUpdate)]
  const trades = p.source('trades', binanceTrades({ symbols: ['BTCUSDT'] }))
  const bars = p.via('bars', trades, timeBars({ every: '1m' }))
  const trend = p.via('trend', bars, midRange({ span: 20 }))
  const above = p.via('above', bars, cross({}), { trend })
  const sized = p.via('sized', above, fixedNotional({ notional: 1000, decimals: 5 }))
  const gate = p.join('gate', { intent: sized, fill, order }, riskGate({ max_notional: 50_000 }))
  const execute = p.sink('execute', gate.approved, simulatedVenue({ fee: 0.001 }))
  p.via('account', execute.fill, portfolio({ cash: 100_000, every: '1m' }))
  p.sink('publish', above, signals({}))
})
`
