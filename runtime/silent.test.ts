import { expect, test } from 'vitest'
import { z } from 'zod'
import { Scalar } from '../schemas/features.ts'
import { Bar } from '../schemas/market.ts'
import { advance, bar, end } from '../schemas/samples.ts'
import { defineOperator } from './define.ts'
import { drive } from './drive.ts'

const at = (seconds: number) => 1e6 * seconds
/** Whoever calls it, it answers how many bars it knows; answers of fewer than `from` are none. */
const counts = defineOperator({
  name: 'counts',
  version: 1,
  summary: 'Says how many bars there were.',
  input: { bar: Bar },
  output: Scalar,
  params: z.strictObject({ from: z.int() }),
  init: () => ({ bars: 0, due: at(4) }),
  on: {
    bar(state, { close }) {
      state.bars++
      return close < 0 ? undefined : state.bars
    },
  },
  timer: { every: () => at(10), fire: (state) => state.bars },
  alarm: {
    at: (state) => state.due,
    fire(state) {
      state.due = Number.POSITIVE_INFINITY
      return state.bars
    },
  },
  end: (state) => state.bars,
  silent(_state, answer, { from }) {
    if (answer === 13) throw new Error('unlucky')
    return answer < from
  },
  example: { params: { from: 1 }, input: [bar(1, 10)], output: [1] },
})
const times = (n: number) => Array.from({ length: n }, () => bar(1, 10))

test('an answer that is none is not sent, whoever gave it', () => {
  const all = [...times(2), advance(5), advance(12), end(13)]
  expect(drive(counts, { from: 1 }, all)).toEqual([1, 2, 2, 2, 2])
  expect(drive(counts, { from: 2 }, all)).toEqual([2, 2, 2, 2])
  expect(drive(counts, { from: 3 }, all)).toEqual([])
})
test('nothing is silence without being asked', () => {
  expect(drive(counts, { from: 1 }, [bar(1, -1), bar(1, 10)])).toEqual([2])
})
test('who throws when it is asked has failed', () => {
  expect(drive(counts, { from: 100 }, times(12))).toEqual([])
  expect(() => drive(counts, { from: 100 }, times(13))).toThrow('unlucky')
})
