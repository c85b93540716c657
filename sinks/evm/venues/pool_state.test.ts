import { expect, test } from 'vitest'
import { through } from './pool_state.ts'

const unit = 10n ** 18n
/** 1 for 1, with liquidity between two ticks only, and nothing hidden anywhere. */
const known = {
  pool: {
    sqrtPrice: 2n ** 96n,
    tick: 0,
    liquidity: 1000n * unit,
    feePips: 3000n,
    tickSpacing: 60,
    ticks: [
      { index: -600, net: 1000n * unit },
      { index: 600, net: -1000n * unit },
    ],
  },
  zeroForOne: true,
  low: -887_280,
  high: 887_280,
}

test('a pool known to its end gives nothing for what it cannot take or give in full', () => {
  expect(through(known, 'in', unit)).toBe(996_006_981_039_903_216n)
  expect(through(known, 'in', 1000n * unit)).toBeUndefined()
  expect(through(known, 'out', 28n * unit)).toBeDefined()
  expect(through(known, 'out', 1000n * unit)).toBeUndefined()
})

test('a pool without a price, and an amount of nothing, give nothing', () => {
  expect(through({ ...known, pool: { ...known.pool, sqrtPrice: 0n } }, 'in', unit)).toBeUndefined()
  expect(through(known, 'in', 0n)).toBeUndefined()
})
