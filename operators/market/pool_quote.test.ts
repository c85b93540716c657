import { expect, test } from 'vitest'
import { drive } from '../../runtime/drive.ts'
import { of } from '../../schemas/samples.ts'
import { ethUsdc } from './arbitrage_example.ts'
import { poolQuote } from './pool_quote.ts'

const pool = 'uniswap_v2:0xb4e16d0168e52d35cacd2c6185b44281ec28c9dc'
const quotes = (base: 'token0' | 'token1', sample = ethUsdc(1)) =>
  drive(poolQuote, { base: { [pool]: base } }, [sample])

test('bid and ask lie the fee of the pool around its price, of either token', () => {
  const [weth] = quotes('token1') as { bid: number; ask: number }[]
  expect(weth?.bid).toBeCloseTo(2000 * 0.997, 9)
  expect(weth?.ask).toBeCloseTo(2000 / 0.997, 9)
  const [usdc] = quotes('token0') as { bid: number; ask: number }[]
  expect(usdc?.bid).toBeCloseTo(0.0005 * 0.997, 12)
})
test('an empty pool and one that is not named say nothing', () => {
  const sample = ethUsdc(1)
  expect(quotes('token1', { ...sample, value: { ...sample.value, price: 0 } })).toEqual([])
  expect(quotes('token1', of('uniswap_v2:0xother', sample))).toEqual([])
})
