import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  absolute,
  add,
  bought,
  doubleOf,
  type Fixed,
  fixed,
  negate,
  notionalOf,
  ratio,
  share,
  subtract,
  toNumber,
  toText,
  unitsOf,
  worthOf,
} from './fixed.ts'

const as = (n: bigint) => n as Fixed
/** p / q to the nearest whole, halves away from zero: the meaning, on rationals. */
function nearest(p: bigint, q: bigint): bigint {
  if (q < 0n) return nearest(-p, -q)
  if (p < 0n) return -nearest(-p, q)
  const [whole, rest] = [p / q, p % q]
  return 2n * rest >= q ? whole + 1n : whole
}

test.each([
  [0, '0.00000000'],
  [-0, '0.00000000'],
  [0.1, '0.10000000'],
  [1e-8, '0.00000001'],
  [4.9e-9, '0.00000000'],
  [5e-9, '0.00000001'],
  [-5e-9, '-0.00000001'],
  [1e21, '1000000000000000000000.00000000'],
  [5e-324, '0.00000000'],
  [61_234.57, '61234.57000000'],
  [-1.005, '-1.00500000'],
  ['123456789012345678.123456785', '123456789012345678.12345679'],
  ['.5', '0.50000000'],
  ['7.', '7.00000000'],
  ['-2.5e-3', '-0.00250000'],
  ['1E+2', '100.00000000'],
])('%s is %s', (value, text) => {
  expect(toText(fixed(value))).toBe(text)
})
test.each(['', '.', 'x', '1,5', '0x10', ' 1', '--1', Number.NaN, Number.POSITIVE_INFINITY])(
  '"%s" is no number',
  (value) => {
    expect(() => fixed(value)).toThrow(RangeError)
  },
)

const amounts = fc.bigInt({ min: -(10n ** 30n), max: 10n ** 30n })
test('text comes back as what it was, at any size', () => {
  fc.assert(
    fc.property(amounts, (n) => {
      expect(fixed(toText(as(n)))).toBe(n)
    }),
  )
})
test('a double of up to eight decimals is taken as the decimal it was written as', () => {
  fc.assert(
    fc.property(fc.bigInt({ min: -(10n ** 15n), max: 10n ** 15n }), (n) => {
      expect(fixed(Number(toText(as(n))))).toBe(n)
      expect(fixed(toNumber(as(n)))).toBe(n)
    }),
  )
})
test('sums are exact', () => {
  fc.assert(
    fc.property(amounts, amounts, (a, b) => {
      expect(subtract(add(as(a), as(b)), as(b))).toBe(a)
      expect(add(as(a), negate(as(a)))).toBe(0n)
      expect(absolute(as(a)) >= 0n).toBe(true)
    }),
  )
  const dimes = Array.from({ length: 10 }, () => fixed(0.1))
  expect(dimes.reduce(add)).toBe(fixed(1))
})

describe('price x quantity', () => {
  test('is the product of the decimals, to the nearest 1e-8', () => {
    const price = fc.record({ digits: fc.integer({ min: 1, max: 1e9 }), places: fc.nat(9) })
    fc.assert(
      fc.property(price, amounts, ({ digits, places }, quantity) => {
        const written = Number(`${digits}e-${places}`)
        expect(notionalOf(written, as(quantity))).toBe(nearest(BigInt(digits) * quantity, 10n ** BigInt(places)))
      }),
    )
  })
  test('does not see the binary fraction behind the decimal', () => {
    expect(toText(notionalOf(1.1, fixed(3)))).toBe('3.30000000')
    expect(toText(notionalOf(0.07, fixed(100)))).toBe('7.00000000')
  })
})
describe('what an amount buys', () => {
  test('is cut in decimals: the most that does not cost more', () => {
    expect(toText(bought(fixed(29), 100, 2))).toBe('0.29000000')
    expect(toText(bought(fixed(10), 3, 0))).toBe('3.00000000')
    const prices = fc.record({ digits: fc.integer({ min: 1, max: 1e9 }), places: fc.nat(9) })
    // what doubles hold, and what they do not
    const positive = fc.oneof(fc.bigInt({ min: 0n, max: 10n ** 12n }), fc.bigInt({ min: 0n, max: 10n ** 20n }))
    const shares = fc.oneof(fc.constant(1e4), fc.integer({ min: 1, max: 1e4 }))
    fc.assert(
      fc.property(positive, prices, fc.nat(8), shares, (amount, { digits, places }, decimals, part) => {
        const price = Number(`${digits}e-${places}`)
        const quantity = bought(as(amount), price, decimals, part / 1e4)
        const step = 10n ** BigInt(8 - decimals)
        const cost = (q: bigint) => q * BigInt(digits) * 10_000n
        const worth = amount * BigInt(part) * 10n ** BigInt(places)
        expect(quantity % step).toBe(0n)
        expect(cost(quantity) <= worth && worth < cost(quantity + step)).toBe(true)
      }),
      { numRuns: 2000 },
    )
  })
  test('is nothing where the amount is a debt', () => {
    expect(bought(fixed(-5), 1, 0)).toBe(0n)
    expect(bought(fixed(0), 1, 0)).toBe(0n)
  })
})
describe('a share', () => {
  test('is amount x part / whole to the nearest 1e-8, whatever the signs', () => {
    fc.assert(
      fc.property(
        amounts,
        amounts,
        amounts.filter((w) => w !== 0n),
        (amount, part, whole) => {
          expect(share(as(amount), as(part), as(whole))).toBe(nearest(amount * part, whole))
        },
      ),
    )
  })
  test('of the whole is everything, of nothing nothing', () => {
    fc.assert(
      fc.property(
        amounts,
        amounts.filter((w) => w !== 0n),
        (amount, whole) => {
          expect(share(as(amount), as(whole), as(whole))).toBe(amount)
          expect(share(as(amount), as(0n), as(whole))).toBe(0n)
        },
      ),
    )
  })
})
test('a ratio is a double', () => {
  expect(ratio(fixed(1), fixed(4))).toBe(0.25)
  expect(ratio(fixed(-1), fixed(-4))).toBe(0.25)
})

