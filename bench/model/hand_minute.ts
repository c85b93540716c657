import { add, OWN, type Parts, writeBar } from '../fused/hand_loop.ts'
import { rules } from './rules.ts'

// Where the indicators of the minute bars lie in the doubles of a symbol.
const SEEN = OWN
const LAST = OWN + 1
const SHORT = OWN + 2
const LONG = OWN + 3
const FAST = OWN + 4
const SLOW = OWN + 5
const AVERAGE = OWN + 6
const RANGE = OWN + 7
const CLOSES_SUM = OWN + 8
const VOLUME = OWN + 10
const TURNOVER = OWN + 12
const CLOSES = OWN + 14
const VOLUMES = OWN + 16
const TURNOVERS = OWN + 18
// What the model sees of them.
const PLACE = OWN + 20
const WIDTH = OWN + 21
const MEAN = OWN + 22
const FAIR = OWN + 23
export const minutePlaces = { SEEN, SHORT, LONG, FAST, SLOW, AVERAGE, RANGE, PLACE, WIDTH, MEAN, FAIR, END: OWN + 24 }

const weight = (span: number) => 2 / (span + 1)
const { span, deviations, macd } = rules.minute
const shortWeight = weight(3)
const longWeight = weight(8)
const fastWeight = weight(macd.fast)
const slowWeight = weight(macd.slow)
const averageWeight = weight(macd.signal)

/** The end of a minute bar, of spans of 2. */
export const closeMinute =
  ({ st, sheets }: Parts, stride: number) =>
  (s: number, q: number, boundary: number): void => {
    const o = s * stride
    const high = st[q + 1]!
    const low = st[q + 2]!
    const close = st[q + 3]!
    const volume = st[q + 4]!
    const turnover = st[q + 5]!
    writeBar(st, sheets.minute, boundary, s, q)
    const bar = st[o + SEEN]!
    const seen = bar + 1
    st[o + SEEN] = seen
    const before = bar === 0 ? low : st[o + LAST]!
    st[o + LAST] = close
    if (bar === 0) {
      st[o + SHORT] = close
      st[o + LONG] = close
      st[o + FAST] = close
      st[o + SLOW] = close
    } else {
      st[o + SHORT]! += shortWeight * (close - st[o + SHORT]!)
      st[o + LONG]! += longWeight * (close - st[o + LONG]!)
      st[o + FAST]! += fastWeight * (close - st[o + FAST]!)
      st[o + SLOW]! += slowWeight * (close - st[o + SLOW]!)
    }
    const top = Math.max(before, high)
    const bottom = Math.min(before, low)
    st[o + RANGE]! += (seen <= span ? 1 / seen : 1 / span) * (top - bottom - st[o + RANGE]!)
    const i = bar % span
    if (bar >= span) {
      add(st, o + CLOSES_SUM, -st[o + CLOSES + i]!)
      add(st, o + VOLUME, -st[o + VOLUMES + i]!)
      add(st, o + TURNOVER, -st[o + TURNOVERS + i]!)
    }
    st[o + CLOSES + i] = close
    st[o + VOLUMES + i] = volume
    st[o + TURNOVERS + i] = turnover
    add(st, o + CLOSES_SUM, close)
    add(st, o + VOLUME, volume)
    add(st, o + TURNOVER, turnover)
    if (seen < span) return
    const line = st[o + FAST]! - st[o + SLOW]!
    if (seen === macd.slow) st[o + AVERAGE] = line
    else st[o + AVERAGE]! += averageWeight * (line - st[o + AVERAGE]!)
    const one = st[o + CLOSES]! - close
    const two = st[o + CLOSES + 1]! - close
    const sum = one + two
    const shift = sum / span
    const reach = deviations * Math.sqrt((one * one + two * two - sum * shift) / span)
    st[o + PLACE] = reach > 0 ? 0.5 - shift / (2 * reach) : 0.5
    st[o + WIDTH] = (2 * reach) / (close + shift)
    st[o + MEAN] = (st[o + CLOSES_SUM]! + st[o + CLOSES_SUM + 1]!) / span
    st[o + FAIR] = (st[o + TURNOVER]! + st[o + TURNOVER + 1]!) / (st[o + VOLUME]! + st[o + VOLUME + 1]!)
  }
