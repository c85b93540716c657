import { z } from 'zod'
import { defineOperator, defineSink, many, Ring } from '../runtime/define.ts'
import { type Fixed, fixed, notionalOf, toNumber, ZERO } from '../schemas/fixed.ts'
import { Quote, Trade } from '../schemas/market.ts'
import {
  ApprovedOrder,
  Fill,
  type Fill as FillMessage,
  OrderUpdate,
  type OrderUpdate as Update,
} from '../schemas/orders.ts'
import { approved, trade } from '../schemas/samples.ts'
import { duration } from '../schemas/units.ts'

const params = z.strictObject({
  fill: z
    .enum(['current', 'next'])
    .default('current')
    .describe('market orders fill at the newest price, or at the first price after the order'),
  fee: z.number().min(0).max(0.1).default(0.001).describe('share of the notional, for orders that take'),
  maker_fee: z
    .number()
    .min(0)
    .max(0.1)
    .optional()
    .describe('share of the notional, for limit orders that waited; `fee` when absent'),
  spread: z
    .number()
    .min(0)
    .max(0.1)
    .default(0)
    .describe('bid to ask as a share of the price, where only trades are known'),
  slippage: z.number().min(0).max(0.1).default(0).describe('share of the price a market order gives away on top'),
  latency: duration().default(0).describe('how long an order is on its way before the venue knows it'),
  at_end: z.enum(['keep', 'close']).default('keep').describe('what to do with an open position when finite data ends'),
  open_orders: z
    .int()
    .min(1)
    .max(1024)
    .default(64)
    .describe('orders that may wait at a time, per instrument; more are rejected'),
})
type Rules = Omit<z.output<typeof params>, 'maker_fee'> & {
  maker_fee: number
  next: boolean
  close: boolean
  below: number
  above: number
}

/** Orders on their way or in the book, a column a field; `side` 0 is a free row. */
const book = (rows: number) => ({
  side: new Ring(rows),
  quantity: new Ring(rows),
  limit: new Ring(rows),
  due: new Ring(rows),
  at: new Ring(rows),
  ordinal: new Ring(rows),
  /** 1 while on its way, 2 while in the book. */
  stage: new Ring(rows),
})
const venue = (rows: number) => ({
  /** Where the newest price is that of a trade; 0 where it is a quote, and before the first. */
  last: 0,
  bid: 0,
  ask: 0,
  held: ZERO as bigint,
  waiting: 0,
  next_due: Number.POSITIVE_INFINITY,
  orders: book(rows),
})
type Venue = ReturnType<typeof venue>
interface Said {
  order: Update[]
  fill: FillMessage[]
}
interface Order {
  readonly side: 'buy' | 'sell'
  readonly quantity: Fixed
  readonly at: number
  readonly ordinal: number
}

const update = (
  { side, quantity, at, ordinal }: Order,
  state: Update['state'],
  reason: Update['reason'] = 'none',
): Update => ({
  order_at: at,
  order_ordinal: ordinal,
  state,
  side,
  quantity,
  reason,
})

function execute(venue: Venue, order: Order, price: number, fee: number, said: Said): void {
  const { side, quantity, at, ordinal } = order
  const notional = notionalOf(price, quantity)
  venue.held += side === 'buy' ? (quantity as bigint) : -quantity
  said.order.push(update(order, 'filled'))
  said.fill.push({
    order_at: at,
    order_ordinal: ordinal,
    side,
    quantity,
    price,
    notional,
    fee: notionalOf(fee, notional),
  })
}
/** The best price of the side an order takes from; 0 where none is known yet. */
const touchOf = ({ last, bid, ask }: Venue, side: Order['side'], { below, above }: Rules): number =>
  side === 'buy' ? (last === 0 ? ask : last * above) : last === 0 ? bid : last * below
const marketPrice = (venue: Venue, side: Order['side'], rules: Rules): number =>
  touchOf(venue, side, rules) * (side === 'buy' ? 1 + rules.slippage : 1 - rules.slippage)
