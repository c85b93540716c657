import { z } from 'zod'
import { operators } from '../../operators/catalogue.ts'
import { atr } from '../../operators/feature/atr.ts'
import { bollinger } from '../../operators/feature/bollinger.ts'
import { ema } from '../../operators/feature/ema.ts'
import { macd } from '../../operators/feature/macd.ts'
import { rsi } from '../../operators/feature/rsi.ts'
import { sma } from '../../operators/feature/sma.ts'
import { vwap } from '../../operators/feature/vwap.ts'
import { timeBars } from '../../operators/window/time_bars.ts'
import { defineSink, listed } from '../../runtime/define.ts'
import { type Pen, pipeline, type Stream } from '../../runtime/pipeline.ts'
import { plan } from '../../runtime/plan.ts'
import { Bar } from '../../schemas/market.ts'
import { simulatedVenue } from '../../sinks/simulated_venue.ts'
import { benchTrades, drawTrading } from '../fused/drawing.ts'
import type { Graph } from '../fused/engine.ts'
import { Probabilities } from './kinds.ts'
import { decide, features, onnxModel, plainModel, wasmModel } from './operators.ts'
import { rules } from './rules.ts'

/** Reads what would otherwise not be part of the outputs. */
const collect = defineSink({
  name: 'bench_collect',
  version: 1,
  summary: 'Makes bars and probabilities part of the outputs.',
  input: { minute: Bar, second: Bar, probabilities: Probabilities },
  params: z.strictObject({}),
  open: () => ({ position: { commit: 0, order: -1 }, write() {}, flush() {}, close() {} }),
  example: { params: {} },
})

type Bars = Stream<typeof Bar>
const drawSecond = (pen: Pen, bars: Bars) => ({
  ema_5: pen.via('ema_5', bars, ema({ span: 5 })),
  ema_12: pen.via('ema_12', bars, ema({ span: 12 })),
  ema_26: pen.via('ema_26', bars, ema({ span: 26 })),
  ema_50: pen.via('ema_50', bars, ema({ span: 50 })),
  ema_100: pen.via('ema_100', bars, ema({ span: 100 })),
  sma_10: pen.via('sma_10', bars, sma({ span: 10 })),
  sma_30: pen.via('sma_30', bars, sma({ span: 30 })),
  rsi_7: pen.via('rsi_7', bars, rsi({ span: 7 })),
  rsi_14: pen.via('rsi_14', bars, rsi({ span: 14 })),
  rsi_28: pen.via('rsi_28', bars, rsi({ span: 28 })),
  macd: pen.via('macd', bars, macd(rules.macd)),
  quick: pen.via('quick', bars, macd(rules.quick)),
  wide: pen.via('wide', bars, bollinger(rules.wide)),
  narrow: pen.via('narrow', bars, bollinger(rules.narrow)),
  atr_7: pen.via('atr_7', bars, atr({ span: 7 })),
  atr_14: pen.via('atr_14', bars, atr({ span: 14 })),
  vwap_10: pen.via('vwap_10', bars, vwap({ window: 10 })),
  vwap_20: pen.via('vwap_20', bars, vwap({ window: 20 })),
  vwap_30: pen.via('vwap_30', bars, vwap({ window: 30 })),
})
function drawMinute(pen: Pen, bars: Bars) {
  const { span, deviations, macd: lines } = rules.minute
  return {
    minute_ema_3: pen.via('minute_ema_3', bars, ema({ span: 3 })),
    minute_ema_8: pen.via('minute_ema_8', bars, ema({ span: 8 })),
    minute_sma: pen.via('minute_sma', bars, sma({ span })),
    minute_macd: pen.via('minute_macd', bars, macd(lines)),
    minute_bands: pen.via('minute_bands', bars, bollinger({ span, deviations })),
    minute_atr: pen.via('minute_atr', bars, atr({ span })),
    minute_vwap: pen.via('minute_vwap', bars, vwap({ window: span })),
  }
}

/** The whole graph around one form of the model. */
function modelGraph(model: typeof plainModel | typeof wasmModel): Graph {
  const definition = pipeline('bench_model', (pen) => {
    const trade = pen.source('trades', benchTrades({}))
    const minute = pen.join('minute', { trade }, timeBars({ every: '1m' }))
    const second = pen.join('second', { trade }, timeBars({ every: '1s' }))
    const seen = pen.via('features', second, features({}), { ...drawSecond(pen, second), ...drawMinute(pen, minute) })
    const probabilities = pen.via('model', seen, model({}))
    drawTrading(pen, pen.via('signal', probabilities, decide({}), { bar: second }))
    pen.sink('collect', { minute, second, probabilities }, collect({}))
  })
  const catalogue = {
    operators: { ...operators, ...listed(features, model, decide) },
    sources: listed(benchTrades),
    sinks: listed(simulatedVenue, collect),
  }
  return { plan: () => plan(definition, catalogue), source: 'trades', answer: 'probabilities' }
}

export const plainGraph = modelGraph(plainModel)
export const wasmGraph = modelGraph(wasmModel)
export const onnxGraph = modelGraph(onnxModel)
