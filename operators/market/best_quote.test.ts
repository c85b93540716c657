import { array, assert, constantFrom, integer, property, record } from 'fast-check'
import { expect, test } from 'vitest'
import { drive } from '../../runtime/drive.ts'
import type { BestQuote } from '../../schemas/cross_venue.ts'
import { gap, of, quote, to } from '../../schemas/samples.ts'
import { bestQuote } from './best_quote.ts'

const places = ['binance:BTCUSDT', 'okx:BTC-USDT', 'kraken:BTC/USD']
const ports = ['first', 'second', 'third'] as const
const params = (more: object = {}) => ({ instruments: { BTC: places, ETH: ['binance:ETHUSDT'] }, ...more })
const at = (seconds: number, place: number, bid: number, ask: number) =>
  to(ports[place] as string, of(places[place] as string, quote(seconds, bid, ask)))
const play = (samples: Parameters<typeof drive>[2], more: object = {}) =>
  drive(bestQuote, params(more), samples) as readonly BestQuote[]

test('is the highest bid and the lowest ask of all that are fresh, whatever the order they came in', () => {
  const spoken = record({
    place: integer({ min: 0, max: 2 }),
    bid: integer({ min: 90, max: 99 }),
    ask: integer({ min: 100, max: 110 }),
    after: constantFrom(0, 1, 4),
  })
  assert(
    property(array(spoken, { minLength: 1, maxLength: 30 }), (all) => {
      let now = 1
      const newest = new Map<number, { bid: number; ask: number; at: number }>()
      const samples = all.map(({ place, bid, ask, after }) => {
        now += after
        return { sample: at(now, place, bid, ask), place, bid, ask, now }
      })
      const found = play(
        samples.map(({ sample }) => sample),
        { stale_after: '3s' },
      )
      for (const [i, { place, bid, ask, now: time }] of samples.entries()) {
        newest.set(place, { bid, ask, at: time })
        const fresh = [...newest.values()].filter((one) => time - one.at <= 3)
        expect(found[i]).toMatchObject({
          bid: Math.max(...fresh.map((one) => one.bid)),
          ask: Math.min(...fresh.map((one) => one.ask)),
          venues: fresh.length,
        })
      }
    }),
  )
})

test('says where they stand, also when venues cross', () => {
  const [, crossed] = play([at(1, 0, 99, 100), at(2, 1, 101, 102)])
  expect(crossed).toMatchObject({ bid: 101, bid_venue: 'okx:BTC-USDT', ask: 100, ask_venue: 'binance:BTCUSDT' })
})

test('instruments do not mix, and what is not listed is passed over', () => {
  const samples = [
    at(1, 0, 99, 100),
    to('first', of('binance:ETHUSDT', quote(2, 9, 10))),
    to('first', of('binance:DOGEUSDT', quote(3, 1, 2))),
  ]
  expect(play(samples).map(({ instrument, venues }) => [instrument, venues])).toEqual([
    ['BTC', 1],
    ['ETH', 1],
  ])
})

test('a venue whose feed told a gap is left out until it quotes again', () => {
  const samples = [
    at(1, 0, 99, 100),
    at(1, 1, 98, 103),
    of('binance:BTCUSDT', gap(2)),
    at(3, 1, 98, 103),
    at(4, 0, 97, 104),
  ]
  expect(play(samples).map(({ venues, bid }) => [venues, bid])).toEqual([
    [1, 99],
    [2, 99],
    [1, 98],
    [2, 98],
  ])
})
