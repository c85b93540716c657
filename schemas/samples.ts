import { fixed } from './fixed.ts'
import type { Bar, Book, Gap, Quote, Trade } from './market.ts'
import type { Fill, OrderIntent, Signal } from './orders.ts'

/** A message with its envelope, as examples, tests and `tidegate drive` write it. */
export interface Sample<T = unknown> {
  readonly kind: string
  /** Event time in µs. */
  readonly at: number
  readonly key: string
  readonly value: T
  /** Which port it goes to, where the kind alone does not say. */
  readonly port?: string
}

const instrument = 'binance:BTCUSDT'
/** Samples count event time in whole seconds: `bar(2, 20)` is the bar that closes at second 2 at price 20. */
const sample = <T>(kind: string, seconds: number, value: T): Sample<T> => ({
  kind,
  at: Math.round(seconds * 1e6),
  key: instrument,
  value,
})

export const trade = (at: number, price: number, size = 1, side: Trade['side'] = 1): Sample<Trade> =>
  sample('trade', at, { price, size, side, id: 0 })
export const quote = (at: number, bid: number, ask = bid): Sample<Quote> =>
  sample('quote', at, { bid, ask, bid_size: 1, ask_size: 1 })
/** A level of a book: a change alone unless the rest says that more belongs to it. */
export const level = (
  at: number,
  side: 'bid' | 'ask',
  price: number,
  size: number,
  rest: Partial<Pick<Book, 'snapshot' | 'last' | 'id'>> = {},
): Sample<Book> =>
  sample('book', at, { side: side === 'bid' ? 1 : -1, price, size, snapshot: false, last: false, id: 0, ...rest })
export const barOf = (close: number, rest: Partial<Bar> = {}): Bar => ({
  open: close,
  high: close,
  low: close,
  close,
  volume: 1,
  turnover: close,
  count: 1,
  complete: true,
  ...rest,
})
export const bar = (at: number, close: number, rest: Partial<Bar> = {}): Sample<Bar> =>
  sample('bar', at, barOf(close, rest))
export const scalar = (at: number, value: number): Sample<number> => sample('scalar', at, value)
export const signal = (at: number, direction: Signal['direction'], price = 100): Sample<Signal> =>
  sample('signal', at, { direction, strength: direction, price })
export const intent = (
  at: number,
  side: OrderIntent['side'],
  quantity: number,
  price = 100,
  limit = 0,
): Sample<OrderIntent> => sample('order_intent', at, { side, quantity, limit, price })
export const approved = (
  at: number,
  side: OrderIntent['side'],
  quantity: number,
  price = 100,
  limit = 0,
): Sample<OrderIntent> => sample('approved_order', at, { side, quantity, limit, price })
export const fill = (at: number, side: Fill['side'], quantity: number, price = 100, fee = 0): Sample<Fill> =>
  sample('fill', at, {
    order_at: Math.round(at * 1e6),
    order_ordinal: 0,
    side,
    quantity: fixed(quantity),
    price,
    notional: fixed(quantity * price),
    fee: fixed(fee),
  })
export const gap = (at: number, reason: Gap['reason'] = 'disconnected'): Sample<Gap> =>
  sample('gap', at, { reason, missing: 0, since: 0 })
/** Moves event time on without data. */
export const advance = (at: number): Sample => sample('heartbeat', at, { end: false })
/** The end of a finite input. */
export const end = (at: number): Sample => sample('heartbeat', at, { end: true })
/** Sends a sample to a named port: `to('fast', scalar(1, 5))`. */
export const to = <T>(port: string, s: Sample<T>): Sample<T> => ({ ...s, port })
/** The same sample of another instrument. */
export const of = <T>(key: string, s: Sample<T>): Sample<T> => ({ ...s, key })
