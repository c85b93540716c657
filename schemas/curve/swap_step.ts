// One step of a swap at constant liquidity. Source: SqrtPriceMath.sol and SwapMath.sol, Uniswap v3-core.

const Q96 = 1n << 96n
const UINT256 = 1n << 256n
/** Fees are parts of a million. */
export const PIPS = 1_000_000n

const smaller = (a: bigint, b: bigint): bigint => (a < b ? a : b)
const up = (a: bigint, b: bigint): bigint => (a + b - 1n) / b
const divided = (a: bigint, b: bigint, roundUp: boolean): bigint => (roundUp ? up(a, b) : a / b)

/** Token 0 between two prices. */
export function amount0(a: bigint, b: bigint, liquidity: bigint, roundUp: boolean): bigint {
  const [low, high] = a < b ? [a, b] : [b, a]
  return divided(divided((liquidity << 96n) * (high - low), high, roundUp), low, roundUp)
}
/** Token 1 between two prices. */
export function amount1(a: bigint, b: bigint, liquidity: bigint, roundUp: boolean): bigint {
  return divided(liquidity * (a < b ? b - a : a - b), Q96, roundUp)
}

/** The price after token 0 was added, rounded up so that never too much is given. */
function after0(price: bigint, liquidity: bigint, amount: bigint): bigint {
  const whole = liquidity << 96n
  // the contract takes a coarser formula where the product would not fit a word
  if (amount * price < UINT256 && whole + amount * price < UINT256) return up(whole * price, whole + amount * price)
  return up(whole, whole / price + amount)
}
const priceAfterIn = (price: bigint, liquidity: bigint, amount: bigint, down: boolean): bigint =>
  down ? after0(price, liquidity, amount) : price + (amount << 96n) / liquidity
const priceAfterOut = (price: bigint, liquidity: bigint, amount: bigint, down: boolean): bigint =>
  down ? price - up(amount << 96n, liquidity) : up((liquidity << 96n) * price, (liquidity << 96n) - amount * price)

export interface Step {
  readonly price: bigint
  /** Without the fee. */
  readonly amountIn: bigint
  readonly amountOut: bigint
  readonly fee: bigint
}

/** Goes from a price towards `target` for as much as is left; `left` is an input when positive, a wanted output when negative. */
export function swapStep(price: bigint, target: bigint, liquidity: bigint, left: bigint, feePips: bigint): Step {
  const down = price >= target
  const between = (to: bigint, roundIn: boolean): bigint =>
    roundIn === down ? amount0(price, to, liquidity, roundIn) : amount1(price, to, liquidity, roundIn)
  if (left >= 0n) {
    const spendable = (left * (PIPS - feePips)) / PIPS
    const needed = between(target, true)
    const reached = spendable >= needed
    const next = reached ? target : priceAfterIn(price, liquidity, spendable, down)
    const amountIn = reached ? needed : between(next, true)
    const fee = reached ? up(amountIn * feePips, PIPS - feePips) : left - amountIn
    return { price: next, amountIn, amountOut: between(next, false), fee }
  }
  const wanted = -left
  const most = between(target, false)
  const reached = wanted >= most
  const next = reached ? target : priceAfterOut(price, liquidity, wanted, down)
  const given = reached ? most : between(next, false)
  const amountIn = between(next, true)
  return {
    price: next,
    amountIn,
    amountOut: smaller(given, wanted),
    fee: up(amountIn * feePips, PIPS - feePips),
  }
}
