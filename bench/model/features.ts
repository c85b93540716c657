import type { Of } from '../../schemas/kind.ts'
import type { Features } from './kinds.ts'

/** The features as numbers from `place` on, in their order. */
export function put(f: Of<typeof Features>, x: Float32Array | Float64Array, place: number): void {
  x[place] = f.ema_5
  x[place + 1] = f.ema_12
  x[place + 2] = f.ema_26
  x[place + 3] = f.ema_50
  x[place + 4] = f.ema_100
  x[place + 5] = f.sma_10
  x[place + 6] = f.sma_30
  x[place + 7] = f.rsi_7
  x[place + 8] = f.rsi_14
  x[place + 9] = f.rsi_28
  x[place + 10] = f.macd_line
  x[place + 11] = f.macd_signal
  x[place + 12] = f.macd_histogram
  x[place + 13] = f.quick_line
  x[place + 14] = f.quick_signal
  x[place + 15] = f.quick_histogram
  x[place + 16] = f.wide_middle
  x[place + 17] = f.wide_upper
  x[place + 18] = f.wide_lower
  x[place + 19] = f.wide_place
  x[place + 20] = f.wide_width
  x[place + 21] = f.narrow_middle
  x[place + 22] = f.narrow_upper
  x[place + 23] = f.narrow_lower
  x[place + 24] = f.narrow_place
  x[place + 25] = f.narrow_width
  x[place + 26] = f.atr_7
  x[place + 27] = f.atr_14
  x[place + 28] = f.vwap_10
  x[place + 29] = f.vwap_20
  x[place + 30] = f.vwap_30
  x[place + 31] = f.minute_ema_3
  x[place + 32] = f.minute_ema_8
  x[place + 33] = f.minute_sma
  x[place + 34] = f.minute_line
  x[place + 35] = f.minute_signal
  x[place + 36] = f.minute_histogram
  x[place + 37] = f.minute_place
  x[place + 38] = f.minute_width
  x[place + 39] = f.minute_atr
  x[place + 40] = f.minute_vwap
}
