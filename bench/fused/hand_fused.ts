import { type Feed, LATENESS } from './feed.ts'
import { rules, scoreOf } from './rules.ts'
import { ACCOUNT, refusalNumber, Sheets } from './sheets.ts'
import type { Running } from './variants.ts'

// Doubles a symbol, and where its state lies in them.
const STRIDE = 136
const SECOND = 0 // two open bars of 8: open, high, low, close, volume, turnover, count
const MINUTE = 16
const TREND = 32
const TREND_SEEN = 33
const FAST = 34
const SLOW = 35
const AVERAGE = 36
const SEEN = 37
const LAST = 38
const UP = 39
const DOWN = 40
const RANGE = 41
const VOLUME = 42 // sum and rest
const TURNOVER = 44
const SIDE = 46
const HELD = 47 // quantities in 1e-3, money in 1e-8: whole numbers
const BUYING = 48
const SELLING = 49
const BEGAN = 50
const FRESH = 51
const MARK = 52
const COST = 53
const REALISED = 54
const FEES = 55
const WAITING = 56
const ORDERS = 57 // up to 4 of signed quantity, time
const BANDS = 66
const VOLUMES = 86
const TURNOVERS = 106

const MINUTES = 60e6
const SECONDS = 1e6
const weight = (span: number) => 2 / (span + 1)
const WARMING = refusalNumber['WARMING_UP']!
const STALE = refusalNumber['DATA_STALE']!
const NOTIONAL = refusalNumber['NOTIONAL_EXCEEDS_MAXIMUM']!
const POSITION = refusalNumber['POSITION_EXCEEDS_MAXIMUM']!

