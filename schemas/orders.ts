import { z } from 'zod'
import { Fixed } from './fixed.ts'
import { kind } from './kind.ts'

const signal = z.object({
  direction: z.union([z.literal(-1), z.literal(0), z.literal(1)]).describe('1 up, -1 down, 0 neither'),
  strength: z.number().describe('how far the values stand apart, in the units of the values'),
  price: z.number().positive().describe('the price the signal saw, quote units'),
})
export interface Signal extends Readonly<z.output<typeof signal>> {}
export const Signal = kind('signal', signal, { summary: 'A view of an instrument, before any size.', recorded: true })

export const Side = z.enum(['buy', 'sell'])
export type Side = z.output<typeof Side>

const order = {
  side: Side,
  quantity: z.number().positive().describe('base units'),
  limit: z.number().nonnegative().describe('limit price in quote units, 0 for a market order'),
  price: z.number().positive().describe('the price the order was sized at, quote units'),
}
const intent = z.object(order)
export interface OrderIntent extends Readonly<z.output<typeof intent>> {}
export const OrderIntent = kind('order_intent', intent, {
  summary: 'An order somebody wants; nothing acts on it before a risk gate approved it.',
  recorded: true,
})

const approved = z.object(order)
export interface ApprovedOrder extends Readonly<z.output<typeof approved>> {}
export const ApprovedOrder = kind('approved_order', approved, {
  summary: 'An order a risk gate let through: the only kind an execution sink accepts.',
  recorded: true,
})

/** Why a risk gate refuses an order: stable codes, in the order the rules are looked at. */
export const refusals = {
  TRADING_HALTED: 'The kill switch of the gate is on: nothing passes.',
  WARMING_UP: 'Too little data has been seen for this instrument.',
  DATA_GAP: 'The feed broke a moment ago, and continuity is not proven.',
  DATA_STALE: 'The newest trade or quote of this instrument is too old.',
  NOTIONAL_EXCEEDS_MAXIMUM: 'The order is worth more than an order may be.',
  POSITION_EXCEEDS_MAXIMUM:
    'With this order, and those under way on its side, the position would be larger than it may be.',
} as const
export const RefusalCode = z.enum(Object.keys(refusals) as (keyof typeof refusals)[])
export type RefusalCode = z.output<typeof RefusalCode>

const refused = z.object({
  ...order,
  code: RefusalCode,
  found: z.number().describe('the value the rule looked at: quote units, base units or µs, by the code'),
  allowed: z.number().describe('the bound it broke, in the same unit'),
})
export interface RefusedOrder extends Readonly<z.output<typeof refused>> {}
export const RefusedOrder = kind('refused_order', refused, {
  summary: 'An order a risk gate stopped, and the rule that did.',
  recorded: true,
})

/** Names the approved order a message speaks of: its event time and its place among those of the same key and time. */
const reference = {
  order_at: z.int().nonnegative().describe('event time of the approved order, µs; 0 when the venue acted by itself'),
  order_ordinal: z.int().nonnegative().describe('which order of that key and time'),
}

const update = z.object({
  ...reference,
  state: z.enum(['accepted', 'filled', 'rejected', 'cancelled']),
  side: Side,
  quantity: Fixed.describe('base units; with a minus where what was told before is taken back'),
  reason: z
    .enum(['none', 'no_price', 'end_of_data', 'close_at_end'])
    .describe('why, where the state alone does not say'),
})
export interface OrderUpdate extends Readonly<z.output<typeof update>> {}
export const OrderUpdate = kind('order_update', update, {
  summary: 'A step in the life of an order at its venue.',
  recorded: true,
})

/** What can happen to an order on its way into a chain; `sinks/execution/life.ts` says what may follow what. */
export const orderSteps = [
  'received',
  'planned',
  'simulated',
  'signed',
  'sent',
  'seen',
  'dropped',
  'included',
  'reorged',
  'final',
  'settled',
  'rejected',
  'expired',
  'reverted',
  'refunded',
  'cancelled',
  'dead',
  'conflict',
  'lost',
] as const

const step = z.object({
  ...reference,
  step: z.enum(orderSteps).describe('what happened to it'),
  attempt: z.int().nonnegative().describe('which transaction of the order, from 1; 0 before there was one'),
  nonce: z.int().describe('its place among the transactions of the signer; -1 before there was one'),
  block: z.int().nonnegative().describe('the block that holds it; 0 where none does'),
  transaction: z.string().describe('hash of the transaction; empty before there was one, and in simulation'),
  code: z.string().describe('why, where the step alone does not say; a stable word'),
  detail: z.string().describe('the same for people'),
})
export interface OrderStep extends Readonly<z.output<typeof step>> {}
export const OrderStep = kind('order_step', step, {
  summary: 'A step of an order on its way into a chain, the same in backtest, paper and live.',
  recorded: true,
})

const fill = z.object({
  ...reference,
  side: Side,
  quantity: Fixed.describe('base units'),
  price: z.number().positive().describe('quote units for one base unit'),
  notional: Fixed.describe('price x quantity, quote units'),
  fee: Fixed.describe('quote units'),
})
export interface Fill extends Readonly<z.output<typeof fill>> {}
export const Fill = kind('fill', fill, {
  summary: 'A trade of ours; of quantity 0 what an order cost without one; with a minus one that is taken back.',
  recorded: true,
})
