import { expect, test } from 'vitest'
import { Prng } from './prng.ts'
import { mean, variance } from './statistics.ts'

test('gives the same numbers for the same seed, and others for another seed or stream', () => {
  const numbers = (seed: number, stream = 0) => {
    const prng = new Prng(seed, stream)
    return [prng.next(), prng.next(), prng.next()]
  }
  expect(numbers(1)).toEqual(numbers(1))
  expect(new Set([1, 2, 3].flatMap((seed) => numbers(seed))).size).toBe(9)
  expect(numbers(1, 1)).not.toEqual(numbers(1))
  expect(numbers(2 ** 33 + 1)).not.toEqual(numbers(1))
  expect(numbers(1)).toMatchInlineSnapshot(`
    [
      3387734806,
      1080862987,
      3546521498,
    ]
  `)
})

test('gives uniform numbers between 0 and 1 and normal ones of mean 0 and variance 1', () => {
  const prng = new Prng(42)
  const uniform = Array.from({ length: 50_000 }, () => prng.uniform())
  expect(Math.min(...uniform.map((x) => Math.min(x, 1 - x)))).toBeGreaterThan(0)
  expect(mean(uniform)).toBeCloseTo(0.5, 2)
  expect(variance(uniform)).toBeCloseTo(1 / 12, 2)
  const normal = Array.from({ length: 50_000 }, () => prng.normal())
  expect(mean(normal)).toBeCloseTo(0, 1)
  expect(variance(normal)).toBeCloseTo(1, 1)
  expect(mean(normal.map((x) => (Math.abs(x) < 1.96 ? 1 : 0)))).toBeCloseTo(0.95, 2)
})
