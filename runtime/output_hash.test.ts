import { expect, test } from 'vitest'
import { z } from 'zod'
import { Scalar } from '../schemas/features.ts'
import { fixed } from '../schemas/fixed.ts'
import { type Kind, kind } from '../schemas/kind.ts'
import { Bar } from '../schemas/market.ts'
import { Fill } from '../schemas/orders.ts'
import { barOf, fill } from '../schemas/samples.ts'
import { OutputHash } from './output_hash.ts'
import type { Plan } from './plan.ts'

const plan = (pipeline: string): Plan => ({ pipeline, edges: [] }) as unknown as Plan
type Row = [edge: string, kind: Kind, key: string, at: number, ordinal: number, value: unknown]
const add = (hash: OutputHash, ...[edge, kind, key, at, ordinal, value]: Row) =>
  hash.recorder(edge, kind)(key, at, ordinal, value, -1)
const of = (rows: readonly Row[], pipeline = 'p') => {
  const hash = new OutputHash(plan(pipeline))
  for (const row of rows) add(hash, ...row)
  expect(hash.digest()).toBe(hash.digest())
  expect(hash.rows).toBe(rows.length)
  return hash.digest()
}
const a: Row = ['a', Scalar, 'k', 1, 0, 1]
const b: Row = ['a', Scalar, 'k', 1, 1, 2]
const Word = kind('word', z.object({ text: z.string() }), { summary: 'A word.' })

test('the digest of outputs is of their names and fields, in order', () => {
  const filled = fill(1, 'buy', 2, 100, 1).value
  const all = [
    of([]),
    of([], 'q'),
    of([a]),
    of([a, b]),
    of([b, a]),
    of([['a', Scalar, 'k', 1, 0, -1]]),
    of([['b', Scalar, 'k', 1, 0, 1]]),
    of([['a', Scalar, 'l', 1, 0, 1]]),
    of([['a', Scalar, 'k', 2, 0, 1]]),
    of([['a', Scalar, 'k', 1, 0, 0]]),
    of([['a', Scalar, 'k', 1, 0, -0]]),
    of([['a', Scalar, 'k', 1, 0, Number.NaN]]),
    of([['a', Bar, 'k', 1, 0, barOf(1)]]),
    of([['a', Bar, 'k', 1, 0, barOf(1, { complete: false })]]),
    of([['a', Fill, 'k', 1, 0, filled]]),
    of([['a', Fill, 'k', 1, 0, { ...filled, fee: fixed(2) }]]),
    of([['a', Fill, 'k', 1, 0, { ...filled, fee: fixed(1) + 2n ** 64n }]]),
    of([['a', Word, 'k', 1, 0, { text: 'x' }]]),
    of([['a', Word, 'k', 1, 0, { text: 'y' }]]),
  ]
  expect(new Set(all).size).toBe(all.length)
})
test('it does not depend on how many rows its buffer holds', () => {
  const rows = Array.from({ length: 5000 }, (_, i): Row => ['a', Scalar, `k${i % 7}`, i, 0, i / 3])
  const [whole, parts] = [of(rows), new OutputHash(plan('p'))]
  for (const row of rows) {
    add(parts, ...row)
    if (parts.rows % 100 === 0) parts.digest()
  }
  expect(parts.digest()).toBe(whole)
})
