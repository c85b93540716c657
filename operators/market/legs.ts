import { rangeOf } from '../../schemas/curve/concentrated.ts'
import { amountOut, type ConstantProduct } from '../../schemas/curve/constant_product.ts'
import { PIPS, swapStep } from '../../schemas/curve/swap_step.ts'

/** One side of a trade: what is got for what is put in, in smallest units, exact. What is put in beyond `most` gets nothing. */
export interface Leg {
  readonly get: (put: bigint) => bigint
  /** The most that may be put in: where the data end that vouch for the price. */
  readonly most: bigint
}
const smaller = (a: bigint, b: bigint): bigint => (a < b ? a : b)

export interface PoolNumbers {
  readonly concentrated: boolean
  readonly reserve0: bigint
  readonly reserve1: bigint
  readonly sqrtPrice: bigint
  readonly liquidity: bigint
  readonly tick: number
  /** Parts of a million. */
  readonly pips: number
}
/** Fee tiers and the spacing of their ticks (UniswapV3Factory.sol); of others no range is known but the tick itself. */
const SPACINGS: Readonly<Record<number, number>> = { 100: 1, 500: 10, 3000: 60, 10000: 200 }

/** Token 0 into the pool, or token 1. */
export function poolLeg(pool: PoolNumbers, zeroIn: boolean): Leg {
  const fee = BigInt(pool.pips)
  if (!pool.concentrated) {
    const [reserveIn, reserveOut] = zeroIn ? [pool.reserve0, pool.reserve1] : [pool.reserve1, pool.reserve0]
    const curve: ConstantProduct = { reserveIn, reserveOut, fee, scale: PIPS }
    return { get: (put) => amountOut(curve, put), most: reserveIn }
  }
  const { low, high } = rangeOf(pool.tick, SPACINGS[pool.pips] ?? 1)
  const edge = zeroIn ? low : high
  if (pool.liquidity <= 0n || edge === pool.sqrtPrice) return { get: () => 0n, most: 0n }
  const step = (put: bigint) => swapStep(pool.sqrtPrice, edge, pool.liquidity, put, fee)
  const whole = step(1n << 200n)
  const most = whole.amountIn + whole.fee
  return { get: (put) => (put <= 0n ? 0n : step(smaller(put, most)).amountOut), most }
}

/** Prices and shares as whole parts of 1e12. */
const SCALE = 10n ** 12n
const scaled = (value: number): bigint => BigInt(Math.round(value * 1e12))
const power = (decimals: number): bigint => 10n ** BigInt(decimals)

export interface QuoteNumbers {
  readonly price: number
  /** Base units that stand there. */
  readonly size: number
  readonly fee: number
}
interface Decimals {
  readonly base: number
  readonly quote: number
}
/** Buys base at an ask with quote tokens, fee on top. */
export function askLeg({ price, size, fee }: QuoteNumbers, { base, quote }: Decimals): Leg {
  const cost = scaled(price * (1 + fee))
  const get = (put: bigint) => (put * power(base) * SCALE) / (cost * power(quote))
  const most = (scaled(size) * cost * power(quote)) / (SCALE * SCALE)
  return { get: (put) => get(smaller(put, most)), most }
}
/** Sells base at a bid for quote tokens, fee taken. */
export function bidLeg({ price, size, fee }: QuoteNumbers, { base, quote }: Decimals): Leg {
  const paid = scaled(price * (1 - fee))
  const most = (scaled(size) * power(base)) / SCALE
  return { get: (put) => (smaller(put, most) * paid * power(quote)) / (power(base) * SCALE), most }
}

export interface Best {
  readonly put: bigint
  readonly middle: bigint
  readonly got: bigint
  readonly capped: boolean
}
/** The input of the first leg that gains most when what it gives goes into the second. Gains are concave: thirds find the top. */
export function bestOf(first: Leg, second: Leg): Best {
  const gain = (put: bigint) => second.get(first.get(put)) - put
  let [low, high] = [0n, first.most]
  while (high - low > 2n) {
    const third = (high - low) / 3n
    const [a, b] = [low + third, high - third]
    if (gain(a) < gain(b)) low = a + 1n
    else high = b
  }
  let put = low
  for (let next = low + 1n; next <= high; next++) if (gain(next) > gain(put)) put = next
  const middle = first.get(put)
  // a thousandth from the end is the end: rounding may stop short of it
  const near = (amount: bigint, most: bigint) => amount * 1000n >= most * 999n
  return { put, middle, got: second.get(middle), capped: near(put, first.most) || near(middle, second.most) }
}
