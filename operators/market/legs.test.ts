import { assert, bigInt, constantFrom, integer, property, tuple } from 'fast-check'
import { expect, test } from 'vitest'
import { swap } from '../../schemas/curve/concentrated.ts'
import { bestInput } from '../../schemas/curve/constant_product.ts'
import { sqrtPriceAt } from '../../schemas/curve/tick_price.ts'
import { askLeg, bestOf, bidLeg, type PoolNumbers, poolLeg } from './legs.ts'

const product = (reserve0: bigint, reserve1: bigint, pips = 3000): PoolNumbers => ({
  ...{ concentrated: false, reserve0, reserve1, sqrtPrice: 0n, liquidity: 0n, tick: 0, pips },
})
const reserve = bigInt({ min: 10n ** 9n, max: 10n ** 24n })

test('between two pools of constant product the search finds what the closed form finds', () => {
  assert(
    property(tuple(reserve, reserve, reserve, reserve), constantFrom(0, 500, 3000), ([a0, a1, b0, b1], pips) => {
      const [first, second] = [poolLeg(product(a0, a1, pips), false), poolLeg(product(b0, b1, pips), true)]
      const { put, got } = bestOf(first, second)
      const scale = 1_000_000n
      const fee = BigInt(pips)
      const best = bestInput(
        { reserveIn: a1, reserveOut: a0, fee, scale },
        { reserveIn: b0, reserveOut: b1, fee, scale },
      )
      // the closed form knows no bound on the input
      if (best > a1) return
      const other = second.get(first.get(best)) - best
      // rounding makes steps of the curve: the two may stand on different ones, a few units apart
      const step = b1 / b0 + 2n
      expect(got - put + step >= other).toBe(true)
      if (best === 0n) expect(got - put <= step).toBe(true)
    }),
  )
})

test('what a leg of concentrated liquidity gives is what the pool gives within its range', () => {
  assert(
    property(
      integer({ min: -200_000, max: 200_000 }),
      bigInt({ min: 10n ** 12n, max: 10n ** 22n }),
      (tick, liquidity) => {
        const spacing = 60
        const low = Math.floor(tick / spacing) * spacing
        const sqrtPrice = (sqrtPriceAt(low) + sqrtPriceAt(low + spacing)) / 2n
        for (const zeroIn of [true, false]) {
          const pool = { ...product(0n, 0n), concentrated: true, sqrtPrice, liquidity, tick: low + spacing / 2 }
          const leg = poolLeg(pool, zeroIn)
          const put = leg.most / 3n
          const ticks = [
            { index: low, net: liquidity },
            { index: low + spacing, net: -liquidity },
          ]
          const found = swap(
            { sqrtPrice, tick: pool.tick, liquidity, feePips: 3000n, tickSpacing: spacing, ticks },
            zeroIn,
            put,
          )
          expect(leg.get(put)).toBe(found.amountOut)
          // beyond the range nothing more is promised
          expect(leg.get(leg.most * 10n)).toBe(leg.get(leg.most))
        }
      },
    ),
    { numRuns: 50 },
  )
})

test('an exchange takes its fee on both sides, and no more than stands at its best quote', () => {
  const decimals = { base: 18, quote: 6 }
  const buy = askLeg({ price: 2000, size: 2, fee: 0.001 }, decimals)
  expect(buy.get(2002n * 10n ** 6n)).toBe(10n ** 18n)
  expect(buy.most).toBe(4004n * 10n ** 6n)
  expect(buy.get(10n ** 12n)).toBe(2n * 10n ** 18n)
  const sell = bidLeg({ price: 2000, size: 2, fee: 0.001 }, decimals)
  expect(sell.get(10n ** 18n)).toBe(1998n * 10n ** 6n)
  expect(sell.get(10n ** 20n)).toBe(3996n * 10n ** 6n)
})
