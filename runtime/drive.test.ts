import { expect, test } from 'vitest'
import { z } from 'zod'
import { ema } from '../operators/feature/ema.ts'
import { cross } from '../operators/window/cross.ts'
import { timeBars } from '../operators/window/time_bars.ts'
import { Scalar } from '../schemas/features.ts'
import { type Fixed, fixed } from '../schemas/fixed.ts'
import { Bar } from '../schemas/market.ts'
import { advance, bar, scalar, to, trade } from '../schemas/samples.ts'
import { defineOperator } from './define.ts'
import { Driver, drive } from './drive.ts'
import { toJson } from './json.ts'
import { nearest } from './nearest.ts'

test('drives an operator over samples: answers in the author’s form, without silence', () => {
  expect(drive(ema, { span: 3 }, [bar(1, 10), bar(2, 20)])).toEqual([10, 15])
  expect(drive(timeBars, { every: '1s' }, [trade(0.5, 10)])).toEqual([])
})
test('params that do not fit are refused with the path and the nearest name', () => {
  expect(() => drive(ema, { spam: 3 }, [])).toThrow(
    /params of ema: span: .*; spam: unrecognised param; did you mean "span"/,
  )
})
test('a sample that fits no port, or several, is refused with the ports there are', () => {
  expect(() => drive(ema, { span: 3 }, [trade(1, 10)])).toThrow(
    /expected a message for one port of ema \(in: bar\), found kind trade/,
  )
  const driver = new Driver(cross.definition, {}, { wired: ['fast'] })
  expect(() => driver.feed(scalar(1, 10))).toThrow(/name the port/)
  expect(driver.feed(to('fast', scalar(1, 10)))).toEqual([])
})
test('a row older than the lateness is late, and no answer', () => {
  const driver = new Driver(timeBars.definition, { every: '10s' }, { lateness: 2e6 })
  for (const at of [11, 9, 8.9]) driver.feed(trade(at, at))
  expect(driver.engine.counts.late).toBe(1)
  expect(driver.feed(advance(20))).toMatchObject([{ count: 1, open: 9 }])
  expect(driver.feed(advance(22))).toMatchObject([{ count: 1, open: 11 }])
})

test('JSON for hashes tells apart what JSON would not', () => {
  const values = [0, -0, Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, null, fixed(1)]
  expect(new Set(values.map(toJson)).size).toBe(values.length)
  expect(toJson({ fee: fixed('-0.5') as Fixed, at: 1 })).toBe('{"fee":"-0.50000000","at":1}')
})
test.each([
  ['emma', ['ema', 'sma', 'macd'], 'ema'],
  ['evry', ['every', 'closed'], 'every'],
  ['zzzzzz', ['ema', 'sma'], undefined],
  ['x', [], undefined],
])('nearest to %s', (name, candidates, expected) => {
  expect(nearest(name, candidates)).toBe(expected)
})

test('the parts of other keys are lent to read only', () => {
  const nosy = defineOperator({
    name: 'nosy',
    version: 1,
    summary: 'Writes where it may not.',
    scope: 'pipeline',
    input: { bar: Bar },
    output: Scalar,
    params: z.strictObject({}),
    each: () => ({ count: 0 }),
    on: {
      bar(_state, _bar, { all }) {
        for (const part of all) (part as { count: number }).count++
        return undefined
      },
    },
    example: { params: {}, input: [], output: [] },
  })
  expect(() => drive(nosy, {}, [bar(1, 10)])).toThrow('only the part of the key at hand may be written')
})
