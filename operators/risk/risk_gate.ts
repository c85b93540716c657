import { z } from 'zod'
import { defineOperator } from '../../runtime/define.ts'
import { PoolState, Swap } from '../../schemas/chain.ts'
import { fixed, toNumber, ZERO } from '../../schemas/fixed.ts'
import { Gap, Quote, Trade } from '../../schemas/market.ts'
import {
  ApprovedOrder,
  Fill,
  type OrderIntent as Intent,
  OrderIntent,
  OrderUpdate,
  type RefusalCode,
  RefusedOrder,
} from '../../schemas/orders.ts'
import { intent, trade } from '../../schemas/samples.ts'
import { duration } from '../../schemas/units.ts'

const NEVER = -1
const refuse = ({ side, quantity, limit, price }: Intent, code: RefusalCode, found: number, allowed: number) => ({
  refused: { side, quantity, limit, price, code, found, allowed },
})
const number = (value: bigint): number => toNumber(value as typeof ZERO)

export const riskGate = defineOperator({
  name: 'risk_gate',
  version: 2,
  summary:
    'Approves orders within the limits, on fresh and continuous data; refuses the others with the rule that broke.',
  notes:
    'Rules, in this order: TRADING_HALTED (the kill switch), WARMING_UP (too little data seen), DATA_GAP (the feed broke a moment ago), DATA_STALE (no trade, quote, swap or pool state for too long), NOTIONAL_EXCEEDS_MAXIMUM (this order, at the higher of its price and its limit), POSITION_EXCEEDS_MAXIMUM (the position if this and all orders under way on its side fill). An order that only reduces the position passes the last two. Orders approved and not yet filled, rejected or cancelled are counted as under way; wire `order` so that rejections free them.',
  input: { intent: OrderIntent, fill: Fill, order: OrderUpdate },
  ambient: { trade: Trade, quote: Quote, pool: PoolState, swap: Swap, gap: Gap },
  in_order: ['trade', 'quote', 'pool', 'swap'],
  optional: ['order'],
  feedback: ['fill', 'order'],
  output: { approved: ApprovedOrder, refused: RefusedOrder },
  params: z.strictObject({
    max_notional: z.number().positive().describe('largest order, quote units'),
    max_position: z
      .number()
      .positive()
      .optional()
      .describe('largest position either way, base units; no limit when absent'),
    stale_after: duration().default(60e6).describe('how old the newest trade, quote, swap or pool state may be'),
    gap_hold: duration().default(10e6).describe('how long to refuse after a gap of the feed'),
    warm_up: duration().default(0).describe('how long data must have been seen before the first order'),
    halted: z.boolean().default(false).describe('the kill switch: refuse everything'),
  }),
  prepare: ({ max_position, ...rest }) => ({ ...rest, max_position: max_position ?? Number.POSITIVE_INFINITY }),
  init: () => ({
    held: ZERO as bigint,
    buying: ZERO as bigint,
    selling: ZERO as bigint,
    began: NEVER,
    seen: NEVER,
    broke: NEVER,
  }),
  on: {
    trade(state, _trade, { at }) {
      if (state.began === NEVER) state.began = at
      state.seen = at
    },
    quote(state, _quote, { at }) {
      if (state.began === NEVER) state.began = at
      state.seen = at
    },
    pool(state, _pool, { at }) {
      if (state.began === NEVER) state.began = at
      state.seen = at
    },
    swap(state, _swap, { at }) {
      if (state.began === NEVER) state.began = at
      state.seen = at
    },
    gap(state, { reason }, { at }) {
      // the first connection breaks nothing: there was no data before it
      if (reason !== 'connected' || state.began !== NEVER) state.broke = at
    },
    fill(state, { side, quantity, order_at }) {
      state.held += side === 'buy' ? quantity : -quantity
      if (order_at === 0) return
      if (side === 'buy') state.buying -= quantity
      else state.selling -= quantity
    },
    order(state, { state: now, side, quantity }) {
      if (now !== 'rejected' && now !== 'cancelled') return
      if (side === 'buy') state.buying -= quantity
      else state.selling -= quantity
    },
    intent(state, order, { params, at }) {
      if (params.halted) return refuse(order, 'TRADING_HALTED', 1, 0)
      const warm = state.began === NEVER ? 0 : at - state.began
      if (state.began === NEVER || warm < params.warm_up) return refuse(order, 'WARMING_UP', warm, params.warm_up)
      if (state.broke !== NEVER && at - state.broke < params.gap_hold)
        return refuse(order, 'DATA_GAP', at - state.broke, params.gap_hold)
      if (at - state.seen > params.stale_after) return refuse(order, 'DATA_STALE', at - state.seen, params.stale_after)
      const { side, quantity, limit, price } = order
      const size = fixed(quantity) as bigint
      const after = side === 'buy' ? state.held + state.buying + size : state.held - state.selling - size
      const reduces = side === 'buy' ? after <= 0n : after >= 0n
      // the venue may fill at either, and the worse one counts
      const notional = quantity * Math.max(price, limit)
      if (!reduces && notional > params.max_notional)
        return refuse(order, 'NOTIONAL_EXCEEDS_MAXIMUM', notional, params.max_notional)
      const position = Math.abs(number(after))
      if (!reduces && position > params.max_position)
        return refuse(order, 'POSITION_EXCEEDS_MAXIMUM', position, params.max_position)
      if (side === 'buy') state.buying += size
      else state.selling += size
      return { approved: { side, quantity, limit, price } }
    },
  },
  example: {
    params: { max_notional: 1000, stale_after: '1m' },
    input: [intent(1, 'buy', 2), trade(2, 100), intent(3, 'buy', 2), intent(4, 'buy', 20), intent(90, 'buy', 2)],
    output: [
      { refused: { side: 'buy', quantity: 2, limit: 0, price: 100, code: 'WARMING_UP', found: 0, allowed: 0 } },
      { approved: { side: 'buy', quantity: 2, limit: 0, price: 100 } },
      {
        refused: {
          side: 'buy',
          quantity: 20,
          limit: 0,
          price: 100,
          code: 'NOTIONAL_EXCEEDS_MAXIMUM',
          found: 2000,
          allowed: 1000,
        },
      },
      {
        refused: {
          side: 'buy',
          quantity: 2,
          limit: 0,
          price: 100,
          code: 'DATA_STALE',
          found: 88_000_000,
          allowed: 60_000_000,
        },
      },
    ],
  },
})
