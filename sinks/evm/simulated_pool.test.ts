import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { PoolState } from '../../schemas/chain.ts'
import { rangeOf, swap } from '../../schemas/curve/concentrated.ts'
import { sqrtPriceAt, tickAt } from '../../schemas/curve/tick_price.ts'
import { emptyPool, type Swap, swapIn, takeState } from './simulated_pool.ts'

const SPACING = 60
function poolOf(sqrtPrice: bigint, liquidity: bigint, fee = 0.003) {
  const pool = emptyPool()
  const state: PoolState = {
    ...{ model: 'concentrated', reserve0: '0', reserve1: '0', sqrt_price_x96: `${sqrtPrice}`, fee, price: 1 },
    ...{ liquidity: `${liquidity}`, tick: tickAt(sqrtPrice), decimals0: 18, decimals1: 18, block: 1, block_time: 1 },
    ...{ block_hash: '', age: 0, removed: false },
  }
  takeState(pool, state, 1)
  return pool
}
/** The pool as its contract would hold it, with liquidity that ends at both sides of the range. */
function contractOf(sqrtPrice: bigint, liquidity: bigint) {
  const tick = tickAt(sqrtPrice)
  const low = Math.floor(tick / SPACING) * SPACING
  const ticks = [
    { index: low, net: liquidity },
    { index: low + SPACING, net: -liquidity },
  ]
  return { sqrtPrice, tick, liquidity, feePips: 3000n, tickSpacing: SPACING, ticks }
}
const prices = fc.bigInt({ min: sqrtPriceAt(-200_000), max: sqrtPriceAt(200_000) })
const trades = fc.record({
  zero_in: fc.boolean(),
  exact: fc.constantFrom('in', 'out'),
  amount: fc.bigInt({ min: 1n, max: 10n ** 20n }),
})

test('inside of its range a concentrated pool trades as its contract does, one trade after another', () => {
  let [known, unknown] = [0, 0]
  const price = fc.tuple(prices, fc.bigInt({ min: 10n ** 12n, max: 10n ** 24n }), fc.array(trades, { maxLength: 4 }))
  fc.assert(
    fc.property(price, ([sqrtPrice, liquidity, all]) => {
      const pool = poolOf(sqrtPrice, liquidity)
      let contract = contractOf(sqrtPrice, liquidity)
      const { low, high } = rangeOf(contract.tick, SPACING)
      for (const one of all as Swap[]) {
        const amount = one.exact === 'in' ? one.amount : -one.amount
        const expected = swap(contract, one.zero_in, amount)
        const found = swapIn(pool, one)
        const inside = expected.sqrtPrice > low && expected.sqrtPrice < high
        if (!inside || expected.amountOut === 0n) {
          expect(found).toBeUndefined()
          unknown++
          continue
        }
        expect(found).toMatchObject({ paid: expected.amountIn, got: expected.amountOut })
        found?.apply()
        contract = { ...contract, sqrtPrice: expected.sqrtPrice, tick: expected.tick }
        expect((pool.root_high << 80n) + pool.root_low).toBe(expected.sqrtPrice)
        known++
      }
    }),
    { numRuns: 300 },
  )
  expect(Math.min(known, unknown)).toBeGreaterThan(50)
})

test('a pool of an unusual fee is known within its tick alone', () => {
  const at = (sqrtPriceAt(1000) + sqrtPriceAt(1001)) / 2n
  const sell = (amount: bigint) => ({ zero_in: true, exact: 'in', amount }) as const
  expect(swapIn(poolOf(at, 10n ** 24n, 0.0025), sell(10n ** 19n))).toBeDefined()
  expect(swapIn(poolOf(at, 10n ** 24n, 0.0025), sell(10n ** 20n))).toBeUndefined()
  expect(swapIn(poolOf(at, 10n ** 24n), sell(10n ** 20n))).toBeDefined()
})

test('numbers no state holds, an empty pool and an older row trade nothing', () => {
  const sell = { zero_in: true, exact: 'in', amount: 10n ** 15n } as const
  expect(swapIn(poolOf(sqrtPriceAt(5), 1n << 127n), sell)).toBeUndefined()
  expect(swapIn(poolOf(sqrtPriceAt(5), 0n), sell)).toBeUndefined()
  expect(swapIn(emptyPool(), sell)).toBeUndefined()
  const pool = poolOf(sqrtPriceAt(5), 10n ** 24n)
  const before = { ...pool }
  const older = { model: 'stable', reserve0: '1', reserve1: '1', liquidity: '0', sqrt_price_x96: '0' } as PoolState
  expect(takeState(pool, older, 0)).toBe(false)
  expect(pool).toEqual(before)
})
