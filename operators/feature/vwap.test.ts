import fc from 'fast-check'
import { expect, test } from 'vitest'
import { Driver, drive } from '../../runtime/drive.ts'
import { bar } from '../../schemas/samples.ts'
import { absent, absolute, bars, columns, compare, relative, tulip } from '../../testing/vectors.ts'
import { vwap } from './vwap.ts'

const traded = (at: number, price: number, volume: number) => bar(at, price, { volume, turnover: price * volume })
const midnight = 86_400

test('weighs every price with what was traded at it since the day began', () => {
  expect(drive(vwap, {}, [])).toEqual([])
  expect(drive(vwap, {}, [traded(1, 10, 1)])).toEqual([10])
  expect(drive(vwap, {}, [traded(1, 10, 1), traded(2, 20, 3), traded(3, 30, 4)])).toEqual([10, 17.5, 23.75])
})
test('starts afresh after midnight UTC; the bar that ends at midnight belongs to the day before', () => {
  const tape = [traded(midnight - 1, 10, 1), traded(midnight, 20, 1), traded(midnight + 1, 40, 1)]
  expect(drive(vwap, { window: 'day' }, tape)).toEqual([10, 15, 40])
})
test('starts afresh after days without a bar', () => {
  expect(drive(vwap, {}, [traded(1, 10, 1), traded(9 * midnight, 30, 1)])).toEqual([10, 30])
})
test('with a number, reaches over that many bars and is silent until they are in', () => {
  const tape = [traded(1, 10, 1), traded(2, 20, 3), traded(3, 30, 1), traded(4, 40, 3)]
  expect(drive(vwap, { window: 2 }, tape)).toEqual([17.5, 22.5, 37.5])
})
test('is silent where nothing was traded', () => {
  expect(drive(vwap, {}, [bar(1, 10, { volume: 0, turnover: 0 }), traded(2, 20, 1)])).toEqual([20])
  const quiet = [0.1, 0.7, 0, 0, 0, 0.3].map((volume, i) => traded(i + 1, 11, volume))
  expect(drive(vwap, { window: 2 }, quiet)).toEqual([11, 11, 11])
  const first = traded(midnight - 1, 10, 1)
  expect(drive(vwap, {}, [first, bar(midnight + 1, 10, { volume: 0, turnover: 0 })])).toEqual([10])
})
test('leaves out the turnover of a bar without volume', () => {
  const odd = bar(2, 20, { volume: 0, turnover: 20 })
  expect(drive(vwap, { window: 2 }, [traded(1, 10, 1), odd, traded(3, 30, 1), traded(4, 30, 1)])).toEqual([10, 30, 30])
})
test('lies between the lowest and the highest price of its window', () => {
  const trades = fc.array(
    fc.tuple(
      fc.double({ min: 1e-3, max: 1e6, noNaN: true }),
      fc.oneof(fc.constant(0), fc.double({ min: 1e-6, max: 1e6, noNaN: true })),
    ),
    { maxLength: 30 },
  )
  fc.assert(
    fc.property(trades, fc.integer({ min: 1, max: 5 }), (all, window) => {
      const driver = new Driver(vwap.definition, { window })
      all.forEach(([price, volume], i) => {
        const [value] = driver.feed(traded(i + 1, price, volume)) as number[]
        const seen = all.slice(Math.max(0, i + 1 - window), i + 1).filter(([, size]) => size > 0)
        expect(value === undefined).toBe(seen.length === 0 || i + 1 < window)
        if (value === undefined) return
        expect(value).toBeGreaterThanOrEqual(Math.min(...seen.map(([p]) => p)) * (1 - 1e-9))
        expect(value).toBeLessThanOrEqual(Math.max(...seen.map(([p]) => p)) * (1 + 1e-9))
      })
    }),
  )
})
test('does not drift over many bars of very different volume', () => {
  const driver = new Driver(vwap.definition, { window: 10 }, { strict: false })
  const tape = Array.from({ length: 200_000 }, (_, i) =>
    traded(i + 1, 100 + Math.sin(i / 50), i % 1000 < 900 ? 1e9 / 7 : 1e-3 / 7),
  )
  let last: unknown[] = []
  for (const one of tape) last = driver.feed(one)
  const [turnover, volume] = tape
    .slice(-10)
    .reduce(([t, v], { value }) => [t + value.turnover, v + value.volume], [0, 0] as [number, number])
  expect(compare(last as number[], [turnover / volume], relative(1e-12)).broken).toEqual([])
})

for (const [file, places] of [
  ['indicators/tulip/untest.json', 'three'],
  ['indicators/tulip/extra.json', 'four'],
] as const)
  test.skipIf(absent(file))(`a window of bars matches vwma of Tulip to its ${places} decimals (${file})`, () => {
    for (const { options, series } of tulip(file, 'vwma')) {
      const [closes = [], volume = [], expected = []] = series
      const found = drive(vwap, { window: options[0] }, bars(closes, { volume })) as number[]
      expect(found).toHaveLength(expected.length)
      expect(compare(found, expected, absolute(5e-4)).broken).toEqual([])
    }
  })
const lean = 'indicators/lean/spy_with_vwma.csv'
test.skipIf(absent(lean))(`a window of bars matches VWMA of Lean (${lean})`, () => {
  const of = columns(lean)
  const found = drive(vwap, { window: 20 }, bars(of('Close'), { volume: of('Volume') })) as number[]
  expect(compare(found, of('VWMA20'), relative(1e-9))).toEqual({ compared: 481, silent: 0, broken: [] })
})
