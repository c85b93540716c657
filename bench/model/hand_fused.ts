import type { Feed } from '../fused/feed.ts'
import { type Close, handLoop, OWN, type Parts } from '../fused/hand_loop.ts'
import { Sheets } from '../fused/sheets.ts'
import type { Running } from '../fused/variants.ts'
import { closeMinute, minutePlaces } from './hand_minute.ts'
import { closeSecond, secondPlaces } from './hand_second.ts'
import { mlp, P_STRIDE, X_STRIDE } from './mlp_wasm.ts'
import { rules, sideOf } from './rules.ts'
import { softmax } from './softmax.ts'

// Constants of this module: V8 looks imported ones up at every use.
const { SHORT, LONG, FAST, SLOW, AVERAGE, RANGE, PLACE, WIDTH, MEAN, FAIR } = minutePlaces
const {
  SIDE,
  EMA,
  SIGNAL,
  MOVES,
  RANGES,
  SUMS,
  VOLUME,
  TURNOVER,
  SCATTER,
  CLOSES10,
  CLOSES20,
  END: stride,
} = secondPlaces

function closing(parts: Parts): Close {
  const { st, sheets, order } = parts
  const { x, p: scores, run } = mlp()
  // Who asked the model in this moment, in order, and at which close.
  let asked = 0
  const symbols = new Int32Array(1024)
  const closes = new Float64Array(1024)

  function strength(place: number): number {
    const up = st[place]!
    const both = up + st[place + 1]!
    return both > 0 ? 100 * (up / both) : 50
  }
  function fair(o: number, k: number): number {
    const turnover = o + TURNOVER + k
    const volume = o + VOLUME + k
    return (st[turnover]! + st[turnover + 1]!) / (st[volume]! + st[volume + 1]!)
  }
  function scatter(o: number, ring: number, span: number, deviations: number, close: number): void {
    let sum = 0
    let squares = 0
    for (let k = ring; k < ring + span; k++) {
      const distance = st[k]! - close
      sum += distance
      squares += distance * distance
    }
    const shift = sum / span
    st[o + SCATTER] = shift
    st[o + SCATTER + 1] = deviations * Math.sqrt((squares - sum * shift) / span)
  }
  function bands(o: number, at: number, close: number, unit: number): void {
    const shift = st[o + SCATTER]!
    const reach = st[o + SCATTER + 1]!
    const middle = close + shift
    x[at] = (close - middle) * unit
    x[at + 1] = (close - (middle + reach)) * unit
    x[at + 2] = (close - (middle - reach)) * unit
    x[at + 3] = (reach > 0 ? 0.5 - shift / (2 * reach) : 0.5) - 0.5
    x[at + 4] = ((2 * reach) / middle) * rules.parts
  }
  function ask(s: number, o: number, close: number, line: number, quick: number): void {
    const e = o + EMA
    const unit = rules.parts / close
    const at = asked * X_STRIDE
    symbols[asked] = s
    closes[asked++] = close
    x[at] = (close - st[e]!) * unit
    x[at + 1] = (close - st[e + 1]!) * unit
    x[at + 2] = (close - st[e + 3]!) * unit
    x[at + 3] = (close - st[e + 4]!) * unit
    x[at + 4] = (close - st[e + 5]!) * unit
    x[at + 5] = (close - (st[o + SUMS]! + st[o + SUMS + 1]!) / 10) * unit
    x[at + 6] = (close - (st[o + SUMS + 2]! + st[o + SUMS + 3]!) / 30) * unit
    x[at + 7] = (strength(o + MOVES) - 50) * 0.05
    x[at + 8] = (strength(o + MOVES + 2) - 50) * 0.05
    x[at + 9] = (strength(o + MOVES + 4) - 50) * 0.05
    const average = st[o + SIGNAL]!
    x[at + 10] = line * unit
    x[at + 11] = average * unit
    x[at + 12] = (line - average) * unit
    const smooth = st[o + SIGNAL + 1]!
    x[at + 13] = quick * unit
    x[at + 14] = smooth * unit
    x[at + 15] = (quick - smooth) * unit
    scatter(o, o + CLOSES20, 20, rules.wide.deviations, close)
    bands(o, at + 16, close, unit)
    scatter(o, o + CLOSES10, 10, rules.narrow.deviations, close)
    bands(o, at + 21, close, unit)
    x[at + 26] = st[o + RANGES]! * unit
    x[at + 27] = st[o + RANGES + 1]! * unit
    x[at + 28] = (close - fair(o, 0)) * unit
    x[at + 29] = (close - fair(o, 2)) * unit
    x[at + 30] = (close - fair(o, 4)) * unit
    x[at + 31] = (close - st[o + SHORT]!) * unit
    x[at + 32] = (close - st[o + LONG]!) * unit
    x[at + 33] = (close - st[o + MEAN]!) * unit
    const slope = st[o + FAST]! - st[o + SLOW]!
    const trend = st[o + AVERAGE]!
    x[at + 34] = slope * unit
    x[at + 35] = trend * unit
    x[at + 36] = (slope - trend) * unit
    x[at + 37] = st[o + PLACE]! - 0.5
    x[at + 38] = st[o + WIDTH]! * rules.parts
    x[at + 39] = st[o + RANGE]! * unit
    x[at + 40] = (close - st[o + FAIR]!) * unit
  }
  function moment(boundary: number): void {
    if (asked === 0) return
    run(asked)
    const sheet = sheets.probabilities
    for (let i = 0; i < asked; i++) {
      const s = symbols[i]!
      const r = sheet.row(boundary, s)
      softmax(scores, i * P_STRIDE, sheet.data, r)
      const down = sheet.data[r]!
      const up = sheet.data[r + 2]!
      const side = sideOf(down, sheet.data[r + 1]!, up)
      if (side === 0 || side === st[s * stride + SIDE]) continue
      st[s * stride + SIDE] = side
      order(s, boundary, side, up - down, closes[i]!)
    }
    asked = 0
  }
  return { minute: closeMinute(parts, stride), second: closeSecond(parts, stride, ask), moment }
}

/** The limit: the graph with the model as one loop, written by hand over one typed array and the matrices of the kernel. */
export const handFused = (feed: Feed): Running => handLoop(feed, new Sheets('probabilities'), stride - OWN, closing)
