import { z } from 'zod'
import type { ProblemCode } from '../../runtime/check.ts'
import { defineOperator } from '../../runtime/define.ts'
import { Scalar } from '../../schemas/features.ts'

/** An operator that no catalogue has: some problems cannot be made with the built-in ones. */
export const blend = defineOperator({
  name: 'blend',
  version: 1,
  summary: 'Stands for an operator of your own that reads two numbers.',
  input: { fast: Scalar, slow: Scalar },
  output: Scalar,
  params: z.strictObject({}),
  on: { fast: (_state, value) => value, slow: (_state, value) => value },
  example: { params: {}, input: [], output: [] },
})

/** A definition with each problem that `check` can find, for its page. */
export const problemExamples: Readonly<Record<ProblemCode, string>> = {
  SHAPE: `pipeline: example
nodes:
  trades: { sources: tape_trades }`,
  COMPONENT_UNKNOWN: `pipeline: example
nodes:
  bars: { source: tape_bars }
  trend: { op: emma, from: bars, params: { span: 20 } }`,
  PARAM_INVALID: `pipeline: example
nodes:
  bars: { source: tape_bars }
  trend: { op: ema, from: bars, params: { span: 20, sed: mean } }`,
  EDGE_UNKNOWN: `pipeline: example
nodes:
  bars: { source: tape_bars }
  trend: { op: ema, from: bar, params: { span: 20 } }`,
  KIND_MISMATCH: `pipeline: example
nodes:
  trades: { source: tape_trades }
  trend: { op: ema, from: trades, params: { span: 20 } }`,
  PORT_UNKNOWN: `pipeline: example
nodes:
  bars: { source: tape_bars }
  trend: { op: ema, from: bars, params: { span: 20 } }
  above: { op: cross, from: bars, latest: { trend: trend, fats: trend } }`,
  PORT_UNWIRED: `pipeline: example
nodes:
  bars: { source: tape_bars }
  above: { op: cross, from: bars }`,
  PORT_AMBIGUOUS: `pipeline: example
nodes:
  bars: { source: tape_bars }
  trend: { op: ema, from: bars, params: { span: 20 } }
  both: { op: blend, from: trend }`,
  CYCLE: `pipeline: example
nodes:
  bars: { source: tape_bars }
  trend: { op: ema, from: bars, params: { span: 20 } }
  one: { op: blend, from: { fast: trend, slow: two } }
  two: { op: blend, from: { fast: trend, slow: one } }`,
  LATENESS: `pipeline: example
nodes:
  trades: { source: binance_trades, params: { symbols: [BTCUSDT], lateness: 2m } }
  bars: { op: time_bars, from: trades, params: { every: 1m } }`,
}
