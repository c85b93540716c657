import fc from 'fast-check'
import { expect, test } from 'vitest'
import { getDy, invariantOf, rateOf, type Stable } from './stable.ts'

const dollars = fc.bigInt({ min: 10n ** 3n, max: 10n ** 9n })
/** Two or three tokens of 18 and 6 decimals, at most a hundred to one out of balance. */
const pool: fc.Arbitrary<Stable> = fc
  .record({
    base: dollars,
    shares: fc.array(fc.bigInt({ min: 10n, max: 1000n }), { minLength: 2, maxLength: 3 }),
    amplification: fc.bigInt({ min: 10n, max: 5000n }),
    amplificationScale: fc.constantFrom(1n, 100n),
    fee: fc.bigInt({ min: 0n, max: 10n ** 8n }),
  })
  .map(({ base, shares, ...rest }) => ({
    ...rest,
    balances: shares.map((share, i) => base * share * (i === 0 ? 10n ** 18n : 10n ** 6n)),
    rates: shares.map((_, i) => rateOf(i === 0 ? 18 : 6)),
  }))
const amount = fc.bigInt({ min: 1n, max: 10n ** 15n })

test('gives more for more, and never all there is', () => {
  fc.assert(
    fc.property(pool, amount, amount, (p, a, b) => {
      const [less, more] = [getDy(p, 0, 1, a * 10n ** 9n), getDy(p, 0, 1, (a + b) * 10n ** 9n)]
      expect(more >= less && more < (p.balances[1] as bigint)).toBe(true)
    }),
  )
})

test('never gives more per unit for more than for less, but for rounding', () => {
  fc.assert(
    fc.property(pool, amount, (p, put) => {
      const [one, two] = [getDy(p, 1, 0, put), getDy(p, 1, 0, 2n * put)]
      // the balance is solved to one unit of 18 decimals
      expect(two <= 2n * one + 8n).toBe(true)
    }),
  )
})

test('swapping there and back never gains', () => {
  fc.assert(
    fc.property(pool, amount, (p, put) => {
      const out = getDy(p, 1, 0, put)
      const [first, second, ...others] = p.balances as [bigint, bigint, ...bigint[]]
      const after = { ...p, balances: [first - out, second + put, ...others] }
      // a unit of 6 decimals stands for 1e12 of 18
      expect(getDy(after, 0, 1, out) <= put + 1n).toBe(true)
    }),
  )
})

test('the invariant of a balanced pool is what it holds', () => {
  const balanced = { balances: [], rates: [], amplification: 100n, amplificationScale: 1n, fee: 0n }
  expect(invariantOf(balanced, [10n ** 24n, 10n ** 24n, 10n ** 24n])).toBe(3n * 10n ** 24n)
  expect(invariantOf(balanced, [])).toBe(0n)
})

test('a fee of one in a hundred takes one in a hundred of the output', () => {
  const free = {
    balances: [10n ** 24n, 10n ** 24n],
    rates: [rateOf(18), rateOf(18)],
    amplification: 100n,
    amplificationScale: 100n,
    fee: 0n,
  }
  const out = getDy(free, 0, 1, 10n ** 21n)
  expect(getDy({ ...free, fee: 10n ** 8n }, 0, 1, 10n ** 21n)).toBe(out - out / 100n)
  expect(getDy(free, 0, 0, 10n ** 21n)).toBe(0n)
  expect(getDy({ ...free, balances: [0n, 1n] }, 0, 1, 10n)).toBe(0n)
})
