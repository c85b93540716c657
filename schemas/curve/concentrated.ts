import { swapStep } from './swap_step.ts'
import { MAX_SQRT_PRICE, MAX_TICK, MIN_SQRT_PRICE, MIN_TICK, sqrtPriceAt, tickAt } from './tick_price.ts'

// Swaps across ticks. Source: UniswapV3Pool.sol and TickBitmap.sol, Uniswap v3-core.

/** A tick where liquidity changes: `net` is added when the price rises through it. */
export interface Tick {
  readonly index: number
  readonly net: bigint
}
export interface Concentrated {
  readonly sqrtPrice: bigint
  readonly tick: number
  readonly liquidity: bigint
  readonly feePips: bigint
  readonly tickSpacing: number
  /** All of them, by rising index. */
  readonly ticks: readonly Tick[]
}
export interface Swapped {
  /** What was taken, fee included: less than was offered where the ticks end. */
  readonly amountIn: bigint
  readonly amountOut: bigint
  readonly sqrtPrice: bigint
  readonly tick: number
  readonly liquidity: bigint
}

/**
 * Swaps token 0 for token 1 (`zeroForOne`) or back, exact to the unit: `amount` is an input when positive, a wanted
 * output when negative. The contract halts at the end of each word of its bitmap, which rounds: so do we.
 */
export function swap(pool: Concentrated, zeroForOne: boolean, amount: bigint): Swapped {
  const { ticks, tickSpacing, feePips } = pool
  const end = zeroForOne ? MIN_SQRT_PRICE + 1n : MAX_SQRT_PRICE - 1n
  let { sqrtPrice, tick, liquidity } = pool
  let left = amount
  let amountIn = 0n
  let amountOut = 0n
  while (left !== 0n && sqrtPrice !== end) {
    const next = nextTick(ticks, tick, tickSpacing, zeroForOne)
    const edge = sqrtPriceAt(Math.max(MIN_TICK, Math.min(MAX_TICK, next.index)))
    const target = (zeroForOne ? edge < end : edge > end) ? end : edge
    const before = sqrtPrice
    const step = liquidity === 0n ? nothing(target) : swapStep(sqrtPrice, target, liquidity, left, feePips)
    sqrtPrice = step.price
    left = amount > 0n ? left - step.amountIn - step.fee : left + step.amountOut
    amountIn += step.amountIn + step.fee
    amountOut += step.amountOut
    if (sqrtPrice === edge) {
      liquidity += zeroForOne ? -next.net : next.net
      tick = zeroForOne ? next.index - 1 : next.index
    } else if (sqrtPrice !== before) tick = tickAt(sqrtPrice)
  }
  return { amountIn, amountOut, sqrtPrice, tick, liquidity }
}
const nothing = (price: bigint) => ({ price, amountIn: 0n, amountOut: 0n, fee: 0n })

/** The next tick with liquidity in the same word of 256, or the end of the word. */
function nextTick(ticks: readonly Tick[], tick: number, spacing: number, down: boolean): Tick {
  const place = Math.floor(tick / spacing)
  if (down) {
    const end = Math.floor(place / 256) * 256 * spacing
    const found = ticks[above(ticks, place * spacing) - 1]
    return found !== undefined && found.index >= end ? found : { index: end, net: 0n }
  }
  const end = (Math.floor((place + 1) / 256) * 256 + 255) * spacing
  const found = ticks[above(ticks, place * spacing)]
  return found !== undefined && found.index <= end ? found : { index: end, net: 0n }
}

/** Place of the first tick above an index. */
function above(ticks: readonly Tick[], index: number): number {
  let [low, high] = [0, ticks.length]
  while (low < high) {
    const middle = (low + high) >> 1
    if ((ticks[middle] as Tick).index <= index) low = middle + 1
    else high = middle
  }
  return low
}

/** The prices between which liquidity is sure to be constant though no tick is known: those around the current one. */
export function rangeOf(tick: number, spacing: number): { readonly low: bigint; readonly high: bigint } {
  const low = Math.floor(tick / spacing) * spacing
  return { low: sqrtPriceAt(Math.max(MIN_TICK, low)), high: sqrtPriceAt(Math.min(MAX_TICK, low + spacing)) }
}
