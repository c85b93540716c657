import fc from 'fast-check'
import { expect, test } from 'vitest'
import { drive } from '../../runtime/drive.ts'
import type { Bands } from '../../schemas/features.ts'
import type { Of } from '../../schemas/kind.ts'
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
import { bollinger } from './bollinger.ts'

const run = (params: Record<string, unknown>, closes: readonly number[]) =>
  drive(bollinger, params, bars(closes)) as Of<typeof Bands>[]

test('is silent until the window is full', () => {
  expect(run({ span: 2 }, [])).toEqual([])
  expect(run({ span: 2 }, [12])).toEqual([])
  expect(run({ span: 2 }, [12, 4, 4])).toEqual([
    { middle: 8, upper: 16, lower: 0, place: 0.25, width: 2 },
    { middle: 4, upper: 4, lower: 4, place: 0.5, width: 0 },
  ])
})
test('reaches as many deviations as asked, of the sample when asked', () => {
  expect(run({ span: 2, deviations: 1 }, [4, 12])).toEqual([{ middle: 8, upper: 12, lower: 4, place: 1, width: 1 }])
  const [wide] = run({ span: 3, deviations: 1, variance: 'sample' }, [4, 8, 12])
  expect(wide).toEqual({ middle: 8, upper: 12, lower: 4, place: 1, width: 1 })
})
test('keeps its bands in order, and the close within what its window allows', () => {
  const closes = fc.array(fc.double({ min: 1e-6, max: 1e9, noNaN: true }), { maxLength: 40 })
  fc.assert(
    fc.property(closes, fc.integer({ min: 2, max: 10 }), (prices, span) => {
      for (const { lower, middle, upper, place, width } of run({ span }, prices)) {
        expect(lower).toBeLessThanOrEqual(middle)
        expect(middle).toBeLessThanOrEqual(upper)
        expect(width).toBeGreaterThanOrEqual(0)
        // One of n values lies at most sqrt(n - 1) deviations from their mean (Samuelson).
        expect(Math.abs(place - 0.5)).toBeLessThanOrEqual((Math.sqrt(span - 1) / 4) * (1 + 1e-9))
      }
    }),
  )
})
test('finds the same deviation however high the price stands', () => {
  const waves = Array.from({ length: 40 }, (_, i) => (i * 7) % 16)
  const reaches = (base: number) =>
    run(
      { span: 8 },
      waves.map((wave) => base + wave),
    ).map(({ upper, middle }) => upper - middle)
  expect(compare(reaches(2 ** 40), reaches(16), relative(1e-4)).broken).toEqual([])
})
test('lets the bands meet once a spike has left the window', () => {
  expect(run({ span: 3 }, [1e9, 0.1, 0.1, 0.1]).at(-1)).toEqual({
    middle: 0.1,
    upper: 0.1,
    lower: 0.1,
    place: 0.5,
    width: 0,
  })
})

for (const file of ['indicators/tulip/untest.json', 'indicators/tulip/atoz.json'])
  test.skipIf(absent(file))(`population variance matches Tulip to its three decimals (${file})`, () => {
    for (const { options, series } of tulip(file, 'bbands')) {
      const [span, deviations] = options
      const [closes = [], ...expected] = series
      const found = run({ span, deviations }, closes)
      expect(expected).toHaveLength(3)
      for (const [i, name] of (['lower', 'middle', 'upper'] as const).entries()) {
        const column = expected[i] ?? []
        expect(found).toHaveLength(column.length)
        expect(
          compare(
            found.map((bands) => bands[name]),
            column,
            absolute(5e-4),
          ).broken,
        ).toEqual([])
      }
    }
  })
const rows = 'indicators/talib/test_bbands.json'
test.skipIf(absent(rows) || absent(talibDaily))(
  `population variance matches TA-Lib to its last digit, simple average (${rows})`,
  () => {
    const closes = talibColumns()('close')
    const wanted = talib(rows).filter(({ of }) => of['optInMethod_3'] === 'TA_MAType_SMA')
    expect(wanted).toHaveLength(2)
    for (const { of, bar, values } of wanted) {
      const params = { span: of['optInTimePeriod'], deviations: of['optInNbDevUp'] }
      const found = run(params, closes.slice(0, bar + 1)).slice(-1)
      expect(
        compare(
          found.flatMap(({ upper, middle, lower }) => [upper, middle, lower]),
          values,
          printed,
        ),
      ).toEqual({
        compared: 3,
        silent: 0,
        broken: [],
      })
    }
  },
)
const deviations = 'indicators/talib/test_stddev.json'
test.skipIf(absent(deviations) || absent(talibDaily))(
  `the reach of the bands matches the deviations of TA-Lib to their last digit (${deviations})`,
  () => {
    const closes = talibColumns()('close')
    // The last row prints 1.075 for 1.5 deviations of 0.7144 each: an error of the table, within its own tolerance of 0.01.
    const wanted = talib(deviations).filter(({ values }) => values[0] !== 1.075)
    expect(wanted).toHaveLength(5)
    for (const { of, bar, values } of wanted) {
      const params = { span: of['optInTimePeriod'], deviations: of['optInNbDeviation_1'] }
      const found = run(params, closes.slice(0, bar + 1)).map(({ upper, middle }) => upper - middle)
      expect(compare(found, values, printed)).toEqual({ compared: 1, silent: 0, broken: [] })
    }
  },
)
const lean = 'indicators/lean/spy_bollinger_bands.txt'
test.skipIf(absent(lean))(`population variance matches Lean to its print precision (${lean})`, () => {
  const of = columns(lean)
  const found = run({}, of('Close'))
  for (const [value, column, allowed] of [
    [(b) => b.middle, 'Moving Average 20', relative(5e-6)],
    [(b) => b.upper, 'Bollinger Bands® 20 2 Top', relative(5e-6)],
    [(b) => b.lower, 'Bollinger Bands® 20 2 Bottom', relative(5e-6)],
    // These two were worked out from bands already rounded to four decimals.
    [(b) => 100 * b.width, 'BandWidth', absolute(2e-4)],
    [(b) => b.place, '%B', absolute(1e-4)],
  ] as readonly [(bands: Of<typeof Bands>) => number, string, (expected: number) => number][])
    expect(compare(found.map(value), of(column), allowed)).toEqual({ compared: 481, silent: 0, broken: [] })
})
const variances = 'indicators/lean/spy_var.txt'
test.skipIf(absent(variances))(`population variance matches the variance of Lean (${variances})`, () => {
  const of = columns(variances)
  const found = run({ span: 10, deviations: 1 }, of('Close')).map(({ upper, lower }) => ((upper - lower) / 2) ** 2)
  expect(compare(found, of('Var'), relative(1e-9))).toEqual({ compared: 491, silent: 0, broken: [] })
})
const sheet = 'indicators/stockcharts/cs-bbands.csv'
test.skipIf(absent(sheet))(`population variance matches StockCharts to its six decimals (${sheet})`, () => {
  const of = columns(sheet)
  const found = run({}, of('Close'))
  for (const [value, column] of [
    [(b) => b.middle, 'MiddleBand'],
    [(b) => b.upper, 'HighBand'],
    [(b) => b.lower, 'LowBand'],
    [(b) => (b.upper - b.middle) / 2, '20-day Standard Deviation'],
    [(b) => 100 * b.width, 'WidthBand'],
    [(b) => b.place, 'PercentageBand'],
  ] as readonly [(bands: Of<typeof Bands>) => number, string][])
    expect(compare(found.map(value), of(column), decimals(6))).toEqual({ compared: 23, silent: 0, broken: [] })
})
