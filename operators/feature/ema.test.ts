import fc from 'fast-check'
import { expect, test } from 'vitest'
import { drive } from '../../runtime/drive.ts'
import {
  absent,
  absolute,
  bars,
  columns,
  compare,
  printed,
  relative,
  talib,
  talibColumns,
  talibDaily,
  tulip,
} from '../../testing/vectors.ts'
import { ema } from './ema.ts'

type Seed = 'first' | 'mean'
const averages = (span: number, closes: readonly number[], seed: Seed = 'first') =>
  drive(ema, { span, seed }, bars(closes)) as number[]

test('answers every bar, the first with its own close', () => {
  expect(averages(3, [])).toEqual([])
  expect(averages(3, [10])).toEqual([10])
  expect(averages(3, [10, 20, 21])).toEqual([10, 15, 18])
})
test('with seed mean, averages plainly until the span is in', () => {
  expect(averages(3, [8, 16, 24, 32], 'mean')).toEqual([8, 12, 16, 24])
})
test('stays within the closes it has seen', () => {
  const closes = fc.array(fc.double({ min: 1e-6, max: 1e9, noNaN: true }), { minLength: 1, maxLength: 40 })
  fc.assert(
    fc.property(closes, fc.integer({ min: 2, max: 50 }), fc.constantFrom<Seed>('first', 'mean'), (seen, span, seed) => {
      averages(span, seen, seed).forEach((value, i) => {
        expect(value).toBeGreaterThanOrEqual(Math.min(...seen.slice(0, i + 1)))
        expect(value).toBeLessThanOrEqual(Math.max(...seen.slice(0, i + 1)))
      })
    }),
  )
})

for (const file of ['indicators/tulip/untest.json', 'indicators/tulip/atoz.json'])
  test.skipIf(absent(file))(`seed first matches Tulip to its three decimals (${file})`, () => {
    for (const { options, series } of tulip(file, 'ema')) {
      const [closes = [], expected = []] = series
      const found = averages(options[0] ?? 0, closes)
      expect(compare(found, expected, absolute(5e-4))).toEqual({ compared: closes.length, silent: 0, broken: [] })
    }
  })
const rows = 'indicators/talib/test_ma.json'
for (const [mode, seed, count] of [
  ['DEFAULT', 'mean', 7],
  ['METASTOCK', 'first', 18],
] as const)
  test.skipIf(absent(rows) || absent(talibDaily))(
    `seed ${seed} matches TA-Lib in compatibility ${mode} to its last digit (${rows})`,
    () => {
      const closes = talibColumns()('close')
      const wanted = talib(rows).filter(
        ({ of }) => of['optInMAType_1'] === 'TA_MAType_EMA' && of['compatibility'] === `TA_COMPATIBILITY_${mode}`,
      )
      expect(wanted).toHaveLength(count)
      for (const { of, bar, values } of wanted)
        expect(
          compare(averages(Number(of['optInTimePeriod']), closes.slice(0, bar + 1), seed), values, printed),
        ).toEqual({ compared: 1, silent: 0, broken: [] })
    },
  )
const lean = 'indicators/lean/spy_with_indicators.txt'
test.skipIf(absent(lean))(`seed mean matches Lean to its print precision (${lean})`, () => {
  const of = columns(lean)
  expect(compare(averages(14, of('Close'), 'mean'), of('EMA14'), relative(5e-6))).toEqual({
    compared: 487,
    silent: 0,
    broken: [],
  })
})
for (const [name, input, span, column, compared] of [
  ['cs-macd', 'Close', 12, 'short_ema', 124],
  ['cs-macd', 'Close', 26, 'long_ema', 124],
  ['cs-ppo', 'Close', 12, '12 day EMA', 40],
  ['cs-ppo', 'Close', 26, '26 day EMA', 40],
  ['cs-pvo', 'Volume', 12, '12 day EMA', 40],
  ['cs-pvo', 'Volume', 26, '26 day EMA', 40],
  ['cs-stc', 'Close', 23, 'short_ema', 120],
  ['cs-stc', 'Close', 50, 'long_ema', 120],
] as const) {
  const file = `indicators/stockcharts/${name}.csv`
  test.skipIf(absent(file))(`seed first matches StockCharts to its ten digits, ${column} (${file})`, () => {
    const of = columns(file)
    const found = averages(span, of(input))
    expect(compare(found, of(column), relative(5e-10))).toEqual({ compared, silent: 0, broken: [] })
  })
}
