import fc from 'fast-check'
import { expect, test } from 'vitest'
import { drive } from '../../runtime/drive.ts'
import type { Macd } from '../../schemas/features.ts'
import type { Of } from '../../schemas/kind.ts'
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
import { macd } from './macd.ts'

const seeds = ['first', 'mean', 'talib', 'pandas'] as const
const run = (params: Record<string, unknown>, closes: readonly number[]) =>
  drive(macd, params, bars(closes)) as Of<typeof Macd>[]
const small = { fast: 2, slow: 4, signal: 3 }
const closes = fc.array(fc.double({ min: 1e-6, max: 1e9, noNaN: true }), { maxLength: 40 })

test.each([
  ['first', 4],
  ['mean', 6],
  ['talib', 6],
  ['pandas', 1],
] as const)('with seed %s, answers from bar %i on', (seed, first) => {
  for (const length of [0, 1, first - 1, first, first + 5]) {
    const tape = Array.from({ length }, (_, i) => 10 + i)
    expect(run({ ...small, seed }, tape)).toHaveLength(Math.max(0, length + 1 - first))
  }
})
test('answers line, signal and what lies between them', () => {
  expect(run({ fast: 1, slow: 3, signal: 3, seed: 'pandas' }, [8, 16, 20])).toEqual([
    { line: 0, signal: 0, histogram: 0 },
    { line: 4, signal: 2, histogram: 2 },
    { line: 4, signal: 3, histogram: 1 },
  ])
})
test('with seed talib, the fast average forgets what lies before its own span', () => {
  const [slow] = run({ fast: 2, slow: 4, signal: 1, seed: 'mean' }, [40, 0, 8, 16])
  const [late] = run({ fast: 2, slow: 4, signal: 1, seed: 'talib' }, [40, 0, 8, 16])
  expect(late?.line).toBe(12 - 16)
  expect(slow?.line).not.toBe(late?.line)
})
test('stays at zero while the price does not move', () => {
  for (const seed of seeds)
    for (const answer of run({ ...small, seed }, new Array(12).fill(0.1)))
      expect(answer).toEqual({ line: 0, signal: 0, histogram: 0 })
})
test.each(['first', 'mean'] as const)('with seed %s, the line is the difference of two emas of that seed', (seed) => {
  fc.assert(
    fc.property(closes, (prices) => {
      const [fast, slow] = [small.fast, small.slow].map((span) => drive(ema, { span, seed }, bars(prices)) as number[])
      const expected = prices.map((_, i) => (fast?.[i] ?? 0) - (slow?.[i] ?? 0)).slice(small.slow - 1)
      expect(run({ ...small, signal: 1, seed }, prices).map(({ line }) => line)).toEqual(expected)
    }),
  )
})
test('doubles when prices double', () => {
  fc.assert(
    fc.property(closes, fc.constantFrom(...seeds), (prices, seed) => {
      const twice = run(
        { ...small, seed },
        prices.map((price) => 2 * price),
      )
      expect(twice).toEqual(
        run({ ...small, seed }, prices).map(({ line, signal, histogram }) => ({
          line: 2 * line,
          signal: 2 * signal,
          histogram: 2 * histogram,
        })),
      )
    }),
  )
})
test('refuses a fast average that is not faster, and the weights of appel for other spans', () => {
  expect(() => run({ fast: 26, slow: 12 }, [])).toThrow('expected fast below slow')
  expect(() => run({ ...small, weights: 'appel' }, [])).toThrow('appel belong to fast 12 and slow 26')
})

for (const [file, weights, words] of [
  ['indicators/tulip/untest.json', 'span', 'seed first'],
  ['indicators/tulip/atoz.json', 'appel', 'seed first with the weights of appel'],
] as const)
  test.skipIf(absent(file))(`${words} matches Tulip to three decimals (${file})`, () => {
    for (const { options, series } of tulip(file, 'macd')) {
      const [fast, slow, signal] = options
      const [prices = [], ...expected] = series
      const found = run({ fast, slow, signal, seed: 'first', weights }, prices)
      expect(expected).toHaveLength(3)
      for (const [i, name] of (['line', 'signal', 'histogram'] as const).entries()) {
        const column = expected[i] ?? []
        expect(found).toHaveLength(column.length)
        expect(
          compare(
            found.map((answer) => answer[name]),
            column,
            absolute(5e-4),
          ).broken,
        ).toEqual([])
      }
    }
  })
