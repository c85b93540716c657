import { z } from 'zod'
import { defineKernel, defineOperator, defineScan } from '../../runtime/define.ts'
import type { Kernel } from '../../runtime/kernels.ts'
import { Bands, Macd, Scalar } from '../../schemas/features.ts'
import type { Of } from '../../schemas/kind.ts'
import { Bar } from '../../schemas/market.ts'
import { Signal } from '../../schemas/orders.ts'
import { barOf } from '../../schemas/samples.ts'
import { put } from './features.ts'
import { onnxMlp, wasmMlp } from './kernels.ts'
import { Features, Probabilities } from './kinds.ts'
import { plainScores } from './plain.ts'
import { rules, sideOf } from './rules.ts'
import { softmax } from './softmax.ts'
import { INPUTS, OUTPUTS } from './weights.ts'

const none = z.strictObject({})
const bar = { kind: 'bar', at: 1, key: 'bench:S0', value: barOf(1) }

export const features = defineScan({
  name: 'bench_features',
  version: 1,
  summary: 'What the model looks at, relative to the close.',
  input: Bar,
  latest: {
    ema_5: Scalar,
    ema_12: Scalar,
    ema_26: Scalar,
    ema_50: Scalar,
    ema_100: Scalar,
    sma_10: Scalar,
    sma_30: Scalar,
    rsi_7: Scalar,
    rsi_14: Scalar,
    rsi_28: Scalar,
    macd: Macd,
    quick: Macd,
    wide: Bands,
    narrow: Bands,
    atr_7: Scalar,
    atr_14: Scalar,
    vwap_10: Scalar,
    vwap_20: Scalar,
    vwap_30: Scalar,
    minute_ema_3: Scalar,
    minute_ema_8: Scalar,
    minute_sma: Scalar,
    minute_macd: Macd,
    minute_bands: Bands,
    minute_atr: Scalar,
    minute_vwap: Scalar,
  },
  output: Features,
  params: none,
  step(_state, { close }, { latest: l }) {
    const unit = rules.parts / close
    return {
      ema_5: (close - l.ema_5) * unit,
      ema_12: (close - l.ema_12) * unit,
      ema_26: (close - l.ema_26) * unit,
      ema_50: (close - l.ema_50) * unit,
      ema_100: (close - l.ema_100) * unit,
      sma_10: (close - l.sma_10) * unit,
      sma_30: (close - l.sma_30) * unit,
      rsi_7: (l.rsi_7 - 50) * 0.05,
      rsi_14: (l.rsi_14 - 50) * 0.05,
      rsi_28: (l.rsi_28 - 50) * 0.05,
      macd_line: l.macd.line * unit,
      macd_signal: l.macd.signal * unit,
      macd_histogram: l.macd.histogram * unit,
      quick_line: l.quick.line * unit,
      quick_signal: l.quick.signal * unit,
      quick_histogram: l.quick.histogram * unit,
      wide_middle: (close - l.wide.middle) * unit,
      wide_upper: (close - l.wide.upper) * unit,
      wide_lower: (close - l.wide.lower) * unit,
      wide_place: l.wide.place - 0.5,
      wide_width: l.wide.width * rules.parts,
      narrow_middle: (close - l.narrow.middle) * unit,
      narrow_upper: (close - l.narrow.upper) * unit,
      narrow_lower: (close - l.narrow.lower) * unit,
      narrow_place: l.narrow.place - 0.5,
      narrow_width: l.narrow.width * rules.parts,
      atr_7: l.atr_7 * unit,
      atr_14: l.atr_14 * unit,
      vwap_10: (close - l.vwap_10) * unit,
      vwap_20: (close - l.vwap_20) * unit,
      vwap_30: (close - l.vwap_30) * unit,
      minute_ema_3: (close - l.minute_ema_3) * unit,
      minute_ema_8: (close - l.minute_ema_8) * unit,
      minute_sma: (close - l.minute_sma) * unit,
      minute_line: l.minute_macd.line * unit,
      minute_signal: l.minute_macd.signal * unit,
      minute_histogram: l.minute_macd.histogram * unit,
      minute_place: l.minute_bands.place - 0.5,
      minute_width: l.minute_bands.width * rules.parts,
      minute_atr: l.minute_atr * unit,
      minute_vwap: (close - l.minute_vwap) * unit,
    }
  },
  example: { params: {}, input: [bar], output: [] },
})

/** The model as a scan: a function from features to the probabilities it leaves in an array. */
const scan = (name: string, summary: string, run: (features: Of<typeof Features>) => Float64Array) =>
  defineScan({
    name,
    version: 1,
    summary,
    input: Features,
    output: Probabilities,
    params: none,
    step(_state, message) {
      const p = run(message)
      return { down: p[0]!, flat: p[1]!, up: p[2]! }
    },
    example: { params: {}, input: [], output: [] },
  })

const answer = new Float64Array(OUTPUTS)
const inputs = new Float64Array(INPUTS)
export const plainModel = scan('bench_plain_model', 'The model in plain arithmetic.', (message) => {
  put(message, inputs, 0)
  softmax(plainScores(inputs), 0, answer, 0)
  return answer
})
/** The model as a kernel. */
const kernel = (name: string, summary: string, open: () => Kernel | Promise<Kernel>) =>
  defineKernel({
    name,
    version: 1,
    summary,
    input: Features,
    output: Probabilities,
    params: none,
    open,
    example: { params: {}, input: [], output: [] },
  })
export const wasmModel = kernel('bench_wasm_model', 'The model in WASM SIMD.', wasmMlp)
export const onnxModel = kernel('bench_onnx_model', 'The model as an ONNX file on onnxruntime-web.', onnxMlp)

export const decide = defineOperator({
  name: 'bench_decide',
  version: 1,
  summary: 'Signals when another side than before wins clearly.',
  input: { probabilities: Probabilities },
  latest: { bar: Bar },
  output: Signal,
  params: none,
  init: () => ({ side: 0 }),
  on: {
    probabilities(state, { down, flat, up }, { latest }) {
      const side = sideOf(down, flat, up)
      if (side === 0 || side === state.side) return undefined
      state.side = side
      return { direction: side, strength: up - down, price: latest.bar.close }
    },
  },
  example: { params: {}, input: [], output: [] },
})
