import type { Committed } from '../../runtime/define.ts'
import { fixed, unitsOf } from '../../schemas/fixed.ts'
import type { ApprovedOrder } from '../../schemas/orders.ts'
import type { EventOf, Intent } from '../execution/entry.ts'
import type { Order } from '../execution/order.ts'
import type { Units } from '../execution/told.ts'
import type { Address } from './hex.ts'
import type { EvmVenue, Log, Moved, Token, Trade } from './venues/venue.ts'

/** What one instrument is. */
export interface Pair extends Units {
  readonly key: string
  readonly base: Token
  readonly quote: Token
  /** How far from the price of the order the trade may be, where the order has no limit. */
  readonly slippage: number
  /** `in`: buys too name what is paid, for venues that cannot be told what shall come. */
  readonly exact: 'in' | 'by_side'
  /** The most that buying and selling at once may lose; not tried where it is undefined. */
  readonly round_trip?: number | undefined
}
/** And where it is traded. */
export interface Market extends Pair {
  readonly venue: EvmVenue
}
/** What is told of an order nobody can trade: only its numbers are needed. */
export const nowhere = (key: string): Pair => {
  const token = { address: '0x' as never, decimals: 18, native: false }
  const units = { base_decimals: 18, quote_decimals: 18, coin: 'neither' } as const
  return { key, base: token, quote: token, ...units, slippage: 0, exact: 'by_side' }
}
export const noMarket = (key: string): EventOf<'rejected'> => ({
  ...{ type: 'rejected', code: 'MARKET_UNKNOWN', reason: `no market trades ${key}` },
})

export interface IntentRules {
  /** µs from the approval in which an order may still be signed. */
  readonly time_to_live: number
}

/**
 * What an approved order asks of its market. The bound comes from the price the strategy saw, or its limit: a price that
 * moved since cannot move it.
 */
export function intentOf(
  row: Committed,
  market: Pair,
  of: Pick<Intent, 'run' | 'pipeline' | 'node'>,
  { time_to_live }: IntentRules,
  now: number,
): Intent {
  const { side, quantity, limit, price } = row.value as ApprovedOrder
  const base = unitsOf([quantity], market.base.decimals)
  const worst = limit > 0 ? [limit] : [price, side === 'buy' ? 1 + market.slippage : 1 - market.slippage]
  const quote = (at: readonly number[]) => unitsOf([quantity, ...at], market.quote.decimals)
  const buysExact = side === 'buy' && market.exact === 'by_side'
  const [amount, bound] =
    side === 'sell'
      ? [base, quote(worst)]
      : buysExact
        ? [base, quote(worst)]
        : [quote([price]), least(quantity, price, limit, market)]
  return {
    ...of,
    id: row.id,
    purpose: 'trade',
    key: row.key,
    at: row.at,
    ordinal: row.ordinal,
    commit: row.commit,
    order: row.order,
    side,
    quantity: fixed(quantity).toString(),
    exact: buysExact ? 'out' : 'in',
    amount: amount.toString(),
    bound: bound.toString(),
    received: now,
    expires: Math.min(now, row.at) + time_to_live,
  }
}

/** What must come for `quantity` at `price`, at the worst price there may be: whole units of the base. */
function least(quantity: number, price: number, limit: number, { base, slippage }: Pair): bigint {
  if (limit === 0) return unitsOf([quantity, 1 - slippage], base.decimals)
  const worst = unitsOf([limit], DIGITS)
  const paid = unitsOf([quantity, price], base.decimals + DIGITS)
  return worst === 0n ? paid : (paid + worst - 1n) / worst
}
/** Decimals of a limit that count, so that a division loses none. */
const DIGITS = 40

/**
 * What really moved in a transaction of an order, by its receipt: nothing where it only gives rights, fails or cancels.
 * Undefined where only another definition, which has its market, can tell.
 */
export function movedFor(
  { intent }: Order,
  market: Market | undefined,
  account: Address,
  logs: readonly Log[],
): Moved | undefined {
  if (intent.purpose !== 'trade' || logs.length === 0) return { paid: 0n, got: 0n }
  return market?.venue.moved(tradeOf(intent, market, account, 0), logs)
}

/** Numbers a state can hold, and well above what pools count in: reserves of V2 have 112 bits, liquidity of V3 128. */
export const MOST = 1n << 126n
/** Why no market takes such an amount; undefined where one may. */
export function outOfRange({ amount, bound }: Trade): { readonly code: string; readonly reason: string } | undefined {
  if (amount <= 0n) return { code: 'AMOUNT_ZERO', reason: 'less than the smallest unit of the token' }
  if (amount > MOST || bound > MOST) return { code: 'AMOUNT_TOO_LARGE', reason: 'more than a pool could hold' }
  return undefined
}

/** The trade of an intent, for its venue. `deadline` in µs. */
export function tradeOf(intent: Intent, { base, quote }: Pair, account: Address, deadline: number): Trade {
  const [pay, get] = intent.side === 'buy' ? [quote, base] : [base, quote]
  return {
    ...{ pay, get, account },
    exact: intent.exact,
    amount: BigInt(intent.amount),
    bound: BigInt(intent.bound),
    deadline: Math.floor(deadline / 1e6),
  }
}
/** Whether what a venue quotes is within the bound. */
export const isWithin = ({ exact, bound }: Trade, quoted: bigint): boolean =>
  exact === 'in' ? quoted >= bound : quoted <= bound

/** Why a trade is not made at what a venue quotes; undefined where it may be. */
export function movedAway(
  trade: Trade,
  quoted: bigint,
): { readonly code: string; readonly reason: string } | undefined {
  if (isWithin(trade, quoted)) return undefined
  const would = trade.exact === 'in' ? 'would get' : 'would pay'
  return { code: 'PRICE_MOVED', reason: `${would} ${quoted}, the bound is ${trade.bound}` }
}
