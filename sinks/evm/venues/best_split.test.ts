import { array, assert, bigInt, constantFrom, integer, property } from 'fast-check'
import { expect, test } from 'vitest'
import type { ConstantProduct } from '../../../schemas/curve/constant_product.ts'
import { amountsOf, bestSplit, WHOLE } from './best_split.ts'
import { pairsCurve } from './pair_state.ts'
import type { Curve } from './venue.ts'

const unit = 10n ** 18n
const pair = (reserveIn: bigint, reserveOut: bigint, fee = 3000n): ConstantProduct => {
  return { reserveIn: reserveIn * unit, reserveOut: reserveOut * unit, fee, scale: 1_000_000n }
}
const curvesOf = (pairs: readonly ConstantProduct[], exact: 'in' | 'out') => pairs.map((p) => pairsCurve([p], exact))

/** Every way to give so many parts to so many routes. */
function* ways(routes: number, parts: number): Generator<readonly number[]> {
  if (routes === 1) yield [parts]
  else
    for (let first = 0; first <= parts; first++)
      for (const rest of ways(routes - 1, parts - first)) yield [first, ...rest]
}
/** The best total of all ways, by trying them. */
function bruteForce(curves: readonly Curve[], amount: bigint, exact: 'in' | 'out', parts: number): bigint | undefined {
  let best: bigint | undefined
  for (const way of ways(curves.length, parts)) {
    const amounts = amountsOf(
      amount,
      way.map((n) => (n * WHOLE) / parts),
    )
    const sides = amounts.map((part, n) => (part === 0n ? 0n : curves[n]?.(part)))
    if (sides.includes(undefined)) continue
    const total = sides.reduce<bigint>((sum, side) => sum + (side ?? 0n), 0n)
    if (best === undefined || (exact === 'in' ? total > best : total < best)) best = total
  }
  return best
}

test('no way to split over pairs is better, for exact inputs and exact outputs', () => {
  const reserve = bigInt({ min: 10n, max: 100_000n })
  const anyPair = array(reserve, { minLength: 2, maxLength: 2 }).map(([a = 0n, b = 0n]) => pair(a, b))
  const size = integer({ min: 1, max: 20_000 })
  assert(
    property(
      array(anyPair, { minLength: 1, maxLength: 3 }),
      size,
      constantFrom('in', 'out'),
      (pairs, amount, exact) => {
        const curves = curvesOf(pairs, exact)
        const best = bestSplit(curves, BigInt(amount) * unit, exact, 20)
        const brute = bruteForce(curves, BigInt(amount) * unit, exact, 20)
        if (best === undefined || brute === undefined) return best === undefined && brute === undefined
        // whole units make the curves bend the wrong way by one of 1e18 here and there
        const worse = exact === 'in' ? brute - best.total : best.total - brute
        return worse <= 20n && best.shares.reduce((sum, share) => sum + share, 0) === WHOLE
      },
    ),
    { numRuns: 200 },
  )
})

test('equal pairs share equally, and a pair too small for a part gets nothing', () => {
  expect(bestSplit(curvesOf([pair(1000n, 1000n), pair(1000n, 1000n)], 'in'), 10n * unit, 'in')?.shares).toEqual([
    5000, 5000,
  ])
  expect(bestSplit(curvesOf([pair(100_000n, 100_000n), pair(1n, 1n)], 'in'), 10n * unit, 'in')?.shares).toEqual([
    10_000, 0,
  ])
})

test('a route without a curve, or past what it holds, gets nothing; when all are, there is no split', () => {
  const small = pairsCurve([pair(10n, 10n)], 'out')
  expect(bestSplit([undefined, pairsCurve([pair(1000n, 1000n)], 'out'), small], 20n * unit, 'out')?.shares[0]).toBe(0)
  expect(bestSplit([undefined, small], 20n * unit, 'out')).toBeUndefined()
  expect(bestSplit([], unit, 'in')).toBeUndefined()
  expect(() => bestSplit([small], unit, 'out', 3)).toThrow(RangeError)
})

test('amounts add up to the unit, and what rounding leaves goes to the last that has a share', () => {
  expect(amountsOf(10n, [3333, 6667, 0])).toEqual([3n, 7n, 0n])
  expect(amountsOf(1n, [5000, 5000])).toEqual([0n, 1n])
})
