import type { PoolState } from '../../schemas/chain.ts'
import { rangeOf } from '../../schemas/curve/concentrated.ts'
import { amountIn, amountOut, type ConstantProduct } from '../../schemas/curve/constant_product.ts'
import { PIPS, swapStep } from '../../schemas/curve/swap_step.ts'
import { tickAt } from '../../schemas/curve/tick_price.ts'
import { MOST } from './market.ts'

/** The newest state of a pool, and what own trades made of it since. Flat: it is part of the state of an operator. */
export const emptyPool = () => ({
  model: 0,
  ...{ reserve0: 0n as bigint, reserve1: 0n as bigint, liquidity: 0n as bigint },
  // a root of 160 bits in two halves: a state holds whole numbers of 128
  ...{ root_high: 0n as bigint, root_low: 0n as bigint, tick: 0, pips: 0, decimals0: 0, decimals1: 0, seen: 0 },
})
export type Pool = ReturnType<typeof emptyPool>
export const models = { none: 0, constant_product: 1, concentrated: 2, stable: 3 } as const

const LOW = (1n << 80n) - 1n

/** Whether it was taken: a row older than the newest is passed over. */
export function takeState(pool: Pool, message: PoolState, at: number): boolean {
  if (at < pool.seen) return false
  const [reserve0, reserve1, liquidity] = [message.reserve0, message.reserve1, message.liquidity].map(BigInt) as [
    bigint,
    bigint,
    bigint,
  ]
  const root = BigInt(message.sqrt_price_x96)
  pool.seen = at
  pool.model = models[message.model]
  if ([reserve0, reserve1, liquidity, root >> 40n].some((n) => n < 0n || n > MOST)) {
    pool.model = models.none
    return true
  }
  pool.reserve0 = reserve0
  pool.reserve1 = reserve1
  pool.liquidity = liquidity
  pool.root_high = root >> 80n
  pool.root_low = root & LOW
  pool.tick = message.tick
  pool.pips = Math.round(message.fee * 1e6)
  pool.decimals0 = message.decimals0
  pool.decimals1 = message.decimals1
  return true
}

/** One trade with a pool: which token goes in, and an exact amount of the one or the other. */
export interface Swap {
  readonly zero_in: boolean
  readonly exact: 'in' | 'out'
  readonly amount: bigint
}
export interface Swapped {
  readonly paid: bigint
  readonly got: bigint
  /** Puts into the pool what the trade makes of it. */
  readonly apply: () => void
}

/** What a trade moves, to the unit; undefined where it goes past what is known of the pool. */
export function swapIn(pool: Pool, swap: Swap): Swapped | undefined {
  if (pool.model === models.constant_product) return constantProduct(pool, swap)
  return pool.model === models.concentrated ? concentrated(pool, swap) : undefined
}

function constantProduct(pool: Pool, { zero_in, exact, amount }: Swap): Swapped | undefined {
  const [reserveIn, reserveOut] = zero_in ? [pool.reserve0, pool.reserve1] : [pool.reserve1, pool.reserve0]
  const curve: ConstantProduct = { reserveIn, reserveOut, fee: BigInt(pool.pips), scale: PIPS }
  const paid = exact === 'in' ? amount : amountIn(curve, amount)
  const got = exact === 'in' ? amountOut(curve, amount) : amount
  if (paid === undefined || paid <= 0n || got <= 0n || reserveIn + paid > MOST) return undefined
  const apply = () => {
    pool.reserve0 += zero_in ? paid : -got
    pool.reserve1 += zero_in ? -got : paid
  }
  return { paid, got, apply }
}

/** Fee tiers and the spacing of their ticks (UniswapV3Factory.sol); of others no range is known but the tick itself. */
const SPACINGS: Readonly<Record<number, number>> = { 100: 1, 500: 10, 3000: 60, 10000: 200 }

/** Inside of the range of ticks the price stands in: liquidity is known there and nowhere else. */
function concentrated(pool: Pool, { zero_in, exact, amount }: Swap): Swapped | undefined {
  const root = (pool.root_high << 80n) + pool.root_low
  if (pool.liquidity <= 0n || amount <= 0n || root <= 0n) return undefined
  const { low, high } = rangeOf(pool.tick, SPACINGS[pool.pips] ?? 1)
  // a state whose tick and price do not belong together has no range
  if (root < low || root >= high) return undefined
  const edge = zero_in ? low : high
  if (edge === root) return undefined
  const { price, fee, ...step } = swapStep(
    root,
    edge,
    pool.liquidity,
    exact === 'in' ? amount : -amount,
    BigInt(pool.pips),
  )
  const [paid, got] = [step.amountIn + fee, step.amountOut]
  // at its edge the liquidity changes
  if (price === edge || got <= 0n || paid > MOST || (exact === 'in' ? paid !== amount : got !== amount))
    return undefined
  const apply = () => {
    pool.root_high = price >> 80n
    pool.root_low = price & LOW
    pool.tick = tickAt(price)
  }
  return { paid, got, apply }
}
