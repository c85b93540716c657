import fc from 'fast-check'
import { expect, test } from 'vitest'
import { z } from 'zod'
import type { SourceItem } from '../../runtime/define.ts'
import { guardOf } from '../../schemas/guard.ts'
import { Trade } from '../../schemas/market.ts'
import { generate, syntheticMarket } from './market.ts'
import { quantile, statisticsOf } from './statistics.ts'

type Params = Parameters<typeof generate>[0]
const { definition } = syntheticMarket
const parsed = (params: object) => z.parse(definition.params, params) as Params
const items = (params: object, position = 0) => [...generate(parsed(params), position)].flat()
type Row = Extract<SourceItem, { type: 'row' }> & { readonly value: Trade }
const rowsOf = (of: readonly SourceItem[]) => of.filter((item): item is Row => item.type === 'row')
test('gives the same rows for the same seed, and others for another', () => {
  const [once, again, other] = [3, 3, 4].map((seed) => items({ seed, trades: 2000 }))
  expect(again).toEqual(once)
  expect(other).not.toEqual(once)
  expect(rowsOf(other ?? []).map(({ value }) => value.price)).not.toEqual(
    rowsOf(once ?? []).map(({ value }) => value.price),
  )
})

test('stays what it is: the first rows of seed 7', () => {
  const [first] = rowsOf(items({ seed: 7, trades: 2 }))
  expect(first).toMatchInlineSnapshot(`
    {
      "at": 1704067200198000,
      "key": "synthetic:BTCUSDT",
      "type": "row",
      "value": {
        "id": 1,
        "price": 60000,
        "side": -1,
        "size": 0.00051,
      },
    }
  `)
})

test('goes on from any position with the same tail', () => {
  const params = { seed: 11, trades: 3000, symbols: ['BTCUSDT', 'ETHUSDT'] }
  const whole = items(params)
  fc.assert(
    fc.property(fc.nat(3000), (position) => {
      expect(items(params, position)).toEqual(whole.slice(position))
    }),
    { numRuns: 40, examples: [[0], [1], [511], [512], [513], [2999], [3000]] },
  )
})

test('gives sound trades in order of time, numbered upwards for each symbol, on keys that say synthetic', () => {
  const guard = guardOf(Trade)
  fc.assert(
    fc.property(
      fc.nat(1e9),
      fc.constantFrom(0, 1, 100),
      fc.constantFrom(1e-6, 0.01, 1, 60_000, 1e9),
      (seed, volatility, start_price) => {
        const rows = rowsOf(items({ seed, volatility, start_price, trades: 1500, symbols: ['A', 'B', 'C'] }))
        let at = 0
        const ids = new Map<string, number>()
        for (const row of rows) {
          expect(guard(row.value)).toBe(true)
          expect(row.at).toBeGreaterThanOrEqual(at)
          expect(row.value.id).toBe((ids.get(row.key) ?? 0) + 1)
          at = row.at
          ids.set(row.key, row.value.id)
        }
        expect([...ids.keys()].sort()).toEqual(['synthetic:A', 'synthetic:B', 'synthetic:C'])
      },
    ),
    { numRuns: 30 },
  )
})

test('ends: after so many trades, or so many minutes', () => {
  const byTrades = items({ trades: 700 })
  expect(rowsOf(byTrades).length).toBe(700)
  expect(byTrades.at(-1)).toEqual({ type: 'end', at: (rowsOf(byTrades).at(-1)?.at ?? 0) + 1 })
  const byTime = items({ minutes: 2, start: '2024-06-01T12:00:00Z' })
  const start = Date.UTC(2024, 5, 1, 12) * 1000
  expect(byTime.at(-1)).toEqual({ type: 'end', at: start + 120e6 })
  expect(rowsOf(byTime).every(({ at }) => at >= start && at < start + 120e6)).toBe(true)
  expect(items({ trades: 700 }, 700)).toEqual([byTrades.at(-1)])
})

test('makes rows only as they are pulled, in blocks', () => {
  // A market of a billion trades: it would not come back if it ran ahead.
  const [first] = generate(parsed({ trades: 1e9 }))
  expect(first?.length).toBe(512)
  expect(definition.generate).toBe(generate)
})

test('refuses params it does not know, both lengths, and a symbol twice', () => {
  const accepts = (params: object) => z.safeParse(definition.params, params).success
  expect(accepts({})).toBe(true)
  expect(accepts({ minute: 3 })).toBe(false)
  expect(accepts({ minutes: 3, trades: 3 })).toBe(false)
  expect(accepts({ symbols: ['A', 'A'] })).toBe(false)
  expect(accepts({ start: 'tomorrow' })).toBe(false)
})

test('moves more when told to', () => {
  const width = (volatility: number) => {
    const prices = rowsOf(items({ seed: 2, minutes: 10, volatility })).map(({ value }) => value.price)
    return Math.max(...prices) / Math.min(...prices) - 1
  }
  expect(width(4)).toBeGreaterThan(2 * width(1))
  expect(width(0)).toBeLessThan(0.002)
})

/** What both recordings gave (docs/synthetic_market.md), lower and higher; the market may lie a third outside. */
const recorded: Readonly<Record<string, readonly [number, number]>> = {
  'trades a second, mean': [28.2, 34.2],
  // The busiest seconds of the recordings are busier than the model's.
  'trades a second, variance / mean': [75, 196],
  'share of trades at the stamp before': [0.67, 0.876],
  'trades an order, mean': [3.01, 8.04],
  'share of orders of one trade': [0.617, 0.704],
  'ms between orders, 25 %': [4, 16],
  'ms between orders, 50 %': [25, 112],
  'ms between orders, 75 %': [131, 325],
  'ms between orders, 95 %': [492, 875],
  'return over 1 s, bp': [0.448, 1.29],
  'return over 10 s, bp': [2.01, 3.55],
  'return over 60 s, bp': [3.81, 6.96],
  'size, 10 %': [8e-5, 9e-5],
  'size, 50 %': [9e-5, 6e-4],
  'size, 90 %': [0.00166, 0.0556],
  'size, 99 %': [0.0798, 0.324],
  'side, lag 1 of trades': [0.788, 0.915],
  'side, lag 1 of orders': [0.32, 0.362],
  'side, lag 10 of orders': [0.176, 0.221],
  'share of trades at the price before': [0.588, 0.802],
}
test('is like the recordings it was fitted on, by every statistic of the calibration table', () => {
  const windows = Array.from({ length: 12 }, (_, seed) =>
    statisticsOf(rowsOf(items({ seed: seed + 100, minutes: 5.3 })).map(({ at, value }) => ({ at, ...value }))),
  )
  expect(Object.keys(windows[0] ?? {})).toEqual(Object.keys(recorded))
  for (const [name, [low, high]] of Object.entries(recorded)) {
    const values = windows.map((column) => column[name] as number).sort((a, b) => a - b)
    const middle = quantile(values, 0.5)
    expect([name, middle >= low / 1.34 && middle <= high * 1.34, middle]).toEqual([name, true, middle])
  }
})
