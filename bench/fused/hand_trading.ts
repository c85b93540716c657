import { rules } from './rules.ts'
import { ACCOUNT, refusalNumber, type Sheets } from './sheets.ts'
import { share } from './steps.ts'

// Where the trading state of a symbol lies in its doubles: quantities in 1e-3, money in 1e-8, whole numbers.
const BEGAN = 0
const FRESH = 1
const MARK = 2
const WAITING = 3
const MOST = rules.open_orders
const ORDERS = 4 // up to MOST of signed quantity, time
const HELD = ORDERS + 2 * MOST
const BUYING = HELD + 1
const SELLING = HELD + 2
const COST = HELD + 3
const REALISED = HELD + 4
const FEES = HELD + 5
/** Those the loop needs; what comes after starts at END. */
export const places = { BEGAN, FRESH, MARK, WAITING, ORDERS, END: HELD + 6 } as const

const WARMING = refusalNumber['WARMING_UP']!
const STALE = refusalNumber['DATA_STALE']!
const NOTIONAL = refusalNumber['NOTIONAL_EXCEEDS_MAXIMUM']!
const POSITION = refusalNumber['POSITION_EXCEEDS_MAXIMUM']!

/** Sizing, gate, venue and account, written by hand over the doubles of all symbols, `stride` each. */
export function handTrading(st: Float64Array, stride: number, sheets: Sheets) {
  for (let o = 0; o < st.length; o += stride) st[o + BEGAN] = -1
  let cash = rules.cash * 1e8
  let realised = 0
  let fees = 0

  function order(s: number, boundary: number, side: number, distance: number, close: number): void {
    const o = s * stride
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
    if (waiting === MOST) throw new RangeError(`more than ${MOST} orders wait for a price`)
    st[o + ORDERS + 2 * waiting] = side * size
    st[o + ORDERS + 2 * waiting + 1] = boundary
  }
  function refuse(s: number, boundary: number, code: number, found: number, allowed: number): void {
    const r = sheets.refused.row(boundary, s)
    sheets.refused.data[r] = code
    sheets.refused.data[r + 1] = found
    sheets.refused.data[r + 2] = allowed
  }

  function fill(s: number, t: number, p: number, signed: number, ordered: number): void {
    const o = s * stride
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
    for (let o = 0; o < st.length; o += stride) {
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
  return { order, fill, state }
}
