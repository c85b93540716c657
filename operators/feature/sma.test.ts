import fc from 'fast-check'
import { expect, test } from 'vitest'
import { Driver, drive } from '../../runtime/drive.ts'
import { bar } from '../../schemas/samples.ts'
import {
  absent,
  absolute,
  bars,
  columns,
  compare,
  decimals,
  printed,
  relative,
  talib,
  talibColumns,
  talibDaily,
  tulip,
} from '../../testing/vectors.ts'
import { sma } from './sma.ts'

const means = (span: number, closes: readonly number[]) => drive(sma, { span }, bars(closes)) as number[]
const naive = (window: readonly number[]) => window.reduce((sum, x) => sum + x, 0) / window.length

test('is silent until the window is full', () => {
  expect(means(3, [])).toEqual([])
  expect(means(3, [4, 8])).toEqual([])
  expect(means(3, [4, 8, 12, 16])).toEqual([8, 12])
})
test('answers the close itself for a span of one', () => {
  expect(means(1, [4, 8])).toEqual([4, 8])
})
test('equals the plain mean of its window, whatever the closes', () => {
  const closes = fc.array(fc.double({ min: 1e-6, max: 1e9, noNaN: true }), { minLength: 1, maxLength: 60 })
  fc.assert(
    fc.property(closes, fc.integer({ min: 1, max: 12 }), (prices, span) => {
      const expected = prices.map((_, i) => (i + 1 < span ? Number.NaN : naive(prices.slice(i + 1 - span, i + 1))))
      expect(compare(means(span, prices), expected, relative(1e-12))).toMatchObject({ silent: 0, broken: [] })
    }),
  )
})
test('does not drift over a million bars, nor keep what a price spike left behind', () => {
  const driver = new Driver(sma.definition, { span: 20 }, { strict: false })
  const closes = Array.from({ length: 1_000_000 }, (_, i) =>
    i === 500_000 ? 1e12 : 60_000 + 5_000 * Math.sin(i / 977) + (i % 13) / 7,
  )
  let last: unknown[] = []
  for (const [i, close] of closes.entries()) last = driver.feed(bar(i, close))
  expect(compare(last as number[], [naive(closes.slice(-20))], relative(1e-14)).broken).toEqual([])
})

for (const file of ['indicators/tulip/untest.json', 'indicators/tulip/atoz.json'])
  test.skipIf(absent(file))(`matches Tulip to its three decimals (${file})`, () => {
    for (const { options, series } of tulip(file, 'sma')) {
      const [closes = [], expected = []] = series
      const found = means(options[0] ?? 0, closes)
      expect(found).toHaveLength(expected.length)
      expect(compare(found, expected, absolute(5e-4))).toMatchObject({ compared: expected.length, broken: [] })
    }
  })
const rows = 'indicators/talib/test_ma.json'
test.skipIf(absent(rows) || absent(talibDaily))(`matches TA-Lib to its last digit (${rows})`, () => {
  const closes = talibColumns()('close')
  const wanted = talib(rows).filter((row) => row.of['optInMAType_1'] === 'TA_MAType_SMA')
  expect(wanted).toHaveLength(20)
  for (const { of, bar: at, values } of wanted)
    expect(compare(means(Number(of['optInTimePeriod']), closes.slice(0, at + 1)), values, printed)).toEqual({
      compared: 1,
      silent: 0,
      broken: [],
    })
})
const lean = 'indicators/lean/spy_with_indicators.txt'
test.skipIf(absent(lean))(`matches Lean to its print precision (${lean})`, () => {
  const of = columns(lean)
  expect(compare(means(14, of('Close')), of('SMA14'), relative(5e-6))).toEqual({ compared: 487, silent: 0, broken: [] })
})
const bollinger = 'indicators/stockcharts/cs-bbands.csv'
test.skipIf(absent(bollinger))(`matches the middle band of StockCharts to its six decimals (${bollinger})`, () => {
  const of = columns(bollinger)
  expect(compare(means(20, of('Close')), of('MiddleBand'), decimals(6))).toEqual({
    compared: 23,
    silent: 0,
    broken: [],
  })
})
const rma = 'indicators/lean/spy_with_rma.csv'
// The header has SMA5 and SMA15 the wrong way round.
for (const [span, name, compared] of [
  [15, 'SMA5', 1012],
  [10, 'SMA10', 1017],
  [5, 'SMA15', 1022],
] as const)
  test.skipIf(absent(rma))(`a span of ${span} matches Lean, column ${name} (${rma})`, () => {
    const of = columns(rma)
    // The columns are full from the first row on, worked out over bars that the file lacks.
    expect(compare(means(span, of('close')), of(name), relative(1e-9))).toEqual({
      compared,
      silent: span - 1,
      broken: [],
    })
  })