const rows = 'indicators/talib/test_macd.json'
// TA-Lib swaps the spans of a fast average that is slower; here that is refused.
for (const [mode, fix, params, words, allowed] of [
  ['DEFAULT', false, { seed: 'talib' }, 'its last digit', printed],
  // Printed by Metastock, whose last close seems rounded; TA-Lib itself allows 0.01.
  ['METASTOCK', true, { seed: 'first', weights: 'appel' }, 'half a thousandth', absolute(5e-4)],
] as const)
  test.skipIf(absent(rows) || absent(talibDaily))(
    `seed ${Object.values(params).join(' and weights ')} matches TA-Lib in compatibility ${mode} to ${words} (${rows})`,
    () => {
      const prices = talibColumns()('close')
      const wanted = talib(rows).filter(({ of }) => (of['testId'] === 'TA_MACDFIX_TEST') === fix)
      expect(wanted).toHaveLength(3)
      for (const { of, bar, values } of wanted) {
        const [fast, slow] = [Number(of['optInFastPeriod']), Number(of['optInSlowPeriod'])].sort((a, b) => a - b)
        const answer = run({ fast, slow, signal: of['optInSignalPeriod_2'], ...params }, prices.slice(0, bar + 1)).at(
          -1,
        )
        expect(answer).toBeDefined()
        const { line, signal, histogram } = answer ?? { line: 0, signal: 0, histogram: 0 }
        expect(compare([line, signal, histogram], values, allowed)).toEqual({ compared: 3, silent: 0, broken: [] })
      }
    },
  )
const lean = 'indicators/lean/spy_with_macd.txt'
test.skipIf(absent(lean))(`seed mean matches Lean to its fifth decimal (${lean})`, () => {
  const of = columns(lean)
  const found = run({ seed: 'mean' }, of('Close'))
  for (const [name, column] of [
    ['line', 'MACD'],
    ['signal', 'Signal'],
    ['histogram', 'Histogram'],
  ] as const)
    expect(
      compare(
        found.map((answer) => answer[name]),
        of(column),
        absolute(1e-5),
      ),
    ).toEqual({
      compared: 183,
      silent: 0,
      broken: [],
    })
})
const indicators = 'indicators/lean/spy_with_indicators.txt'
test.skipIf(absent(indicators))(`the line with seed mean matches Lean from its first bar on (${indicators})`, () => {
  const of = columns(indicators)
  // A difference of averages of about 15,000 that were single precision.
  const found = run({ signal: 1, seed: 'mean' }, of('Close')).map(({ line }) => line)
  expect(compare(found, of('MACD 12 26'), absolute(5e-4))).toEqual({ compared: 475, silent: 0, broken: [] })
})
const sheet = 'indicators/stockcharts/cs-macd.csv'
test.skipIf(absent(sheet))(`the line with seed pandas matches StockCharts to its ten digits (${sheet})`, () => {
  const of = columns(sheet)
  const found = run({ seed: 'pandas' }, of('Close'))
  expect(
    compare(
      found.map(({ line }) => line),
      of('MACD_line'),
      relative(5e-10),
    ),
  ).toEqual({
    compared: 123,
    silent: 0,
    broken: [],
  })
  // The sheet's signal starts from a value that no printed row gives; 100 bars on, 0.8^100 of it is left.
  const faded = (column: readonly number[]) => column.map((value, i) => (i < 100 ? Number.NaN : value))
  expect(
    compare(
      found.map(({ signal }) => signal),
      faded(of('MACD_signal')),
      relative(5e-9),
    ),
  ).toEqual({
    compared: 24,
    silent: 0,
    broken: [],
  })
})
