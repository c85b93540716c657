// Pools that keep x * y: Uniswap V2 and its kin. Source: UniswapV2Library.sol, v2-periphery; all amounts in smallest units.

/** What a pool holds of both tokens, and its fee on the input: `fee` parts of `scale`. */
export interface ConstantProduct {
  readonly reserveIn: bigint
  readonly reserveOut: bigint
  readonly fee: bigint
  readonly scale: bigint
}

/** What the pool gives for `amountIn`, to the unit. */
export function amountOut({ reserveIn, reserveOut, fee, scale }: ConstantProduct, amountIn: bigint): bigint {
  if (amountIn <= 0n || reserveIn <= 0n || reserveOut <= 0n) return 0n
  const kept = amountIn * (scale - fee)
  return (kept * reserveOut) / (reserveIn * scale + kept)
}

/** The least input that buys `out`, rounded up as the router does; undefined when the pool does not hold so much. */
export function amountIn({ reserveIn, reserveOut, fee, scale }: ConstantProduct, out: bigint): bigint | undefined {
  if (out <= 0n) return 0n
  if (out >= reserveOut || reserveIn <= 0n || fee >= scale) return undefined
  return (reserveIn * out * scale) / ((reserveOut - out) * (scale - fee)) + 1n
}

/**
 * The input that gains most when what `first` gives is put into `second`, whose output is the token that was put in; 0
 * when no input gains. Two such pools in a row are one, whose gain has its top where its slope is 1.
 */
export function bestInput(first: ConstantProduct, second: ConstantProduct): bigint {
  const [kept, then] = [first.scale - first.fee, second.scale - second.fee]
  if (kept <= 0n || then <= 0n) return 0n
  const top = kept * then * first.reserveOut * second.reserveOut
  const base = first.scale * second.scale * first.reserveIn * second.reserveIn
  const slope = kept * (second.scale * second.reserveIn + then * first.reserveOut)
  if (top <= base || slope === 0n) return 0n
  const best = (squareRoot(top * base) - base) / slope
  const gain = (put: bigint) => amountOut(second, amountOut(first, put)) - put
  return gain(best + 1n) > gain(best) ? best + 1n : best
}

/** The whole part of a square root. */
export function squareRoot(value: bigint): bigint {
  if (value < 2n) return value
  // from above Newton's steps only fall, and end at the root
  let root = 1n << BigInt((value.toString(16).length * 4) / 2 + 1)
  for (;;) {
    const next = (root + value / root) >> 1n
    if (next >= root) return root
    root = next
  }
}
