import { rules } from './rules.ts'
import type { Signal, Tick } from './rxjs_per_tick.ts'
import { ACCOUNT, put, refusalNumber, type Sheets } from './sheets.ts'
import { moneyOf, share } from './steps.ts'

// Gate, venue and account of the RxJS variant. Quantities are whole 1e-3, money is whole 1e-8.

export interface Order {
  readonly type: 'order'
  readonly at: number
  readonly symbol: number
  /** Negative to sell. */
  readonly quantity: number
}
export interface Fill {
  readonly type: 'fill'
  readonly order: Order
  readonly at: number
  readonly price: number
  readonly notional: number
  readonly fee: number
}
type Answer = { readonly order: Order } | { at: number; code: number; found: number; allowed: number }

/** Orders fill at the first price after them. */
export function venueOf() {
  let waiting: Order[] = []
  let seen = 0
  return (event: Order | Tick): Fill[] => {
    if (event.type === 'order') {
      waiting.push(event)
      return []
    }
    if (event.at < seen) return []
    seen = event.at
    if (waiting.length === 0) return waiting as never[]
    const { at, price } = event
    const filled = waiting.map((order): Fill => {
      const notional = moneyOf(price, Math.abs(order.quantity))
      return { type: 'fill', order, at, price, notional, fee: share(notional, rules.fee * 1e4, 1e4) }
    })
    waiting = []
    return filled
  }
}

/** A signal beside the first and the newest time of its symbol. */
interface Wanted {
  readonly type: 'wanted'
  readonly signal: Signal
  readonly began: number
  readonly fresh: number
}
export function gateOf() {
  let held = 0
  let buying = 0
  let selling = 0
  return (event: Fill | Wanted): Answer | undefined => {
    if (event.type === 'fill') {
      const { quantity } = event.order
      held += quantity
      if (quantity > 0) buying -= quantity
      else selling += quantity
      return undefined
    }
    const { signal, began, fresh } = event
    const { at, symbol, direction, price } = signal
    const size = Math.floor((rules.notional / price) * 1000)
    if (size === 0) return undefined
    const refuse = (code: string, found: number, allowed: number) => ({
      at,
      code: refusalNumber[code]!,
      found,
      allowed,
    })
    if (at - began < rules.warm_up) return refuse('WARMING_UP', at - began, rules.warm_up)
    if (at - fresh > rules.stale_after) return refuse('DATA_STALE', at - fresh, rules.stale_after)
    const after = direction > 0 ? held + buying + size : held - selling - size
    const reduces = direction > 0 ? after <= 0 : after >= 0
    const notional = (size / 1000) * price
    if (!reduces && notional > rules.max_notional)
      return refuse('NOTIONAL_EXCEEDS_MAXIMUM', notional, rules.max_notional)
    const position = Math.abs((after * 1e5) / 1e8)
    if (!reduces && position > rules.max_position)
      return refuse('POSITION_EXCEEDS_MAXIMUM', position, rules.max_position)
    if (direction > 0) buying += size
    else selling += size
    return { order: { type: 'order', at, symbol, quantity: direction * size } }
  }
}

export function accountOf(symbols: number, sheets: Sheets) {
  const holdings = Array.from({ length: symbols }, () => ({
    quantity: 0,
    cost: 0,
    realised: 0,
    fees: 0,
    mark: 0,
    marked: 0,
  }))
  let cash = rules.cash * 1e8
  let realised = 0
  let fees = 0
  const worthOf = ({ quantity, mark }: (typeof holdings)[number]) => (quantity === 0 ? 0 : moneyOf(mark, quantity))
  function state(at: number): void {
    let worth = 0
    let unrealised = 0
    for (const holding of holdings) {
      worth += worthOf(holding)
      unrealised += worthOf(holding) - holding.cost
    }
    put(sheets.equity, at, ACCOUNT, cash, cash + worth, realised, unrealised, fees)
  }
  return {
    state,
    tick({ at, symbol, price }: Tick): void {
      const holding = holdings[symbol]!
      if (at < holding.marked) return
      holding.mark = price
      holding.marked = at
    },
    fill({ order: { at: ordered, symbol, quantity }, at, price, notional, fee }: Fill): void {
      const sheet = sheets.fill
      put(sheet, at, symbol, ordered, Math.sign(quantity), Math.abs(quantity) * 1e5, price, notional, fee)
      const holding = holdings[symbol]!
      const { quantity: before, cost } = holding
      const flow = quantity > 0 ? notional : -notional
      const closes = before !== 0 && before > 0 !== quantity > 0
      const closing = closes ? (Math.abs(quantity) < Math.abs(before) ? quantity : -before) : 0
      const closingCash = closes ? share(flow, closing, quantity) : 0
      const closingCost = closes ? share(cost, -closing, before) : 0
      holding.quantity += quantity
      holding.cost += flow - closingCash - closingCost
      holding.realised -= closingCash + closingCost
      holding.fees += fee
      cash -= flow + fee
      realised -= closingCash + closingCost
      fees += fee
      const unit = (holding.quantity * 1e5) / 1e8
      const average = holding.quantity === 0 ? 0 : holding.cost / 1e8 / unit
      const profit = holding.quantity === 0 ? 0 : worthOf(holding) - holding.cost
      put(sheets.position, at, symbol, holding.quantity * 1e5, average, holding.realised, profit, holding.fees)
      state(at)
    },
  }
}
