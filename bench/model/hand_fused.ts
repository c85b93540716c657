import type { Feed } from '../fused/feed.ts'
import { add, type Close, handLoop, OWN, type Parts, writeBar } from '../fused/hand_loop.ts'
import { Sheets } from '../fused/sheets.ts'
import type { Running } from '../fused/variants.ts'
import { closeMinute, minutePlaces } from './hand_minute.ts'
import { mlp, P_STRIDE, X_STRIDE } from './mlp_wasm.ts'
import { rules, sideOf } from './rules.ts'
import { softmax } from './softmax.ts'

// Constants of this module: V8 looks imported ones up at every use.
const { SEEN: MINUTES, SHORT, LONG, FAST, SLOW, AVERAGE, RANGE, PLACE, WIDTH, MEAN, FAIR, END } = minutePlaces
const SEEN = END
const LAST = END + 1
const SIDE = END + 2
const EMA = END + 3 // spans of 5, 12, 13, 26, 50, 100
const SIGNAL = EMA + 6 // of both convergence divergences
const MOVES = SIGNAL + 2 // up and down, spans of 7, 14, 28
const RANGES = MOVES + 6 // spans of 7, 14
const SUMS = RANGES + 2 // sum and rest, spans of 10, 30
const VOLUME = SUMS + 4 // sum and rest, spans of 10, 20, 30
const TURNOVER = VOLUME + 6
const SCATTER = TURNOVER + 6 // shift and reach
const CLOSES10 = SCATTER + 2
const CLOSES20 = CLOSES10 + 10
const CLOSES30 = CLOSES20 + 20
const VOLUMES = CLOSES30 + 30
const TURNOVERS = VOLUMES + 30
const stride = TURNOVERS + 30
const longest = 30

const weight = (span: number) => 2 / (span + 1)
const w5 = weight(5)
const w12 = weight(12)
const w13 = weight(13)
const w26 = weight(26)
const w50 = weight(50)
const w100 = weight(100)
const macdWeight = weight(rules.macd.signal)
const quickWeight = weight(rules.quick.signal)

function closing(parts: Parts): Close {
  const { st, sheets, order } = parts
  const { x, p: scores, run } = mlp()
  // Who asked the model in this moment, in order, and at which close.
  let asked = 0
  const symbols = new Int32Array(1024)
  const closes = new Float64Array(1024)

  function moved(place: number, bar: number, span: number, rise: number, drop: number): void {
    const rate = bar <= span ? 1 / bar : 1 / span
    st[place]! += rate * (rise - st[place]!)
    st[place + 1]! += rate * (drop - st[place + 1]!)
  }
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
  function windows(o: number, bar: number, close: number, volume: number, turnover: number): void {
    const i10 = bar % 10
    const i30 = bar % longest
    if (bar >= 10) {
      const old = (bar - 10) % longest
      add(st, o + SUMS, -st[o + CLOSES10 + i10]!)
      add(st, o + VOLUME, -st[o + VOLUMES + old]!)
      add(st, o + TURNOVER, -st[o + TURNOVERS + old]!)
    }
    if (bar >= 20) {
      const old = (bar - 20) % longest
      add(st, o + VOLUME + 2, -st[o + VOLUMES + old]!)
      add(st, o + TURNOVER + 2, -st[o + TURNOVERS + old]!)
    }
    if (bar >= longest) {
      add(st, o + SUMS + 2, -st[o + CLOSES30 + i30]!)
      add(st, o + VOLUME + 4, -st[o + VOLUMES + i30]!)
      add(st, o + TURNOVER + 4, -st[o + TURNOVERS + i30]!)
    }
    st[o + CLOSES10 + i10] = close
    st[o + CLOSES20 + (bar % 20)] = close
    st[o + CLOSES30 + i30] = close
    st[o + VOLUMES + i30] = volume
    st[o + TURNOVERS + i30] = turnover
    for (let k = 0; k < 4; k += 2) add(st, o + SUMS + k, close)
    for (let k = 0; k < 6; k += 2) {
      add(st, o + VOLUME + k, volume)
      add(st, o + TURNOVER + k, turnover)
    }
  }
  function second(s: number, q: number, boundary: number): void {
    const o = s * stride
    const high = st[q + 1]!
    const low = st[q + 2]!
    const close = st[q + 3]!
    const volume = st[q + 4]!
    const turnover = st[q + 5]!
    writeBar(st, sheets.second, boundary, s, q)
    const bar = st[o + SEEN]!
    const seen = bar + 1
    st[o + SEEN] = seen
    const last = st[o + LAST]!
    st[o + LAST] = close
    const e = o + EMA
    let before = low
    if (bar === 0) for (let k = 0; k < 6; k++) st[e + k] = close
    else {
      st[e]! += w5 * (close - st[e]!)
      st[e + 1]! += w12 * (close - st[e + 1]!)
      st[e + 2]! += w13 * (close - st[e + 2]!)
      st[e + 3]! += w26 * (close - st[e + 3]!)
      st[e + 4]! += w50 * (close - st[e + 4]!)
      st[e + 5]! += w100 * (close - st[e + 5]!)
      before = last
      const change = close - last
      let rise = 0
      let drop = 0
      if (change > 0) rise = change
      else drop = -change
      moved(o + MOVES, bar, 7, rise, drop)
      moved(o + MOVES + 2, bar, 14, rise, drop)
      moved(o + MOVES + 4, bar, 28, rise, drop)
    }
    const line = st[e + 1]! - st[e + 3]!
    const quick = st[e]! - st[e + 2]!
    const signal = o + SIGNAL
    if (seen > rules.macd.slow) st[signal]! += macdWeight * (line - st[signal]!)
    else st[signal] = line
    if (seen > rules.quick.slow) st[signal + 1]! += quickWeight * (quick - st[signal + 1]!)
    else st[signal + 1] = quick
    let top = high
    let bottom = low
    // Comparisons, as in the loop of the fused graph.
    if (before > top) top = before
    if (before < bottom) bottom = before
    const range = top - bottom
    const r = o + RANGES
    st[r]! += (seen <= 7 ? 1 / seen : 1 / 7) * (range - st[r]!)
    st[r + 1]! += (seen <= 14 ? 1 / seen : 1 / 14) * (range - st[r + 1]!)
    windows(o, bar, close, volume, turnover)
    if (seen < longest || st[o + MINUTES]! < rules.minute.span) return
    ask(s, o, close, line, quick)
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
  return { minute: closeMinute(parts, stride), second, moment }
}

/** The limit: the graph with the model as one loop, written by hand over one typed array and the matrices of the kernel. */
export const handFused = (feed: Feed): Running => handLoop(feed, new Sheets('probabilities'), stride - OWN, closing)
