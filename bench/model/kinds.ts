import { z } from 'zod'
import { features } from '../../schemas/features.ts'
import { kind } from '../../schemas/kind.ts'

const distance = 'close minus the average, in parts of the close'
const size = 'in parts of the close'

/** Everything the model looks at, in the order of its inputs. */
export const Features = features(
  'bench_features',
  'What the model looks at, as far as it goes relative to the close.',
  {
    ema_5: distance,
    ema_12: distance,
    ema_26: distance,
    ema_50: distance,
    ema_100: distance,
    sma_10: distance,
    sma_30: distance,
    rsi_7: 'strength from -2.5 to 2.5',
    rsi_14: 'strength from -2.5 to 2.5',
    rsi_28: 'strength from -2.5 to 2.5',
    macd_line: size,
    macd_signal: size,
    macd_histogram: size,
    quick_line: size,
    quick_signal: size,
    quick_histogram: size,
    wide_middle: distance,
    wide_upper: distance,
    wide_lower: distance,
    wide_place: 'from -0.5 at the lower band to 0.5 at the upper',
    wide_width: size,
    narrow_middle: distance,
    narrow_upper: distance,
    narrow_lower: distance,
    narrow_place: 'from -0.5 at the lower band to 0.5 at the upper',
    narrow_width: size,
    atr_7: size,
    atr_14: size,
    vwap_10: distance,
    vwap_20: distance,
    vwap_30: distance,
    minute_ema_3: distance,
    minute_ema_8: distance,
    minute_sma: distance,
    minute_line: size,
    minute_signal: size,
    minute_histogram: size,
    minute_place: 'from -0.5 at the lower band to 0.5 at the upper',
    minute_width: size,
    minute_atr: size,
    minute_vwap: distance,
  },
)

const probability = z.number().min(0).max(1)
const probabilities = z.object({ down: probability, flat: probability, up: probability })
export interface Probabilities extends Readonly<z.output<typeof probabilities>> {}
export const Probabilities = kind('bench_probabilities', probabilities, {
  summary: 'How likely the model finds a fall, a rest, a rise; together 1.',
})