const answer = (said: Said) => (said.order.length === 0 ? undefined : { order: said.order, fill: said.fill })

const row = ({ orders }: Venue, i: number): Order & { limit: number } => ({
  side: (orders.side.data[i] as number) > 0 ? 'buy' : 'sell',
  quantity: fixed(orders.quantity.data[i] as number),
  limit: orders.limit.data[i] as number,
  at: orders.at.data[i] as number,
  ordinal: orders.ordinal.data[i] as number,
})
function release(venue: Venue, i: number): void {
  venue.orders.side.data[i] = 0
  venue.waiting--
}

/** An order the venue knows now: fills it if it can, and says whether it did. */
function meet(venue: Venue, order: Order & { limit: number }, rules: Rules, said: Said): boolean {
  const { side, limit } = order
  if (limit === 0) {
    if (rules.next) return false
    execute(venue, order, marketPrice(venue, side, rules), rules.fee, said)
    return true
  }
  const touch = touchOf(venue, side, rules)
  if (touch === 0 || (side === 'buy' ? touch > limit : touch < limit)) return false
  execute(venue, order, touch, rules.fee, said)
  return true
}

function findDue(venue: Venue): number {
  let due = Number.POSITIVE_INFINITY
  const { side, stage, due: times } = venue.orders
  for (let i = 0; i < side.data.length; i++)
    if (side.data[i] !== 0 && stage.data[i] === 1) due = Math.min(due, times.data[i] as number)
  return due
}

/** A new price: orders that were waiting for it fill. `through` is the price a waiting limit order must be better than. */
function match(venue: Venue, rules: Rules, at: number, buyThrough: number, sellThrough: number, said: Said): void {
  const { orders } = venue
  for (let i = 0; i < orders.side.data.length; i++) {
    if (orders.side.data[i] === 0 || (orders.due.data[i] as number) > at) continue
    const order = row(venue, i)
    const waits =
      order.limit !== 0 && (order.side === 'buy' ? !(buyThrough < order.limit) : !(sellThrough > order.limit))
    if (waits) continue
    release(venue, i)
    if (order.limit === 0) execute(venue, order, marketPrice(venue, order.side, rules), rules.fee, said)
    else execute(venue, order, order.limit, rules.maker_fee, said)
  }
}

