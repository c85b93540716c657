import { expect, test } from 'vitest'
import { drive } from '../../runtime/drive.ts'
import type { ConsolidatedPrice } from '../../schemas/cross_venue.ts'
import { gap, of, quote, to, trade } from '../../schemas/samples.ts'
import { consolidatedPrice } from './consolidated_price.ts'

const places = ['binance:BTCUSDT', 'okx:BTC-USDT', 'kraken:BTC/USD']
const ports = ['first', 'second', 'third'] as const
const params = (more: object = {}) => ({ instruments: { BTC: places }, ...more })
const at = (seconds: number, place: number, price: number, size = 1) =>
  to(ports[place] as string, of(places[place] as string, trade(seconds, price, size)))
const play = (samples: Parameters<typeof drive>[2], more: object = {}) =>
  drive(consolidatedPrice, params(more), samples) as readonly ConsolidatedPrice[]

test('is the median of the venues that are near it, and says how many were not', () => {
  const [one, two, three] = play([at(1, 0, 100), at(2, 1, 101), at(3, 2, 150)])
  expect(one).toMatchObject({ price: 100, venues: 1, stale: 2 })
  expect(two).toMatchObject({ price: 100.5, venues: 2, stale: 1 })
  expect(three).toMatchObject({ price: 100.5, venues: 2, rejected: 1, stale: 0 })
})

test('of two that are far apart neither is believed', () => {
  expect(play([at(1, 0, 100), at(2, 1, 150)])).toHaveLength(1)
})

test('weighed by volume, what traded long ago weighs nothing', () => {
  const weighed = { method: 'volume_weighted' as const, window: '10s', stale_after: '1h' }
  const prices = play([at(1, 0, 100, 9), at(2, 1, 101, 1), at(15, 1, 101, 1), at(35, 1, 101, 1)], weighed).map(
    ({ price }) => price,
  )
  // 9 to 1; 9 to 2 with the window before; then the first has not traded for two windows
  expect(prices[1]).toBeCloseTo(100.1, 10)
  expect(prices[2]).toBeCloseTo((900 + 202) / 11, 10)
  expect(prices[3]).toBe(101)
})

test('quotes give their middle, and a place that is silent or had a gap is left out', () => {
  const quoted = to('quote', of('kraken:BTC/USD', quote(3, 99, 103)))
  expect(play([at(1, 0, 100), quoted])[1]).toMatchObject({ price: 100.5, venues: 2 })
  expect(play([at(1, 0, 100), at(20, 1, 101)])[1]).toMatchObject({ price: 101, venues: 1, stale: 2 })
  expect(play([at(1, 0, 100), of('binance:BTCUSDT', gap(2)), at(3, 1, 101)])[1]).toMatchObject({
    price: 101,
    venues: 1,
  })
})
