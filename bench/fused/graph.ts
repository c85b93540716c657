import { z } from 'zod'
import { operators } from '../../operators/catalogue.ts'
import { atr } from '../../operators/feature/atr.ts'
import { bollinger } from '../../operators/feature/bollinger.ts'
import { ema } from '../../operators/feature/ema.ts'
import { macd } from '../../operators/feature/macd.ts'
import { rsi } from '../../operators/feature/rsi.ts'
import { vwap } from '../../operators/feature/vwap.ts'
import { cross } from '../../operators/window/cross.ts'
import { timeBars } from '../../operators/window/time_bars.ts'
import { type Catalogue, defineScan, defineSink, listed } from '../../runtime/define.ts'
import { type Pen, pipeline, type SourceStreams } from '../../runtime/pipeline.ts'
import { type Plan, plan } from '../../runtime/plan.ts'
import { Bands, Macd, Scalar } from '../../schemas/features.ts'
import { Bar, type Trade } from '../../schemas/market.ts'
import { barOf } from '../../schemas/samples.ts'
import { simulatedVenue } from '../../sinks/simulated_venue.ts'
import { benchTrades, drawTrading } from './drawing.ts'
import type { Graph } from './engine.ts'
import { rules, scoreOf } from './rules.ts'

const none = z.strictObject({})

const score = defineScan({
  name: 'bench_score',
  version: 1,
  summary: 'One number out of all features of a bar.',
  input: Bar,
  latest: { fast: Scalar, slow: Scalar, momentum: Macd, strength: Scalar, bands: Bands, range: Scalar, fair: Scalar },
  output: Scalar,
  params: none,
  step: (_state, { close }, { latest: { fast, slow, momentum, strength, bands, range, fair } }) =>
    scoreOf(close, fast, slow, momentum.line, momentum.signal, strength, bands.place, bands.width, range, fair),
  example: { params: {}, input: [{ kind: 'bar', at: 1, key: 'bench:S0', value: barOf(1) }], output: [] },
})

/** Reads what would otherwise not be part of the outputs. */
const collect = defineSink({
  name: 'bench_collect',
  version: 1,
  summary: 'Makes bars and scores part of the outputs.',
  input: { minute: Bar, second: Bar, score: Scalar },
  params: none,
  open: () => ({ position: { commit: 0, order: -1 }, write() {}, flush() {}, close() {} }),
  example: { params: {} },
})

/** Draws the graph; gives its trades, for whoever draws on. */
export function drawBench(pen: Pen, trendSpan: number = rules.trend): SourceStreams<typeof Trade> {
  const trade = pen.source('trades', benchTrades({}))
  const minute = pen.join('minute', { trade }, timeBars({ every: '1m' }))
  const second = pen.join('second', { trade }, timeBars({ every: '1s' }))
  const trend = pen.via('trend', minute, ema({ span: trendSpan }))
  const fast = pen.via('fast', second, ema({ span: rules.fast }))
  const slow = pen.via('slow', second, ema({ span: rules.slow }))
  const { fast: quick, slow: steady, signal: average } = rules
  const momentum = pen.via('momentum', second, macd({ fast: quick, slow: steady, signal: average }))
  const strength = pen.via('strength', second, rsi({ span: rules.strength }))
  const bands = pen.via('bands', second, bollinger({ span: rules.bands, deviations: rules.deviations }))
  const range = pen.via('range', second, atr({ span: rules.range }))
  const fair = pen.via('fair', second, vwap({ window: rules.fair }))
  const features = { fast, slow, momentum, strength, bands, range, fair }
  const scored = pen.via('score', second, score({}), features)
  const crossed = pen.via('signal', second, cross({}), { fast, trend })
  drawTrading(pen, crossed)
  pen.sink('collect', { minute, second, score: scored }, collect({}))
  return trade
}
const definition = pipeline('bench', (pen) => {
  drawBench(pen)
})

export const catalogue: Catalogue = {
  operators: { ...operators, ...listed(score) },
  sources: listed(benchTrades),
  sinks: listed(simulatedVenue, collect),
}
export const SOURCE = 'trades'
export const benchPlan = (): Plan => plan(definition, catalogue)
export const fusedGraph: Graph = { plan: benchPlan, source: SOURCE, answer: 'score' }
