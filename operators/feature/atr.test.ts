import fc from 'fast-check'
import { expect, test } from 'vitest'
import { drive } from '../../runtime/drive.ts'
import {
  absent,
  absolute,
  bars,
  type Columns,
  columns,
  compare,
  printed,
  relative,
  talib,
  talibColumns,
  talibDaily,
  tulip,
} from '../../testing/vectors.ts'
import { atr } from './atr.ts'

interface Prices {
  readonly high: readonly number[]
  readonly low: readonly number[]
  readonly close: readonly number[]
}
const run = (params: Record<string, unknown>, { high, low, close }: Prices) =>
  drive(atr, params, bars(close, { high, low })) as number[]
const prices = (
  of: Columns,
  [high, low, close]: readonly [string, string, string] = ['High', 'Low', 'Close'],
): Prices => ({
  high: of(high),
  low: of(low),
  close: of(close),
})
const until = ({ high, low, close }: Prices, bar: number): Prices => ({
  high: high.slice(0, bar + 1),
  low: low.slice(0, bar + 1),
  close: close.slice(0, bar + 1),
})
const tape: Prices = { high: [12, 15, 14, 30], low: [8, 13, 12, 20], close: [10, 14, 12, 30] }

test('is silent until as many ranges as the span are in', () => {
  for (const smoothing of ['wilder', 'simple']) {
    expect(run({ span: 2, smoothing }, until(tape, -1))).toEqual([])
    expect(run({ span: 2, smoothing }, until(tape, 0))).toEqual([])
    expect(run({ span: 2, smoothing }, until(tape, 1))).toEqual([4.5])
  }
})
test('counts the jump from the close before', () => {
  expect(run({ span: 1 }, tape)).toEqual([4, 5, 2, 18])
})
test('fades old ranges with wilder and drops them with simple', () => {
  expect(run({ span: 2 }, tape)).toEqual([4.5, 3.25, 10.625])
  expect(run({ span: 2, smoothing: 'simple' }, tape)).toEqual([4.5, 3.5, 10])
})
test('leaves the first bar out when told to', () => {
  expect(run({ span: 2, first_bar: false }, tape)).toEqual([3.5, 10.75])
  expect(run({ span: 2, first_bar: false }, until(tape, 1))).toEqual([])
})
test('is never negative, and zero where nothing moves', () => {
  const moves = fc.array(fc.tuple(fc.double({ min: 1e-6, max: 1e9, noNaN: true }), fc.constantFrom(0, 0, 0.3, 0.9)), {
    maxLength: 30,
  })
  fc.assert(
    fc.property(moves, fc.constantFrom('wilder', 'simple'), fc.boolean(), (bars, smoothing, first_bar) => {
      const high = bars.map(([close, reach]) => close * (1 + reach))
      const low = bars.map(([close, reach]) => close * (1 - reach))
      const close = bars.map(([price]) => price)
      for (const value of run({ span: 3, smoothing, first_bar }, { high, low, close }))
        expect(value).toBeGreaterThanOrEqual(0)
    }),
  )
  const still = new Array(9).fill(0.1)
  const jump = { high: [1e9, ...still], low: [1e9, ...still], close: [1e9, ...still] }
  expect(run({ span: 3, smoothing: 'simple' }, jump).at(-1)).toBe(0)
})