/** The limit: the whole graph as one loop, written by hand over one typed array. */
export function handFused(feed: Feed): Running {
  const { group, symbol, price, size } = feed
  const at = feed.at.slice()
  const symbols = feed.keys.length
  const st = new Float64Array(symbols * STRIDE)
  for (let o = 0; o < st.length; o += STRIDE) st[o + BEGAN] = -1
  const sheets = new Sheets()
  const newest = new Float64Array(64).fill(Number.NEGATIVE_INFINITY)
  const mark = new Float64Array(64).fill(Number.NEGATIVE_INFINITY)
  const due = new Float64Array(64).fill(Number.NEGATIVE_INFINITY)
  const members: number[][] = Array.from({ length: 64 }, () => [])
  let statement = Number.NEGATIVE_INFINITY
  let cash = rules.cash * 1e8
  let realised = 0
  let fees = 0
  let late = 0
  const { deviations, fair: fairSpan, bands: bandSpan } = rules
  const fastWeight = weight(rules.fast)
  const slowWeight = weight(rules.slow)
  const averageWeight = weight(rules.signal)
  const trendWeight = weight(rules.trend)
  const strengthWeight = 1 / rules.strength
  const rangeWeight = 1 / rules.range

  function writeBar(sheet: typeof sheets.minute, boundary: number, s: number, q: number): void {
    const r = sheet.row(boundary, s)
    const { data } = sheet
    for (let i = 0; i < 7; i++) data[r + i] = st[q + i]!
    data[r + 7] = 1
    st[q + 6] = 0
  }
  function closeMinute(s: number, q: number, boundary: number): void {
    const o = s * STRIDE
    const close = st[q + 3]!
    writeBar(sheets.minute, boundary, s, q)
    if (st[o + TREND_SEEN] === 0) {
      st[o + TREND_SEEN] = 1
      st[o + TREND] = close
    } else st[o + TREND]! += trendWeight * (close - st[o + TREND]!)
  }
  function add(place: number, value: number): void {
    const sum = st[place]!
    const next = sum + value
    const entered = next - sum
    st[place] = next
    st[place + 1]! += sum - (next - entered) + (value - entered)
  }
  function closeSecond(s: number, q: number, boundary: number): void {
    const o = s * STRIDE
    const high = st[q + 1]!
    const low = st[q + 2]!
    const close = st[q + 3]!
    const volume = st[q + 4]!
    const turnover = st[q + 5]!
    writeBar(sheets.second, boundary, s, q)
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
      add(o + VOLUME, -st[o + VOLUMES + i]!)
      add(o + TURNOVER, -st[o + TURNOVERS + i]!)
    }
    st[o + VOLUMES + i] = volume
    st[o + TURNOVERS + i] = turnover
    add(o + VOLUME, volume)
    add(o + TURNOVER, turnover)
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
  function order(s: number, boundary: number, side: number, distance: number, close: number): void {
    const o = s * STRIDE
    const r = sheets.signal.row(boundary, s)
    sheets.signal.data[r] = side
    sheets.signal.data[r + 1] = distance
    sheets.signal.data[r + 2] = close
    const size = Math.floor((rules.notional / close) * 1000)
    if (size === 0) return
    const warm = boundary - st[o + BEGAN]!
    if (warm < rules.warm_up) {
      refuse(s, boundary, WARMING, warm, rules.warm_up)
      return
    }
    const age = boundary - st[o + FRESH]!
    if (age > rules.stale_after) {
      refuse(s, boundary, STALE, age, rules.stale_after)
      return
    }
    const after = st[o + HELD]! + (side > 0 ? st[o + BUYING]! + size : -st[o + SELLING]! - size)
    if (side > 0 ? after > 0 : after < 0) {
      const notional = (size / 1000) * close
      if (notional > rules.max_notional) {
        refuse(s, boundary, NOTIONAL, notional, rules.max_notional)
        return
      }
      const position = Math.abs((after * 1e5) / 1e8)
      if (position > rules.max_position) {
        refuse(s, boundary, POSITION, position, rules.max_position)
        return
      }
    }
    st[o + (side > 0 ? BUYING : SELLING)]! += size
    const waiting = st[o + WAITING]!++
    if (waiting === 4) throw new RangeError('more than 4 orders wait for a price')
    st[o + ORDERS + 2 * waiting] = side * size
    st[o + ORDERS + 2 * waiting + 1] = boundary
  }
  function refuse(s: number, boundary: number, code: number, found: number, allowed: number): void {
    const r = sheets.refused.row(boundary, s)
    sheets.refused.data[r] = code
    sheets.refused.data[r + 1] = found
    sheets.refused.data[r + 2] = allowed
  }

  /** amount x part / whole, halves away from zero; exact below 2^53. */
  function share(amount: number, part: number, whole: number): number {
    const product = whole < 0 ? -amount * part : amount * part
    const by = Math.abs(whole)
    const rounded = Math.floor((2 * Math.abs(product) + by) / (2 * by))
    return product < 0 ? -rounded : rounded
  }
  function fill(s: number, t: number, p: number, signed: number, ordered: number): void {
    const o = s * STRIDE
    const size = Math.abs(signed)
    const notional = Math.round(p * 100) * size * 1000
    const fee = share(notional, rules.fee * 1e4, 1e4)
    const r = sheets.fill.row(t, s)
    const { data } = sheets.fill
    data[r] = ordered
    data[r + 1] = signed > 0 ? 1 : -1
    data[r + 2] = size * 1e5
    data[r + 3] = p
    data[r + 4] = notional
    data[r + 5] = fee
    st[o + (signed > 0 ? BUYING : SELLING)]! -= size
    const flow = signed > 0 ? notional : -notional
    const before = st[o + HELD]!
    let closingCash = 0
    let closingCost = 0
    if (before !== 0 && before > 0 !== signed > 0) {
      const closing = size < Math.abs(before) ? signed : -before
      closingCash = share(flow, closing, signed)
      closingCost = share(st[o + COST]!, -closing, before)
    }
    const quantity = before + signed
    st[o + HELD] = quantity
    st[o + COST]! += flow - closingCash - closingCost
    st[o + REALISED]! += -closingCash - closingCost
    st[o + FEES]! += fee
    cash -= flow + fee
    realised += -closingCash - closingCost
    fees += fee
    const n = sheets.position.row(t, s)
    const { data: out } = sheets.position
    const cost = st[o + COST]!
    out[n] = quantity * 1e5
    out[n + 1] = quantity === 0 ? 0 : cost / 1e8 / ((quantity * 1e5) / 1e8)
    out[n + 2] = st[o + REALISED]!
    out[n + 3] = quantity === 0 ? 0 : Math.round(st[o + MARK]! * 100) * quantity * 1000 - cost
    out[n + 4] = st[o + FEES]!
    state(t)
  }
  function state(t: number): void {
    let worth = 0
    let unrealised = 0
    for (let o = 0; o < st.length; o += STRIDE) {
      const quantity = st[o + HELD]!
      if (quantity === 0) continue
      const held = Math.round(st[o + MARK]! * 100) * quantity * 1000
      worth += held
      unrealised += held - st[o + COST]!
    }
    const r = sheets.equity.row(t, ACCOUNT)
    const { data } = sheets.equity
    data[r] = cash
    data[r + 1] = cash + worth
    data[r + 2] = realised
    data[r + 3] = unrealised
    data[r + 4] = fees
  }

  function advance(g: number, to: number): void {
    if (mark[g] === Number.NEGATIVE_INFINITY) due[g] = (Math.floor(to / SECONDS) + 1) * SECONDS
    const codes = members[g]!
    for (let boundary = due[g]!; boundary <= to; boundary += SECONDS) {
      if (boundary % MINUTES === 0) {
        const q = MINUTE + ((boundary / MINUTES - 1) % 2) * 8
        for (const s of codes) if (st[s * STRIDE + q + 6] !== 0) closeMinute(s, s * STRIDE + q, boundary)
      }
      const q = SECOND + ((boundary / SECONDS - 1) % 2) * 8
      for (const s of codes) if (st[s * STRIDE + q + 6] !== 0) closeSecond(s, s * STRIDE + q, boundary)
      due[g] = boundary + SECONDS
    }
  }
  function stateDue(t: number): void {
    if (statement === Number.NEGATIVE_INFINITY) statement = (Math.floor(t / rules.every) + 1) * rules.every
    for (; statement <= t; statement += rules.every) state(statement)
  }

  function pass(): void {
    for (let i = 0; i < at.length; i++) {
      const t = at[i]!
      const s = symbol[i]!
      const p = price[i]!
      const v = size[i]!
      const g = group[s]!
      const o = s * STRIDE
      if (st[o + STRIDE - 1] === 0) {
        st[o + STRIDE - 1] = 1
        members[g]!.push(s)
      }
      if (t > newest[g]!) {
        newest[g] = t
        const to = t - LATENESS
        if (to >= due[g]!) advance(g, to)
        mark[g] = to
        if (t >= statement) stateDue(t)
      }
      if (t < mark[g]!) {
        late++
        continue
      }
      const ahead = t >= st[o + FRESH]!
      const waiting = st[o + WAITING]!
      if (ahead && waiting > 0) {
        st[o + WAITING] = 0
        for (let k = 0; k < waiting; k++) fill(s, t, p, st[o + ORDERS + 2 * k]!, st[o + ORDERS + 2 * k + 1]!)
      }
      const paid = p * v
      let q = o + MINUTE + (Math.floor(t / MINUTES) & 1) * 8
      for (let n = 0; n < 2; n++) {
        if (st[q + 6] === 0) {
          st[q] = p
          st[q + 1] = p
          st[q + 2] = p
          st[q + 4] = v
          st[q + 5] = paid
        } else {
          if (p > st[q + 1]!) st[q + 1] = p
          if (p < st[q + 2]!) st[q + 2] = p
          st[q + 4]! += v
          st[q + 5]! += paid
        }
        st[q + 3] = p
        st[q + 6]!++
        q = o + SECOND + (Math.floor(t / SECONDS) & 1) * 8
      }
      if (st[o + BEGAN] === -1) st[o + BEGAN] = t
      if (ahead) {
        st[o + FRESH] = t
        st[o + MARK] = p
      }
    }
  }
  return {
    sheets,
    pass,
    shift(by) {
      for (let i = 0; i < at.length; i++) at[i]! += by
    },
    late: () => late,
  }
}