const simulate = defineOperator({
  name: 'simulated_venue',
  version: 1,
  summary: 'The venue of backtest and paper: fills approved orders against the prices of the same feed.',
  input: { order: ApprovedOrder },
  ambient: { trade: Trade, quote: Quote },
  // a row that comes later than it should does not bring an old price back
  in_order: ['trade', 'quote'],
  numbered: ['order'],
  output: { order: many(OrderUpdate), fill: many(Fill) },
  params,
  prepare: (p): Rules => ({
    ...p,
    maker_fee: p.maker_fee ?? p.fee,
    next: p.fill === 'next',
    close: p.at_end === 'close',
    below: 1 - p.spread / 2,
    above: 1 + p.spread / 2,
  }),
  init: ({ open_orders }) => venue(open_orders),
  on: {
    trade(state, { price }, { params: rules, at }) {
      state.last = price
      if (state.waiting === 0) return undefined
      const said: Said = { order: [], fill: [] }
      match(state, rules, at, price, price, said)
      return answer(said)
    },
    quote(state, { bid, ask }, { params: rules, at }) {
      state.last = 0
      state.bid = bid
      state.ask = ask
      if (state.waiting === 0) return undefined
      const said: Said = { order: [], fill: [] }
      match(state, rules, at, ask, bid, said)
      return answer(said)
    },
    order(state, { side, quantity, limit }, { params: rules, at, ordinal }) {
      const order = { side, quantity: fixed(quantity), limit, at, ordinal }
      const said: Said = { order: [], fill: [] }
      const free = state.orders.side.data.indexOf(0)
      const unknown = touchOf(state, 'buy', rules) === 0
      if (free < 0 || (unknown && !rules.next))
        said.order.push(update(order, 'rejected', unknown ? 'no_price' : 'none'))
      else {
        said.order.push(update(order, 'accepted'))
        if (rules.latency > 0 || !meet(state, order, rules, said)) {
          const { orders } = state
          orders.side.data[free] = side === 'buy' ? 1 : -1
          orders.quantity.data[free] = toNumber(order.quantity)
          orders.limit.data[free] = limit
          orders.due.data[free] = at + rules.latency
          orders.at.data[free] = at
          orders.ordinal.data[free] = ordinal
          orders.stage.data[free] = rules.latency > 0 ? 1 : 2
          state.waiting++
          state.next_due = findDue(state)
        }
      }
      return answer(said)
    },
  },
  // an order that was on its way arrives, though no new price came with it
  alarm: {
    at: (state) => state.next_due,
    fire(state, at, { params: rules }) {
      const said: Said = { order: [], fill: [] }
      const { orders } = state
      for (let i = 0; i < orders.side.data.length; i++) {
        if (orders.side.data[i] === 0 || orders.stage.data[i] !== 1 || (orders.due.data[i] as number) > at) continue
        orders.stage.data[i] = 2
        if (meet(state, row(state, i), rules, said)) release(state, i)
      }
      state.next_due = findDue(state)
      return answer(said)
    },
  },
  end(state, { params: rules }) {
    const said: Said = { order: [], fill: [] }
    for (let i = 0; i < state.orders.side.data.length; i++) {
      if (state.orders.side.data[i] === 0) continue
      said.order.push(update(row(state, i), 'cancelled', 'end_of_data'))
      release(state, i)
    }
    state.next_due = Number.POSITIVE_INFINITY
    if (rules.close && state.held !== 0n) {
      const own: Order = {
        side: state.held > 0n ? 'sell' : 'buy',
        quantity: (state.held < 0n ? -state.held : state.held) as Fixed,
        at: 0,
        ordinal: 0,
      }
      said.order.push(update(own, 'accepted', 'close_at_end'))
      execute(state, own, marketPrice(state, own.side, rules), rules.fee, said)
    }
    return answer(said)
  },
  example: {
    params: { fee: 0.001 },
    input: [trade(1, 100), approved(2, 'buy', 2)],
    output: [
      {
        order: [
          { order_at: 2_000_000, order_ordinal: 0, state: 'accepted', side: 'buy', quantity: fixed(2), reason: 'none' },
          { order_at: 2_000_000, order_ordinal: 0, state: 'filled', side: 'buy', quantity: fixed(2), reason: 'none' },
        ],
        fill: [
          {
            order_at: 2_000_000,
            order_ordinal: 0,
            side: 'buy',
            quantity: fixed(2),
            price: 100,
            notional: fixed(200),
            fee: fixed(0.2),
          },
        ],
      },
    ],
  },
})

export const simulatedVenue = defineSink({
  name: 'simulated_venue',
  version: 1,
  summary: 'Fills approved orders in simulation, in backtest and paper alike; it has no live side.',
  notes:
    'One simulator, a node of the same pass: it sees every price before the strategy does, and its fills come back at once. An order arrives `latency` after it was sent. With `fill: current` a market order takes the newest price known when it arrives, which may be older than the order itself; with `next` it takes the first price that comes after it arrived. It takes the ask or the bid; where only trades are known these are the last price and half the `spread` either way. A limit order that is marketable takes; otherwise it waits, also for the first price at all, and fills at its limit once a trade goes through it (not when it only touches: others were first) or the other side of the quote crosses it. What it waited for is a price from after it arrived. Orders fill whole.',
  input: { order: ApprovedOrder },
  output: { order: OrderUpdate, fill: Fill },
  params,
  simulate,
  example: { params: { fee: 0.001 } },
})