for (const [file, allowed] of [
  ['indicators/tulip/untest.json', 'three'],
  ['indicators/tulip/atoz.json', 'four'],
] as const) {
  test.skipIf(absent(file))(`Wilder with the first bar matches Tulip to its ${allowed} decimals (${file})`, () => {
    for (const { options, series } of tulip(file, 'atr')) {
      const [high = [], low = [], close = [], expected = []] = series
      const found = run({ span: options[0] }, { high, low, close })
      expect(found).toHaveLength(expected.length)
      expect(compare(found, expected, absolute(5e-4)).broken).toEqual([])
    }
  })
  test.skipIf(absent(file))(
    `a span of one matches the true range of Tulip to its ${allowed} decimals (${file})`,
    () => {
      for (const { series } of tulip(file, 'tr')) {
        const [high = [], low = [], close = [], expected = []] = series
        const found = run({ span: 1 }, { high, low, close })
        expect(found).toHaveLength(expected.length)
        expect(compare(found, expected, absolute(5e-4)).broken).toEqual([])
      }
    },
  )
}
const rows = 'indicators/talib/test_trange.json'
test.skipIf(absent(rows) || absent(talibDaily))(
  `Wilder without the first bar matches TA-Lib to its last digit (${rows})`,
  () => {
    const all = prices(talibColumns(), ['high', 'low', 'close'])
    const wanted = talib(rows)
    expect(wanted).toHaveLength(17)
    for (const { of, bar, values } of wanted) {
      const span = Math.max(1, Number(of['optInTimePeriod']))
      const found = run({ span, first_bar: false }, until(all, bar))
      expect(compare(found, values, printed)).toEqual({ compared: 1, silent: 0, broken: [] })
    }
  },
)
const percent = 'indicators/talib/test_per_hlc.json'
test.skipIf(absent(percent) || absent(talibDaily))(
  `Wilder without the first bar, over the close, matches NATR of TA-Lib to its last digit (${percent})`,
  () => {
    const all = prices(talibColumns(), ['high', 'low', 'close'])
    const wanted = talib(percent).filter(({ of }) => of['theFunction'] === 'TA_NATR_TEST')
    expect(wanted).toHaveLength(3)
    for (const { of, bar, values } of wanted) {
      const found = run({ span: of['optInTimePeriod1'], first_bar: false }, until(all, bar))
      const share = (100 * (found.at(-1) ?? Number.NaN)) / (all.close[bar] ?? Number.NaN)
      expect(compare([share], values, printed)).toEqual({ compared: 1, silent: 0, broken: [] })
    }
  },
)
for (const [words, params, file, compared] of [
  ['Wilder with the first bar', {}, 'indicators/lean/spy_atr_wilder.txt', 488],
  ['simple without the first bar', { smoothing: 'simple', first_bar: false }, 'indicators/lean/spy_atr.txt', 487],
] as const)
  test.skipIf(absent(file))(`${words} matches Lean to its print precision (${file})`, () => {
    const of = columns(file)
    expect(compare(run(params, prices(of)), of('Average True Range 14'), relative(5e-6))).toEqual({
      compared,
      silent: 0,
      broken: [],
    })
  })
const ranges = 'indicators/lean/spy_tr.txt'
test.skipIf(absent(ranges))(`a span of one without the first bar matches the true range of Lean (${ranges})`, () => {
  const of = columns(ranges)
  expect(compare(run({ span: 1, first_bar: false }, prices(of)), of('TR'), relative(1e-9))).toEqual({
    compared: 499,
    silent: 0,
    broken: [],
  })
})
const normal = 'indicators/lean/spy_natr.txt'
test.skipIf(absent(normal))(`Wilder without the first bar, over the close, matches NATR of Lean (${normal})`, () => {
  const of = columns(normal)
  const close = of('Close')
  const found = run({ span: 5, first_bar: false }, prices(of))
  const shares = found.map((value, i) => (100 * value) / (close[close.length - found.length + i] ?? Number.NaN))
  expect(compare(shares, of('NATR_5'), relative(1e-9))).toEqual({ compared: 495, silent: 0, broken: [] })
})
const sheet = 'indicators/stockcharts/cs-atr.csv'
test.skipIf(absent(sheet))(`Wilder with the first bar matches StockCharts to its ten digits (${sheet})`, () => {
  const of = columns(sheet)
  const expected = of('ATR').map((value) => (value === 0 ? Number.NaN : value))
  expect(compare(run({}, prices(of)), expected, relative(1e-9))).toEqual({ compared: 17, silent: 0, broken: [] })
})
