import { expect, test } from 'vitest'
import { Judge } from './judge.ts'

const HOUR = 3600e6
const NOW = 1e15

test.each([
  ['that is right', 0],
  ['that is hours behind', -9 * HOUR],
  ['that is hours ahead', 9 * HOUR],
])('a symbol that trades every few hours is believed each time, by a clock %s', (_clock, skew) => {
  const judge = new Judge(0.5)
  const verdicts = Array.from({ length: 10 }, (_, n) =>
    judge.verdict(100 + n, NOW + n * 5 * HOUR, NOW + skew + n * 5 * HOUR),
  )
  expect(verdicts).toEqual(Array(10).fill(undefined))
})

test('bars of a day that come one after the other are believed', () => {
  const judge = new Judge(0.5)
  for (let day = -5; day <= 0; day++) expect(judge.verdict(100, NOW + day * 24 * HOUR, NOW + day)).toBeUndefined()
})

test('a time that leaps ahead of what has passed here is not believed, until three agree', () => {
  const judge = new Judge(0)
  const times = [1, 9 * HOUR, 2, 9 * HOUR, 9 * HOUR + 1, 9 * HOUR + 2, 9 * HOUR + 3]
  expect(times.map((at, n) => judge.verdict(100, NOW + at, NOW + n))).toEqual([
    ...[undefined, 'time_ahead', undefined, 'time_ahead', 'time_ahead', undefined, undefined],
  ])
})
