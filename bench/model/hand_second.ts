import { add, type Parts, writeBar } from '../fused/hand_loop.ts'
import { minutePlaces } from './hand_minute.ts'
import { rules } from './rules.ts'

// Where the indicators of the second bars lie in the doubles of a symbol, after those of the minute bars.
const SEEN = minutePlaces.END
const LAST = minutePlaces.END + 1
const SIDE = minutePlaces.END + 2
const EMA = minutePlaces.END + 3 // spans of 5, 12, 13, 26, 50, 100
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
export const secondPlaces = {
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
  END: TURNOVERS + 30,
}
const MINUTES = minutePlaces.SEEN
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

/** Asks the model: the lines of both convergence divergences are not kept in the doubles. */
export type Ask = (s: number, o: number, close: number, line: number, quick: number) => void

/** The end of a second bar. */
export function closeSecond({ st, sheets }: Parts, stride: number, ask: Ask) {
  function moved(place: number, bar: number, span: number, rise: number, drop: number): void {
    const rate = bar <= span ? 1 / bar : 1 / span
    st[place]! += rate * (rise - st[place]!)
    st[place + 1]! += rate * (drop - st[place + 1]!)
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
  return function second(s: number, q: number, boundary: number): void {
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
}
