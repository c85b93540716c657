import type { ExecutorAnswer } from '../../runtime/define.ts'
import { type Fixed, fixed, notionalOf, ratio, subtract, ZERO } from '../../schemas/fixed.ts'
import type { Fill, OrderStep, OrderUpdate } from '../../schemas/orders.ts'
import type { OrderEvent } from './entry.ts'
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

/** What the pipeline hears of a step: every step, what it means for the order, and the trade where there was one. */
export function told(order: Order, event: OrderEvent, units: Units): readonly ExecutorAnswer[] {
  const { key, purpose } = order.intent
  const step: ExecutorAnswer = { port: 'step', key, value: stepOf(order, event) }
  if (purpose !== 'trade') return [step]
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
      return [step, update('cancelled', whole)]
    case 'settled': {
      const fill = fillOf(order, units)
      if (fill.price === 0) return [step, update('cancelled', whole)]
      const rest = subtract(whole, fill.quantity)
      // a token that taxes transfers delivers less: the rest will not come
      const less = rest > ZERO ? [update('cancelled', rest)] : []
      return [step, { port: 'fill', key, value: fill }, update('filled', fill.quantity), ...less]
    }
    default:
      return [step]
  }
}

const placeOf = ({ intent }: Order) => ({ order_at: intent.at, order_ordinal: intent.ordinal })

function stepOf(order: Order, event: OrderEvent): OrderStep {
  const { attempts, inclusion } = order
  const attempt = attemptOf(order) ?? newestOf(order)
  return {
    ...placeOf(order),
    step: event.type,
    attempt: attempt === undefined ? attempts.length : attempt.attempt,
    nonce: nonceOf(order) ?? -1,
    block: inclusion?.block ?? 0,
    transaction: attempt?.hash ?? '',
    ...wordsOf(order, event),
  }
}

function wordsOf({ intent }: Order, event: OrderEvent): { code: string; detail: string } {
  switch (event.type) {
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

/** What was traded, as the receipt tells it. */
export function fillOf(order: Order, { base_decimals, quote_decimals, coin }: Units): Fill {
  const { intent, inclusion } = order
  const [paid, got] = [BigInt(inclusion?.paid ?? 0), BigInt(inclusion?.got ?? 0)]
  const [base, quote] = intent.side === 'buy' ? [got, paid] : [paid, got]
  const quantity = toFixed(base, base_decimals)
  const notional = toFixed(quote, quote_decimals)
  const price = quantity === ZERO ? 0 : ratio(notional, quantity)
  const gas = toFixed(gasPaid(order), COIN_DECIMALS)
  return {
    ...placeOf(order),
    side: intent.side,
    quantity,
    price,
    notional,
    fee: coin === 'quote' ? gas : coin === 'base' && price > 0 ? notionalOf(price, gas) : ZERO,
  }
}
