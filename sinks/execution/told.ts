import type { ExecutorAnswer } from '../../runtime/define.ts'
import { type Fixed, fixed, negate, notionalOf, ratio, subtract, ZERO } from '../../schemas/fixed.ts'
import type { Fill, OrderStep, OrderUpdate } from '../../schemas/orders.ts'
import type { Intent, OrderEvent } from './entry.ts'
import { hasEnded, type Phase } from './life.ts'
import { attemptOf, gasPaid, newestOf, nonceOf, type Order } from './order.ts'

/** How whole units of the tokens of a market are told. */
export interface Units {
  readonly base_decimals: number
  readonly quote_decimals: number
  /** Which of the two is the coin that gas is paid in: with neither, no price of it is known, and fees are told as 0. */
  readonly coin: 'base' | 'quote' | 'neither'
}

/** Of the coin of every EVM chain. */
const COIN_DECIMALS = 18

/** 1e-8 of a token of so many decimals, to the nearest. */
export function toFixed(units: bigint, decimals: number): Fixed {
  return fixed(`${units}e-${decimals}`)
}

/**
 * What the pipeline hears of a step: every step, what it means for the order, and the trade where there was one. When the
 * block that ended an order is gone, what was told of that end is told again with a minus, and so taken back.
 * @param before the order without the step
 */
export function told(order: Order, event: OrderEvent, units: Units, before?: Order): readonly ExecutorAnswer[] {
  const { key, purpose } = order.intent
  const step: ExecutorAnswer = { port: 'step', key, value: stepOf(order, event, before) }
  if (event.type === 'reorged' && before !== undefined && hasEnded(before.life.phase))
    return [step, ...told(before, before.last, units).flatMap(takenBack)]
  const fills = fillsOf(order, units).map((value): ExecutorAnswer => ({ port: 'fill', key, value }))
  if (purpose !== 'trade') return [step, ...fills]
  const update = (state: OrderUpdate['state'], quantity: Fixed): ExecutorAnswer => ({
    port: 'order',
    key,
    value: { ...placeOf(order), state, side: order.intent.side, quantity, reason: 'none' } satisfies OrderUpdate,
  })
  const whole = BigInt(order.intent.quantity) as Fixed
  switch (event.type) {
    case 'received':
      return [step, update('accepted', whole)]
    // not `rejected`, which says that an order never was under way: this one has been accepted
    case 'rejected':
    case 'expired':
    case 'reverted':
    case 'refunded':
    case 'dead':
    case 'cancelled':
      return [step, ...fills, update('cancelled', whole)]
    case 'settled': {
      const { quantity } = tradeOf(order, units)
      if (quantity === ZERO) return [step, ...fills, update('cancelled', whole)]
      const rest = subtract(whole, quantity)
      // a token that taxes transfers delivers less: the rest will not come
      const less = rest > ZERO ? [update('cancelled', rest)] : []
      return [step, ...fills, update('filled', quantity), ...less]
    }
    default:
      return [step]
  }
}

/** Quantity, notional and fee with a minus. */
function takenBack({ port, key, value }: ExecutorAnswer): readonly ExecutorAnswer[] {
  if (port === 'step') return []
  const of = value as Fill | OrderUpdate
  const quantity = negate(of.quantity)
  const minus = 'fee' in of ? { quantity, notional: negate(of.notional), fee: negate(of.fee) } : { quantity }
  return [{ port, key, value: { ...of, ...minus } }]
}

const placeOf = ({ intent }: Order) => ({ order_at: intent.at, order_ordinal: intent.ordinal })

function stepOf(order: Order, event: OrderEvent, before: Order | undefined): OrderStep {
  const { attempts, inclusion } = order
  const attempt = attemptOf(order) ?? newestOf(order)
  return {
    ...placeOf(order),
    step: event.type,
    attempt: attempt === undefined ? attempts.length : attempt.attempt,
    nonce: nonceOf(order) ?? -1,
    block: inclusion?.block ?? 0,
    transaction: attempt?.hash ?? '',
    ...wordsOf(order, event, before),
  }
}

