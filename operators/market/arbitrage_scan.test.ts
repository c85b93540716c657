import { expect, test } from 'vitest'
import { drive } from '../../runtime/drive.ts'
import type { Arbitrage } from '../../schemas/cross_venue.ts'
import { advance, gap, of, quote, type Sample, to } from '../../schemas/samples.ts'
import { ethUsdc } from './arbitrage_example.ts'
import { arbitrageScan } from './arbitrage_scan.ts'

const pool = ethUsdc(1).key
const other = 'sushiswap:0x397ff1542f962076d0bfe58ea045ffa2d347aca0'
const exchange = 'binance:ETHUSDC'
const params = (more: object = {}) => ({
  instruments: { 'ETH/USDC': { pools: { [pool]: 'token1' as const, [other]: 'token1' as const }, quotes: [exchange] } },
  ...{ fee: 0, gas: 0 },
  ...more,
})
const exchanged = (at: number, bid: number, ask: number, size = 100) =>
  to('quote', of(exchange, { ...quote(at, bid, ask), value: { bid, ask, bid_size: size, ask_size: size } }))
const scan = (samples: readonly Sample[], more: object = {}) =>
  drive(arbitrageScan, params(more), samples) as readonly (Arbitrage | undefined)[]
const second = (at: number, usdc: bigint, eth: bigint) => to('other_pool', of(other, ethUsdc(at, usdc, eth)))

test('two pools a tenth apart: what is bought in the cheap one is sold in the dear one, at the size that gains most', () => {
  const [found] = scan([to('pool', ethUsdc(1)), second(2, 2_200_000n, 1_000n)])
  expect(found).toMatchObject({ route: 'dex_dex', buy: pool, sell: other, capped: false })
  // by hand: the gain at a thousandth more and less is smaller
  const [x, gain] = [found?.size_in ?? 0, found?.net ?? 0]
  const out = (put: number, reserveIn: number, reserveOut: number) =>
    (put * 0.997 * reserveOut) / (reserveIn + put * 0.997)
  const at = (put: number) => out(out(put, 2e6, 1e3), 1e3, 2.2e6) - put
  expect(gain).toBeCloseTo(at(x), 3)
  expect(at(x)).toBeGreaterThan(at(x * 1.001))
  expect(at(x)).toBeGreaterThan(at(x * 0.999))
})

test('the same from the other side: who speaks last is compared with all, in both directions', () => {
  const [found] = scan([second(1, 2_200_000n, 1_000n), to('pool', ethUsdc(2))])
  expect(found).toMatchObject({ route: 'dex_dex', buy: pool, sell: other })
})

test('a price between the fees of two pools is no gain', () => {
  expect(scan([to('pool', ethUsdc(1)), second(2, 2_010_000n, 1_000n)])).toEqual([])
})

test('an exchange dearer than the pool sells what the pool buys, and the other way round', () => {
  expect(scan([to('pool', ethUsdc(1)), exchanged(2, 2100, 2101)])[0]).toMatchObject({
    route: 'dex_cex',
    buy: pool,
    sell: exchange,
  })
  expect(scan([to('pool', ethUsdc(1)), exchanged(2, 1899, 1900)])[0]).toMatchObject({
    route: 'cex_dex',
    buy: exchange,
    sell: pool,
  })
})

test('gas and the fee of the exchange are taken before anything is told', () => {
  const samples = [to('pool', ethUsdc(1)), exchanged(2, 2050, 2051, 1)]
  const [free] = scan(samples)
  expect(free?.net).toBeGreaterThan(40)
  expect(scan(samples, { gas: 100 })).toEqual([])
  expect(scan(samples, { fee: 0.03 })).toEqual([])
  expect(scan(samples, { min_profit: 1000 })).toEqual([])
})

test('what is old is no reason to trade', () => {
  const samples = [to('pool', ethUsdc(1)), advance(60), exchanged(61, 2100, 2101)]
  expect(scan(samples)).toEqual([])
  expect(scan(samples, { stale_after: '2m' })).toHaveLength(1)
})

test('after a gap of its feed a place is forgotten until it speaks again', () => {
  const lost = of(pool, gap(2))
  expect(scan([to('pool', ethUsdc(1)), lost, exchanged(3, 2100, 2101)])).toEqual([])
  expect(scan([to('pool', ethUsdc(1)), lost, exchanged(3, 2100, 2101), to('pool', ethUsdc(4))])).toHaveLength(1)
})
