import { type Feed, LATENESS } from './feed.ts'
import { handTrading, places } from './hand_trading.ts'
import { rules } from './rules.ts'
import type { Sheet, Sheets } from './sheets.ts'
import type { Running } from './variants.ts'

// Constants of this module: V8 looks imported ones up at every use, which makes the loop a tenth slower.
const { BEGAN, FRESH, MARK, WAITING, ORDERS, END: KNOWN } = places
const SECOND = KNOWN + 1 // two open bars of 8: open, high, low, close, volume, turnover, count
const MINUTE = SECOND + 16
/** From here on the doubles of a symbol belong to what happens when bars close. */
export const OWN = MINUTE + 16

const MINUTES = 60e6
const SECONDS = 1e6

export interface Parts extends ReturnType<typeof handTrading> {
  /** The doubles of all symbols, `stride` each. */
  readonly st: Float64Array
  readonly sheets: Sheets
}
/** What happens at the end of a window; `q` is the place of the bar. */
export interface Close {
  minute(s: number, q: number, boundary: number): void
  second(s: number, q: number, boundary: number): void
  /** After all bars of one boundary and key group. */
  moment(boundary: number): void
}

/** Writes the bar at `q` down and empties its place. */
export function writeBar(st: Float64Array, sheet: Sheet, boundary: number, s: number, q: number): void {
  const r = sheet.row(boundary, s)
  const { data } = sheet
  for (let i = 0; i < 7; i++) data[r + i] = st[q + i]!
  data[r + 7] = 1
  st[q + 6] = 0
}
/** Adds to a sum that carries its rounding error in the next place. */
export function add(st: Float64Array, place: number, value: number): void {
  const sum = st[place]!
  const next = sum + value
  const entered = next - sum
  st[place] = next
  st[place + 1]! += sum - (next - entered) + (value - entered)
}

export interface ByRow extends Running {
  pass(): void
  rows(from: number, to: number): void
}

/** Watermarks, bars and trading written by hand over one typed array; what is done with bars is said by `closing`. */
export function handLoop(feed: Feed, sheets: Sheets, own: number, closing: (parts: Parts) => Close): ByRow {
  const { group, symbol, price, size } = feed
  const at = feed.at.slice()
  const stride = OWN + own
  const st = new Float64Array(feed.keys.length * stride)
  const { order, fill, state } = handTrading(st, stride, sheets)
  const newest = new Float64Array(64).fill(Number.NEGATIVE_INFINITY)
  const mark = new Float64Array(64).fill(Number.NEGATIVE_INFINITY)
  const due = new Float64Array(64).fill(Number.NEGATIVE_INFINITY)
  const members: number[][] = Array.from({ length: 64 }, () => [])
  let statement = Number.NEGATIVE_INFINITY
  let late = 0
  const close = closing({
    st,
    sheets,
    order,
    fill,
    state,
  })

  function advance(g: number, to: number): void {
    if (mark[g] === Number.NEGATIVE_INFINITY) due[g] = (Math.floor(to / SECONDS) + 1) * SECONDS
    const codes = members[g]!
    for (let boundary = due[g]!; boundary <= to; boundary += SECONDS) {
      if (boundary % MINUTES === 0) {
        const q = MINUTE + ((boundary / MINUTES - 1) % 2) * 8
        for (const s of codes) if (st[s * stride + q + 6] !== 0) close.minute(s, s * stride + q, boundary)
      }
      const q = SECOND + ((boundary / SECONDS - 1) % 2) * 8
      for (const s of codes) if (st[s * stride + q + 6] !== 0) close.second(s, s * stride + q, boundary)
      close.moment(boundary)
      due[g] = boundary + SECONDS
    }
  }
  function stateDue(t: number): void {
    if (statement === Number.NEGATIVE_INFINITY) statement = (Math.floor(t / rules.every) + 1) * rules.every
    for (; statement <= t; statement += rules.every) state(statement)
  }

  function rows(from: number, to: number): void {
    for (let i = from; i < to; i++) {
      const t = at[i]!
      const s = symbol[i]!
      const p = price[i]!
      const v = size[i]!
      const g = group[s]!
      const o = s * stride
      if (st[o + KNOWN] === 0) {
        st[o + KNOWN] = 1
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
    pass: () => rows(0, at.length),
    rows,
    shift(by) {
      for (let i = 0; i < at.length; i++) at[i]! += by
    },
    late: () => late,
  }
}
