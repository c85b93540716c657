import fc from 'fast-check'
import { expect, test } from 'vitest'
import { type Concentrated, rangeOf, swap, type Tick } from './concentrated.ts'
import { swapStep } from './swap_step.ts'
import { MAX_SQRT_PRICE, MAX_TICK, MIN_SQRT_PRICE, MIN_TICK, sqrtPriceAt, tickAt } from './tick_price.ts'

const Q96 = 2n ** 96n
const tick = fc.integer({ min: MIN_TICK, max: MAX_TICK })

test('prices of the outermost ticks and of tick 0 are those of the contract', () => {
  expect(sqrtPriceAt(MIN_TICK)).toBe(MIN_SQRT_PRICE)
  expect(sqrtPriceAt(MAX_TICK)).toBe(MAX_SQRT_PRICE)
  expect(sqrtPriceAt(0)).toBe(Q96)
  expect(() => sqrtPriceAt(MAX_TICK + 1)).toThrow('expected -887272 to 887272')
})

test('the tick of a price is the last one not above it', () => {
  fc.assert(
    fc.property(tick, (t) => {
      expect(tickAt(sqrtPriceAt(t))).toBe(t)
      if (t > MIN_TICK) expect(tickAt(sqrtPriceAt(t) - 1n)).toBe(t - 1)
    }),
  )
})

/** A pool from positions over ranges, so that the liquidity of all ticks hangs together. */
const spacing = 60
const pool: fc.Arbitrary<Concentrated> = fc
  .record({
    at: fc.integer({ min: -60_000, max: 60_000 }),
    positions: fc.array(
      fc.record({
        low: fc.integer({ min: -1500, max: 1500 }),
        width: fc.integer({ min: 1, max: 600 }),
        liquidity: fc.bigInt({ min: 10n ** 6n, max: 10n ** 24n }),
      }),
      { minLength: 1, maxLength: 8 },
    ),
  })
  .map(({ at, positions }) => {
    const net = new Map<number, bigint>()
    const add = (index: number, by: bigint) => net.set(index, (net.get(index) ?? 0n) + by)
    // one position everywhere, so that a swap can always go on
    for (const { low, width, liquidity } of [...positions, { low: -1500, width: 3000, liquidity: 10n ** 15n }]) {
      add(low * spacing, liquidity)
      add((low + width) * spacing, -liquidity)
    }
    const ticks: Tick[] = [...net].map(([index, n]) => ({ index, net: n })).sort((a, b) => a.index - b.index)
    const liquidity = ticks.filter(({ index }) => index <= at).reduce((sum, t) => sum + t.net, 0n)
    return { sqrtPrice: sqrtPriceAt(at), tick: at, liquidity, feePips: 3000n, tickSpacing: spacing, ticks }
  })
const amount = fc.bigInt({ min: 1n, max: 10n ** 22n })
/** Token 0 is worth so much of token 1: a ratio of the price squared. */
const worth = (p: Concentrated, zeroForOne: boolean, put: bigint, out: bigint): boolean =>
  zeroForOne ? out * Q96 * Q96 <= put * p.sqrtPrice * p.sqrtPrice : out * p.sqrtPrice * p.sqrtPrice <= put * Q96 * Q96

test('never gives more than the price at the margin', () => {
  fc.assert(
    fc.property(pool, fc.boolean(), amount, (p, down, put) => {
      const { amountIn, amountOut } = swap(p, down, put)
      expect(amountIn <= put && worth(p, down, amountIn, amountOut)).toBe(true)
    }),
  )
})

test('gives more for more, and ends at a price further on', () => {
  fc.assert(
    fc.property(pool, fc.boolean(), amount, amount, (p, down, a, b) => {
      const [less, more] = [swap(p, down, a), swap(p, down, a + b)]
      expect(more.amountOut >= less.amountOut).toBe(true)
      expect(down ? more.sqrtPrice <= less.sqrtPrice : more.sqrtPrice >= less.sqrtPrice).toBe(true)
    }),
  )
})

test('the liquidity at the end is that of the ticks passed', () => {
  fc.assert(
    fc.property(pool, fc.boolean(), amount, (p, down, put) => {
      const end = swap(p, down, put)
      const inRange = p.ticks.filter(({ index }) => index <= end.tick).reduce((sum, t) => sum + t.net, 0n)
      expect(end.liquidity).toBe(inRange)
    }),
  )
})

test('swapping there and back never gains', () => {
  fc.assert(
    fc.property(pool, fc.boolean(), amount, (p, down, put) => {
      const there = swap(p, down, put)
      if (there.amountOut === 0n) return
      expect(swap({ ...p, ...there }, !down, there.amountOut).amountOut <= there.amountIn).toBe(true)
    }),
  )
})

test('an exact output asks for an input that gives at least that output', () => {
  fc.assert(
    fc.property(pool, fc.boolean(), amount, (p, down, wanted) => {
      const asked = swap(p, down, -wanted)
      if (asked.amountOut < wanted) return
      expect(swap(p, down, asked.amountIn).amountOut >= wanted).toBe(true)
    }),
  )
})

test('a swap that stays between two ticks is one step, whatever lies beyond', () => {
  fc.assert(
    fc.property(pool, fc.boolean(), amount, (p, down, put) => {
      const { low, high } = rangeOf(p.tick, spacing)
      const step = swapStep(p.sqrtPrice, down ? low : high, p.liquidity, put, p.feePips)
      if (step.amountIn + step.fee < put) return
      expect(step.amountOut).toBe(swap(p, down, put).amountOut)
    }),
  )
})
