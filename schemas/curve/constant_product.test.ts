import fc from 'fast-check'
import { expect, test } from 'vitest'
import { amountIn, amountOut, bestInput, type ConstantProduct, squareRoot } from './constant_product.ts'

const reserve = fc.bigInt({ min: 1000n, max: 2n ** 112n - 1n })
const pool: fc.Arbitrary<ConstantProduct> = fc.record({
  reserveIn: reserve,
  reserveOut: reserve,
  fee: fc.bigInt({ min: 0n, max: 100n }),
  scale: fc.constant(1000n),
})
const amount = fc.bigInt({ min: 1n, max: 2n ** 100n })

test('never gives more than the price at the margin, and never the whole reserve', () => {
  fc.assert(
    fc.property(pool, amount, (p, put) => {
      const out = amountOut(p, put)
      expect(out * p.reserveIn <= put * p.reserveOut).toBe(true)
      expect(out < p.reserveOut).toBe(true)
    }),
  )
})

test('never lets the product of the reserves shrink', () => {
  fc.assert(
    fc.property(pool, amount, (p, put) => {
      const out = amountOut(p, put)
      expect((p.reserveIn + put) * (p.reserveOut - out) >= p.reserveIn * p.reserveOut).toBe(true)
    }),
  )
})

test('gives more for more', () => {
  fc.assert(
    fc.property(pool, amount, amount, (p, a, b) => {
      expect(amountOut(p, a + b) >= amountOut(p, a)).toBe(true)
    }),
  )
})

test('asks for an input that buys what was wanted, and is at most one more than needed', () => {
  fc.assert(
    fc.property(pool, amount, (p, wanted) => {
      const put = amountIn(p, wanted)
      if (put === undefined) {
        expect(wanted >= p.reserveOut).toBe(true)
        return
      }
      expect(amountOut(p, put) >= wanted).toBe(true)
      expect(put < 2n || amountOut(p, put - 2n) < wanted).toBe(true)
    }),
  )
})

test('swapping there and back never gains', () => {
  fc.assert(
    fc.property(pool, amount, (p, put) => {
      const out = amountOut(p, put)
      const back = { ...p, reserveIn: p.reserveOut - out, reserveOut: p.reserveIn + put }
      expect(amountOut(back, out) <= put).toBe(true)
    }),
  )
})

test('no other input gains more over two pools than the best one, but for rounding', () => {
  const share = fc.bigInt({ min: 1n, max: 3000n })
  fc.assert(
    fc.property(pool, pool, share, (first, second, part) => {
      const gain = (put: bigint) => amountOut(second, amountOut(first, put)) - put
      const best = bestInput(first, second)
      const other = best === 0n ? (first.reserveIn * part) / 3000n : (best * part) / 1000n
      // a unit lost in the middle is worth what it would have bought
      const unit = second.reserveOut / second.reserveIn + 2n
      expect(gain(other) <= (best === 0n ? 0n : gain(best)) + unit).toBe(true)
    }),
    { numRuns: 500 },
  )
})

test('an empty pool gives nothing, and a pool that takes all as fee has no price', () => {
  expect(amountOut({ reserveIn: 0n, reserveOut: 0n, fee: 3n, scale: 1000n }, 5n)).toBe(0n)
  expect(amountIn({ reserveIn: 10n, reserveOut: 10n, fee: 1000n, scale: 1000n }, 5n)).toBeUndefined()
  expect(amountIn({ reserveIn: 10n, reserveOut: 10n, fee: 3n, scale: 1000n }, 0n)).toBe(0n)
})

test('a square root is the greatest whole number whose square is not above', () => {
  fc.assert(
    fc.property(fc.bigInt({ min: 0n, max: 2n ** 512n }), (value) => {
      const root = squareRoot(value)
      expect(root * root <= value && (root + 1n) * (root + 1n) > value).toBe(true)
    }),
  )
})
