import type { Feed } from './feed.ts'
import { add, type ByRow, type Close, handLoop, OWN, type Parts, writeBar } from './hand_loop.ts'
import { rules, scoreOf } from './rules.ts'
import { Sheets } from './sheets.ts'

// Where the indicators of a symbol lie in its doubles.
const TREND = OWN
const TREND_SEEN = TREND + 1
const FAST = TREND + 2
const SLOW = TREND + 3
const AVERAGE = TREND + 4
const SEEN = TREND + 5
const LAST = TREND + 6
const UP = TREND + 7
const DOWN = TREND + 8
const RANGE = TREND + 9
const VOLUME = TREND + 10 // sum and rest
const TURNOVER = TREND + 12
const SIDE = TREND + 14
const BANDS = TREND + 15
const VOLUMES = BANDS + rules.bands
const TURNOVERS = VOLUMES + rules.fair
const WIDTH = TURNOVERS + rules.fair - OWN
const stride = OWN + WIDTH

const weight = (span: number) => 2 / (span + 1)

function closing({ st, sheets, order }: Parts): Close {
  const { deviations, fair: fairSpan, bands: bandSpan } = rules
  const fastWeight = weight(rules.fast)
  const slowWeight = weight(rules.slow)
  const averageWeight = weight(rules.signal)
  const trendWeight = weight(rules.trend)
  const strengthWeight = 1 / rules.strength
  const rangeWeight = 1 / rules.range

  function closeMinute(s: number, q: number, boundary: number): void {
    const o = s * stride
    const close = st[q + 3]!
    writeBar(st, sheets.minute, boundary, s, q)
    if (st[o + TREND_SEEN] === 0) {
      st[o + TREND_SEEN] = 1
      st[o + TREND] = close
    } else st[o + TREND]! += trendWeight * (close - st[o + TREND]!)
  }
  function closeSecond(s: number, q: number, boundary: number): void {
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
    let fast = close
    let slow = close
    let before = low
    if (bar > 0) {
      fast = st[o + FAST]! + fastWeight * (close - st[o + FAST]!)
      slow = st[o + SLOW]! + slowWeight * (close - st[o + SLOW]!)
      before = last
      const change = close - last
      const rate = bar <= rules.strength ? 1 / bar : strengthWeight
      let rise = 0
      let drop = 0
      if (change > 0) rise = change
      else drop = -change
      st[o + UP]! += rate * (rise - st[o + UP]!)
      st[o + DOWN]! += rate * (drop - st[o + DOWN]!)
    }
    st[o + FAST] = fast
    st[o + SLOW] = slow
    let top = high
    let bottom = low
    // Comparisons: Math.max and Math.min, which look after NaN and -0, make the whole loop a sixth slower.
    if (before > top) top = before
    if (before < bottom) bottom = before
    st[o + RANGE]! += (seen <= rules.range ? 1 / seen : rangeWeight) * (top - bottom - st[o + RANGE]!)
    const i = bar % fairSpan
    if (bar >= fairSpan) {
      add(st, o + VOLUME, -st[o + VOLUMES + i]!)
      add(st, o + TURNOVER, -st[o + TURNOVERS + i]!)
    }
    st[o + VOLUMES + i] = volume
    st[o + TURNOVERS + i] = turnover
    add(st, o + VOLUME, volume)
    add(st, o + TURNOVER, turnover)
    st[o + BANDS + (bar % bandSpan)] = close
    if (seen >= rules.slow) {
      const line = fast - slow
      if (seen === rules.slow) st[o + AVERAGE] = line
      else st[o + AVERAGE]! += averageWeight * (line - st[o + AVERAGE]!)
      let sum = 0
      let squares = 0
      for (let k = o + BANDS; k < o + BANDS + bandSpan; k++) {
        const distance = st[k]! - close
        sum += distance
        squares += distance * distance
      }
      const shift = sum / bandSpan
      const mean = close + shift
      const reach = deviations * Math.sqrt((squares - sum * shift) / bandSpan)
      const place = reach > 0 ? 0.5 - shift / (2 * reach) : 0.5
      const width = (2 * reach) / mean
      const moved = st[o + UP]! + st[o + DOWN]!
      const strength = moved > 0 ? 100 * (st[o + UP]! / moved) : 50
      const fair = (st[o + TURNOVER]! + st[o + TURNOVER + 1]!) / (st[o + VOLUME]! + st[o + VOLUME + 1]!)
      const r = sheets.score.row(boundary, s)
      const average = st[o + AVERAGE]!
      const range = st[o + RANGE]!
      sheets.score.data[r] = scoreOf(close, fast, slow, line, average, strength, place, width, range, fair)
    }
    if (st[o + TREND_SEEN] === 0) return
    const distance = fast - st[o + TREND]!
    const side = st[o + SIDE]!
    if (distance === 0) return
    const now = distance > 0 ? 1 : -1
    st[o + SIDE] = now
    if (side !== 0 && side !== now) order(s, boundary, now, distance, close)
  }
  return { minute: closeMinute, second: closeSecond, moment() {} }
}

/** The limit: the whole graph as one loop, written by hand over one typed array. */
export const handFused = (feed: Feed): ByRow => handLoop(feed, new Sheets(), WIDTH, closing)
