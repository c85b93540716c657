import { expect, test } from 'vitest'
import { valuesOf } from './values.ts'

const values = (text: string) => valuesOf(text, '--vary', 1000)

test.each([
  ['5..8', [5, 6, 7, 8]],
  ['-1..1', [-1, 0, 1]],
  ['5..5', [5]],
  ['5..20:5', [5, 10, 15, 20]],
  ['5..19:5', [5, 10, 15]],
  ['0.1..0.5:0.1', [0.1, 0.2, 0.3, 0.4, 0.5]],
  ['-0.5..0.5:0.25', [-0.5, -0.25, 0, 0.25, 0.5]],
  ['1..2:0.5', [1, 1.5, 2]],
  ['30s..2m:30s', ['30s', '1m', '90s', '2m']],
  ['500ms..1s:250ms', ['500ms', '750ms', '1s']],
])('%s is a range with both ends', (text, expected) => {
  expect(values(text)).toEqual(expected)
})

test.each([
  ['20', [20]],
  ['1m,5m, 1h', ['1m', '5m', '1h']],
  ['3,2.5,-1', [3, 2.5, -1]],
  ['true,false,null', [true, false, null]],
  ['buy,"a, b","..","5"', ['buy', 'a, b', '..', '5']],
])('%s is a list', (text, expected) => {
  expect(values(text)).toEqual(expected)
})

test.each([
  ['', 'expected a value between commas, found none'],
  ['1,,2', 'expected a value between commas, found none'],
  ['1,2,', 'expected a value between commas, found none'],
  ['0.1..0.5', 'expected whole numbers or a step'],
  ['30s..5m', 'expected whole numbers or a step'],
  ['a..b', 'expected whole numbers or a step'],
  ['1..x:2', 'expected three numbers or three durations, such as 30s..5m:30s, found "1"'],
  ['30s..5m:30', 'found "30" in 30s..5m:30'],
  ['8..5', 'expected a range that ends no earlier than it begins, found 8..5'],
  ['1..5:0', 'expected a step above 0'],
  ['1..5:-1', 'expected a step above 0'],
  ['1..5,7', 'expected a range FROM..TO or FROM..TO:STEP alone, found "1..5"'],
  ['{a: 1}', 'expected numbers, words, true, false or null'],
  ['1..100000000000', 'expected at most 1,000 values, found 100,000,000,000'],
])('%s is refused', (text, reason) => {
  expect(() => values(text)).toThrow(reason)
})
