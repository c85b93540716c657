import { expect, test } from 'vitest'
import { drive } from '../../runtime/drive.ts'
import type { Signal } from '../../schemas/orders.ts'
import { bar, type Sample, scalar, to } from '../../schemas/samples.ts'
import { cross } from './cross.ts'

const trend = (at: number, value: number) => to('trend', scalar(at, value))
const fast = (at: number, value: number) => to('fast', scalar(at, value))
const directions = (params: object, input: readonly Sample[]) =>
  (drive(cross, params, input) as Signal[]).map((s) => s.direction)

test('waits until the trend has spoken', () => {
  expect(directions({}, [bar(1, 5), bar(2, 15), trend(2, 10), bar(3, 5)])).toEqual([])
  expect(directions({}, [trend(1, 10), bar(1, 5), bar(2, 15), bar(3, 5)])).toEqual([1, -1])
})
test('the first side it sees is no crossing', () => {
  expect(directions({}, [trend(1, 10), bar(1, 15), bar(2, 16)])).toEqual([])
})
test('values that touch and part on the same side do not cross', () => {
  expect(directions({}, [trend(1, 10), bar(1, 9), bar(2, 10), bar(3, 9), bar(4, 11), bar(5, 10), bar(6, 12)])).toEqual([
    1,
  ])
})
test('looks at the newest trend, so that a moving trend crosses a still price', () => {
  expect(directions({}, [trend(1, 10), bar(1, 9), trend(2, 8), bar(2, 9)])).toEqual([1])
})
test('compares the fast line where one is wired, and waits for it', () => {
  const lines = [trend(1, 10), bar(1, 99), fast(2, 9), bar(2, 99), fast(3, 11), bar(3, 1)]
  expect(directions({}, lines)).toEqual([1])
})
test('says the side at every bar with emit: level, and equal counts as above', () => {
  expect(directions({ emit: 'level' }, [trend(1, 10), bar(1, 9), bar(2, 10), bar(3, 11)])).toEqual([-1, 1, 1])
})
test('is silent through warm_up, but remembers on which side it was', () => {
  const input = [trend(1, 10), bar(1, 9), bar(2, 11), bar(3, 11), bar(4, 9)]
  expect(directions({ warm_up: 3 }, input)).toEqual([-1])
  expect(directions({ warm_up: 3, emit: 'level' }, input)).toEqual([1, -1])
})
test('leaves out bars of a single price when told to', () => {
  const input = [trend(1, 10), bar(1, 9), bar(2, 11), bar(3, 9, { low: 8 })]
  expect(directions({}, input)).toEqual([1, -1])
  expect(directions({ skip_single_price: true }, input)).toEqual([-1])
})
test('tells how far the values stand apart, and the price it saw', () => {
  expect(drive(cross, {}, [trend(1, 10), bar(1, 9), bar(2, 12.5)])).toEqual([
    { direction: 1, strength: 2.5, price: 12.5 },
  ])
})