function wordsOf(
  { intent }: Order,
  event: OrderEvent,
  before: Order | undefined,
): { readonly code: string; readonly detail: string } {
  switch (event.type) {
    case 'reorged':
      return before !== undefined && hasEnded(before.life.phase)
        ? { code: 'DEEP_REORG', detail: `it was ${before.life.phase}` }
        : { code: '', detail: intent.purpose === 'trade' ? '' : intent.purpose }
    case 'signed':
      return {
        code: event.purpose === 'cancel' ? 'CANCEL' : event.attempt > 1 ? 'SPEED_UP' : '',
        detail: intent.purpose,
      }
    case 'sent':
      return { code: event.code, detail: `${event.endpoint}: ${event.outcome}` }
    case 'rejected':
      return { code: event.code, detail: event.reason }
    case 'conflict':
      return { code: 'FOREIGN_NONCE', detail: event.reason }
    case 'reverted':
      return { code: event.code ?? 'REVERTED', detail: event.reason }
    case 'refunded':
    case 'dead':
    case 'lost':
      return { code: event.type.toUpperCase(), detail: event.reason }
    default:
      return { code: '', detail: intent.purpose === 'trade' ? '' : intent.purpose }
  }
}

/** Phases in which what a transaction did and what it cost is settled. */
const booked: ReadonlySet<Phase> = new Set(['settled', 'reverted', 'refunded', 'cancelled'])
/** The trade of an order that has ended, or what it cost without one: the account hears of both as fills. */
export function fillsOf(order: Order, units: Units): readonly Fill[] {
  const { intent, life } = order
  if (!booked.has(life.phase)) return []
  const trade = tradeOf(order, units)
  const price = trade.price === 0 ? quotedPrice(order, units) : trade.price
  const fee = feeAt(price, order, units)
  const isNothing = trade.quantity === ZERO && trade.notional === ZERO && fee === ZERO
  if (price === 0 || isNothing) return []
  const { quantity, notional } = trade
  return [{ ...placeOf(order), side: intent.side, quantity, price, notional, fee }]
}

type Sides = Pick<Fill, 'quantity' | 'price' | 'notional'>
/** What was traded, as the receipt tells it; nothing where the order did something else. */
function tradeOf({ intent, life, inclusion }: Order, units: Units): Sides {
  if (life.phase !== 'settled' || intent.purpose !== 'trade' || inclusion === undefined)
    return { quantity: ZERO, price: 0, notional: ZERO }
  return sidesOf(intent, BigInt(inclusion.paid), BigInt(inclusion.got), units)
}
/** The price an order was signed at; its bound where it has no quote, as what only gives rights. */
function quotedPrice({ intent, plan }: Order, units: Units): number {
  const [amount, quoted] = [BigInt(intent.amount), BigInt(plan?.quoted ?? 0)]
  const other = quoted > 0n ? quoted : BigInt(intent.bound)
  const [paid, got] = intent.exact === 'in' ? [amount, other] : [other, amount]
  return sidesOf(intent, paid, got, units).price
}
function sidesOf({ side }: Intent, paid: bigint, got: bigint, { base_decimals, quote_decimals }: Units): Sides {
  const [base, quote] = side === 'buy' ? [got, paid] : [paid, got]
  const [quantity, notional] = [toFixed(base, base_decimals), toFixed(quote, quote_decimals)]
  if (quantity !== ZERO && notional !== ZERO) return { quantity, notional, price: ratio(notional, quantity) }
  // what rounds to nothing has a price all the same
  const price = base === 0n ? 0 : (Number(quote) / Number(base)) * 10 ** (base_decimals - quote_decimals)
  return { quantity, notional, price }
}

function feeAt(price: number, order: Order, { coin }: Units): Fixed {
  const gas = toFixed(gasPaid(order), COIN_DECIMALS)
  return coin === 'quote' ? gas : coin === 'base' ? notionalOf(price, gas) : ZERO
}
