import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { Driver, drive } from '../../runtime/drive.ts'
import type { Bar } from '../../schemas/market.ts'
import { advance, barOf, end, gap, of, quote, type Sample, trade } from '../../schemas/samples.ts'
import { timeBars } from './time_bars.ts'

const bars = (params: object, input: readonly Sample[]) => drive(timeBars, params, input) as Bar[]

describe('a trade on the boundary', () => {
  const input = [trade(0.5, 10), trade(1, 11), trade(1.5, 12), advance(3)]
  test('opens the next bar when windows are closed on the left, as exchanges build candles', () => {
    expect(bars({ every: '1s' }, input).map((b) => [b.open, b.close])).toEqual([
      [10, 10],
      [11, 12],
    ])
  })
  test('ends the bar when they are closed on the right', () => {
    expect(bars({ every: '1s', closed: 'right' }, input).map((b) => [b.open, b.close])).toEqual([
      [10, 11],
      [12, 12],
    ])
  })
})
test('a window without a message gives no bar', () => {
  expect(bars({ every: '1s' }, [trade(0.5, 10), trade(5.5, 11), end(6)])).toEqual([
    barOf(10),
    barOf(11, { turnover: 11 }),
  ])
})
test('quotes give bars of the middle, the bid or the ask, without volume', () => {
  const input = [quote(0.1, 99, 101), quote(0.2, 97, 103), end(1)]
  const of = (price: string) =>
    bars({ every: '1s', price }, input).map(({ open, close, volume, count }) => [open, close, volume, count])
  expect([of('mid'), of('bid'), of('ask')]).toEqual([[[100, 100, 0, 2]], [[99, 97, 0, 2]], [[101, 103, 0, 2]]])
})
test('a gap of the feed marks the bar it falls into as incomplete, and no other', () => {
  const input = [trade(0.5, 10), trade(1.2, 11), gap(1.5), trade(2.5, 12), trade(3.5, 13), end(4)]
  expect(bars({ every: '1s' }, input).map((b) => b.complete)).toEqual([true, false, true, true])
})
test('instruments have bars of their own', () => {
  const other = (sample: Sample) => of('okx:ETH-USDT', sample)
  expect(
    bars({ every: '1s' }, [trade(0.1, 10), other(trade(0.2, 5)), trade(1.1, 11), other(trade(1.2, 6))]).map(
      (b) => b.close,
    ),
  ).toEqual([10, 5])
})
test.each([0, '0s', '-1s', '1x', -5, '1us', 999])('a period of %s is refused', (every) => {
  expect(() => bars({ every }, [trade(1, 1)])).toThrow(/every/)
})
test('a period finer than any feed is refused with the least there is', () => {
  expect(() => bars({ every: '1us' }, [trade(1, 1)])).toThrow(/every: expected a duration of at least 1ms/)
  expect(bars({ every: '1ms' }, [trade(0.0005, 10), trade(0.002, 11)])).toHaveLength(1)
})

interface Row {
  readonly at: number
  readonly price: number
  readonly size: number
}
/** Bars by the words: group by window, in order of arrival. */
function oracle(rows: readonly Row[], every: number, right: boolean): Bar[] {
  const windows = new Map<number, Row[]>()
  for (const row of rows) {
    const window = right ? Math.ceil(row.at / every) : Math.floor(row.at / every) + 1
    windows.set(window, [...(windows.get(window) ?? []), row])
  }
  return [...windows]
    .sort(([a], [b]) => a - b)
    .map(([, inside]) => {
      const prices = inside.map((r) => r.price)
      return {
        open: prices[0] as number,
        high: Math.max(...prices),
        low: Math.min(...prices),
        close: prices.at(-1) as number,
        volume: inside.reduce((sum, r) => sum + r.size, 0),
        turnover: inside.reduce((sum, r) => sum + r.price * r.size, 0),
        count: inside.length,
        complete: true,
      }
    })
}
const rows = fc.array(
  fc.record({
    at: fc.tuple(fc.nat(40), fc.nat(1)).map(([ms, us]) => ms * 1_000 + us),
    price: fc.integer({ min: 1, max: 99 }),
    size: fc.integer({ min: 1, max: 9 }),
    back: fc.nat(4).map((ms) => ms * 1_000),
  }),
  { minLength: 1, maxLength: 60 },
)
test('bars from trades are those of a plain oracle, in whatever order the trades come within the lateness', () => {
  const grid = fc.record({ every: fc.integer({ min: 4, max: 9 }).map((ms) => ms * 1_000), right: fc.boolean() })
  fc.assert(
    fc.property(rows, grid, (drawn, { every, right }) => {
      // sorted by when they arrive: up to 4 ms later than they happened
      const arriving = [...drawn].sort((a, b) => a.at + a.back - (b.at + b.back))
      const driver = new Driver(timeBars.definition, { every, closed: right ? 'right' : 'left' }, { lateness: 4_000 })
      const tape = arriving.map((row): Sample => ({ ...trade(0, row.price, row.size), at: row.at }))
      const found = [...tape, { ...end(0), at: 100_000 }].flatMap((sample) => driver.feed(sample))
      expect(found).toEqual(oracle(arriving, every, right))
      expect(driver.engine.counts.late).toBe(0)
    }),
  )
})