test('the way for numbers that doubles hold gives what whole numbers of any size give', () => {
  // the text of a number takes the other way
  const prices = fc.oneof(
    fc.double({ noNaN: true, min: 1e-9, max: 1e12 }),
    fc.tuple(fc.nat({ max: 10 ** 9 }), fc.nat({ max: 9 })).map(([digits, decimals]) => digits / 10 ** decimals),
  )
  const amounts = fc.bigInt({ min: -(10n ** 17n), max: 10n ** 17n }).map((n) => n as Fixed)
  fc.assert(
    fc.property(prices, amounts, (price, amount) => {
      expect(fixed(price)).toBe(fixed(String(price)))
      expect(fixed(-price)).toBe(fixed(String(-price)))
      // 10^20 units more of the amount take the other way, and are taken off again
      const far = 10n ** 28n
      const [whole, big] = [notionalOf(price, amount), notionalOf(price, (amount + far) as Fixed)]
      const rest = big - notionalOf(price, far as Fixed) - whole
      expect(rest >= -1n && rest <= 1n).toBe(true)
    }),
    { numRuns: 2000 },
  )
})

test('what is held is worth the sum of its parts, whatever a double holds', () => {
  const holding = fc.record({
    mark: fc.tuple(fc.nat({ max: 10 ** 9 }), fc.nat({ max: 9 })).map(([digits, decimals]) => digits / 10 ** decimals),
    quantity: fc.oneof(
      fc.bigInt({ min: -(2n ** 45n), max: 2n ** 45n }),
      fc.bigInt({ min: -(10n ** 18n), max: 10n ** 18n }),
      fc.constant(0n),
    ),
  })
  fc.assert(
    fc.property(fc.array(holding, { maxLength: 20 }), (each) => {
      const held = each.map((h) => ({ ...h, whole: doubleOf(h.quantity) }))
      expect(worthOf(held)).toBe(held.reduce((sum, { mark, quantity }) => sum + notionalOf(mark, as(quantity)), 0n))
    }),
    { numRuns: 500 },
  )
  // each is a whole number that a double holds; the sum is none
  const held = [2n ** 53n - 1n, 2n].map((quantity) => ({ mark: 1, quantity, whole: doubleOf(quantity) }))
  expect(worthOf(held)).toBe(2n ** 53n + 1n)
})

test('a double and its shortest text are the same decimal', () => {
  const number = fc.oneof(
    fc.double({ noNaN: true, noDefaultInfinity: true }),
    fc.double({ min: -1e9, max: 1e9, noNaN: true }).map((x) => Math.round(x * 100) / 100),
    fc.integer().map((x) => x / 1e8),
    fc.constantFrom(0, -0, 0.1, 1e-8, 1e-9, 1e15, 2 ** 50, 2 ** 53, 1e21, 123456789.12345678),
  )
  fc.assert(
    fc.property(number, number, fc.integer({ min: 0, max: 18 }), (a, b, decimals) => {
      expect(unitsOf([a, b], decimals)).toBe(unitsOf([String(a), String(b)], decimals))
    }),
    { numRuns: 2000 },
  )
})
