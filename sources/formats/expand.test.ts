import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { Bar, Quote, Trade } from '../../schemas/market.ts'
import { Expansion, expand } from './expand.ts'

const minute = 60e6
const bar = (volume = 3): Bar => ({ open: 2, high: 4, low: 1, close: 3, volume, turnover: 7, count: 0, complete: true })
const at = 1_704_067_260_000_000
const row = (value = bar()) => ({ at, key: 'binance:BTCUSDT', value })

test('places open, high, low and close as long before the end as it is told', () => {
  const offsets = ['300ms', '200ms', '100ms', '0s']
  const quotes = expand(row(), Expansion.parse({ into: 'quotes', every: '1m', offsets }))
  const side = { bid_size: 1, ask_size: 1 }
  expect(quotes).toEqual([
    { at: at - 300_000, key: 'binance:BTCUSDT', value: { bid: 2, ask: 2, ...side } },
    { at: at - 200_000, key: 'binance:BTCUSDT', value: { bid: 4, ask: 4, ...side } },
    { at: at - 100_000, key: 'binance:BTCUSDT', value: { bid: 1, ask: 1, ...side } },
    { at, key: 'binance:BTCUSDT', value: { bid: 3, ask: 3, ...side } },
  ])
})

test('without offsets stays inside the window that the bar covers', () => {
  const trades = expand(row(), Expansion.parse({ into: 'trades', every: minute }))
  expect(trades.map((trade) => trade.at - (at - minute))).toEqual([0, 20e6, 40e6, minute - 1])
})

test('gives trades whose window builds the bar again, prices and volume to the last bit', () => {
  fc.assert(
    fc.property(
      fc.double({ min: 1e-300, max: 1e300, noNaN: true }),
      fc.tuple(
        fc.double({ min: 0.01, max: 1e6, noNaN: true }),
        fc.double({ min: 0, max: 1 }),
        fc.double({ min: 0, max: 1 }),
      ),
      (volume, [low, a, b]) => {
        const [open, close, high] = [low + a * low, low + b * low, 2 * low]
        const source: Bar = { open, high, low, close, volume, turnover: 0, count: 0, complete: true }
        const trades = expand(row(source), Expansion.parse({ into: 'trades', every: minute })).map(
          ({ value }) => value as Trade,
        )
        expect(trades.map(({ price }) => price)).toEqual([open, high, low, close])
        expect(trades.reduce((sum, { size }) => sum + size, 0)).toBe(volume)
      },
    ),
  )
})

test('gives no trades for a bar without volume, but its quotes', () => {
  expect(expand(row(bar(0)), Expansion.parse({ into: 'trades', every: '1m' }))).toEqual([])
  const quotes = expand(row(bar(0)), Expansion.parse({ into: 'quotes', every: '1m', size: 0 }))
  expect(quotes.map(({ value }) => (value as Quote).bid)).toEqual([2, 4, 1, 3])
})

test('refuses offsets that run back in time or reach into the bar before', () => {
  const refused = (offsets: readonly string[]) => Expansion.safeParse({ into: 'quotes', every: '1m', offsets }).success
  expect(refused(['300ms', '400ms', '100ms', '0s'])).toBe(false)
  expect(refused(['2m', '3s', '2s', '1s'])).toBe(false)
  expect(Expansion.safeParse({ into: 'quotes', every: '1m', offset: [] }).success).toBe(false)
})
