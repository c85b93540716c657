import type { Curve, Trade } from './venue.ts'

/** Shares are parts of this many. */
export const WHOLE = 10_000

/** An amount by shares; the last takes what rounding left. */
export function amountsOf(amount: bigint, shares: readonly number[]): readonly bigint[] {
  const floors = shares.map((share) => (amount * BigInt(share)) / BigInt(WHOLE))
  const last = shares.findLastIndex((share) => share > 0)
  const rest = amount - floors.reduce((sum, part) => sum + part, 0n)
  return floors.map((part, n) => (n === last ? part + rest : part))
}

export interface Split {
  /** One for each route, 10,000 together. */
  readonly shares: readonly number[]
  /** What comes for an exact input, or must be paid for an exact output, of all routes. */
  readonly total: bigint
}
/**
 * Gives an amount to routes part by part, each to the route that gains most by it (or costs least): the best there is
 * in so many parts, as no pool gets better with size. Undefined where the routes together cannot take it.
 * @param parts how many: a divisor of 10,000
 * @throws RangeError for another number of parts
 */
export function bestSplit(
  curves: readonly (Curve | undefined)[],
  amount: bigint,
  exact: Trade['exact'],
  parts = 100,
): Split | undefined {
  if (!(parts >= 1) || WHOLE % parts !== 0) throw new RangeError(`${parts} parts: expected a divisor of ${WHOLE}`)
  const size = WHOLE / parts
  const portion = (share: number) => (amount * BigInt(share)) / BigInt(WHOLE)
  const valueAt = (n: number, share: number) => (share === 0 ? 0n : curves[n]?.(portion(share)))
  const shares = curves.map(() => 0)
  const values = curves.map(() => 0n)
  const next = curves.map((_, n) => valueAt(n, size))
  for (let given = 0; given < parts; given++) {
    let best: number | undefined
    let bestGain = 0n
    for (const [n, value] of next.entries()) {
      if (value === undefined) continue
      const gain = value - (values[n] ?? 0n)
      if (best === undefined || (exact === 'in' ? gain > bestGain : gain < bestGain)) [best, bestGain] = [n, gain]
    }
    if (best === undefined) return undefined
    const share = (shares[best] ?? 0) + size
    shares[best] = share
    values[best] = next[best] ?? 0n
    next[best] = valueAt(best, share + size)
  }
  const sides = amountsOf(amount, shares).map((part, n) => (part === 0n ? 0n : curves[n]?.(part)))
  if (sides.includes(undefined)) return undefined
  return { shares, total: sides.reduce<bigint>((sum, side) => sum + (side ?? 0n), 0n) }
}
