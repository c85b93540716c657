import fc from 'fast-check'
import { expect, test } from 'vitest'
import { drive } from '../../runtime/drive.ts'
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
import { rsi } from './rsi.ts'

const wilder = { smoothing: 'wilder', seed: 'mean' } as const
const zero = { smoothing: 'wilder', seed: 'zero' } as const
const cutler = { smoothing: 'cutler' } as const
type Form = typeof wilder | typeof zero | typeof cutler
const forms: readonly Form[] = [wilder, zero, cutler]
const strengths = (span: number, closes: readonly number[], form: Form = wilder) =>
  drive(rsi, { span, ...form }, bars(closes)) as number[]

test('is silent until as many changes as the span are in', () => {
  for (const form of forms) {
    expect(strengths(2, [], form)).toEqual([])
    expect(strengths(2, [10, 13], form)).toEqual([])
    expect(strengths(2, [10, 13, 12], form)).toHaveLength(1)
  }
})
test('weighs rises against falls', () => {
  expect(strengths(2, [10, 13, 12, 12, 15])).toEqual([75, 75, 93.75])
  expect(strengths(2, [10, 13, 12, 12, 15], cutler)).toEqual([75, 0, 100])
})
test('starts Wilder at zero with seed zero, which weighs the newest change more', () => {
  expect(strengths(2, [10, 14, 13], zero)).toEqual([100 * (1 / 1.5)])
})
test('answers 100 where everything rose, 0 where everything fell, and 50 where nothing moved', () => {
  for (const form of forms) {
    expect(strengths(2, [1, 2, 3, 5], form)).toEqual([100, 100])
    expect(strengths(2, [5, 3, 2, 1], form)).toEqual([0, 0])
    expect(strengths(2, [7, 7, 7, 7], form)).toEqual([50, 50])
  }
})
test('forgets a movement that left the window of cutler to the last bit', () => {
  expect(strengths(3, [0.1, 0.7, 0.3, 0.3, 0.3, 0.3], cutler).at(-1)).toBe(50)
})
test('stays between 0 and 100', () => {
  const closes = fc.array(fc.double({ min: 1e-6, max: 1e9, noNaN: true }), { maxLength: 40 })
  fc.assert(
    fc.property(closes, fc.integer({ min: 2, max: 10 }), fc.constantFrom(...forms), (prices, span, form) => {
      for (const value of strengths(span, prices, form)) {
        expect(value).toBeGreaterThanOrEqual(0)
        expect(value).toBeLessThanOrEqual(100)
      }
    }),
  )
})
test('refuses a seed for cutler, which has none', () => {
  expect(() => drive(rsi, { smoothing: 'cutler', seed: 'zero' }, [])).toThrow('cutler has none')
})

for (const [file, places] of [
  ['indicators/tulip/untest.json', 'three'],
  ['indicators/tulip/atoz.json', 'four'],
] as const)
  test.skipIf(absent(file))(`Wilder from the mean matches Tulip to its ${places} decimals (${file})`, () => {
    for (const { options, series } of tulip(file, 'rsi')) {
      const [closes = [], expected = []] = series
      const found = strengths(options[0] ?? 0, closes)
      expect(found).toHaveLength(expected.length)
      expect(compare(found, expected, absolute(5e-4))).toMatchObject({ compared: expected.length, broken: [] })
    }
  })
const rows = 'indicators/talib/test_rsi.json'
// In Metastock mode TA-Lib answers one bar early, from one change less; from the next bar on it is plain Wilder.
test.skipIf(absent(rows) || absent(talibDaily))(
  `Wilder from the mean matches TA-Lib to its last digit, from the first whole span on (${rows})`,
  () => {
    const closes = talibColumns()('close')
    const wanted = talib(rows).filter(
      ({ of, bar }) => of['theFunction'] === 'TA_RSI_TEST' && bar >= Number(of['optInTimePeriod']),
    )
    expect(wanted).toHaveLength(27)
    for (const { of, bar, values } of wanted)
      expect(compare(strengths(Number(of['optInTimePeriod']), closes.slice(0, bar + 1)), values, printed)).toEqual({
        compared: 1,
        silent: 0,
        broken: [],
      })
  },
)
const lean = 'indicators/lean/spy_with_indicators.txt'
for (const [words, form, column, compared, allowed] of [
  ['Wilder from the mean', wilder, 'RSI 14 Wilder', 486, relative(5e-6)],
  // Seven digits are printed, but the sums behind them were single precision.
  ['Cutler', cutler, 'RSI 14', 485, absolute(5e-4)],
] as const)
  test.skipIf(absent(lean))(`${words} matches Lean (${lean})`, () => {
    const of = columns(lean)
    expect(compare(strengths(14, of('Close'), form), of(column), allowed)).toEqual({
      compared,
      silent: 0,
      broken: [],
    })
  })
const sheet = 'indicators/stockcharts/cs-rsi.csv'
test.skipIf(absent(sheet))(
  `Wilder from zero matches the StockCharts sheet of ta to its six decimals (${sheet})`,
  () => {
    const of = columns(sheet)
    expect(compare(strengths(14, of('Close'), zero), of('RSI'), decimals(6))).toEqual({
      compared: 19,
      silent: 0,
      broken: [],
    })
  },
)
