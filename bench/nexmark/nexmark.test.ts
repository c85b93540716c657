import { describe, expect, test } from 'vitest'
import { drive } from '../../runtime/drive.ts'
import { openEngine } from '../../runtime/engine.ts'
import { FirstFailure } from '../../runtime/failure.ts'
import type { Sheet } from '../fused/sheets.ts'
import { Auction, Bid, Person } from './kinds.ts'
import { decoded, makeMarket } from './market.ts'
import { operators, queries } from './queries.ts'

const EVENTS = 50_000
// a millisecond between events: five tumbling windows, and thirty that hop
const frames = decoded(makeMarket({ events: EVENTS, spacing: 1000 }).records)

/** The rows of a sheet as a multiset: in one order, whatever order they came in. */
function rowsOf({ data, length, width }: Sheet): readonly string[] {
  const rows: string[] = []
  for (let i = 0; i < length; i += width) rows.push(data.subarray(i, i + width).join())
  return rows.sort()
}

test.each(Object.values(operators).map((o) => [o.name, o] as const))('%s does what its example says', (_name, o) => {
  expect(drive({ definition: o }, o.example.params, o.example.input)).toEqual(o.example.output)
})

test('the market has the shares of Nexmark, is in order of time and hot at its newest', () => {
  const rows = (kind: string) => frames.filter((f) => f.kind === kind).reduce((sum, f) => sum + f.rows, 0)
  expect([Person, Auction, Bid].map(({ kind }) => rows(kind))).toEqual([0.02, 0.06, 0.92].map((s) => s * EVENTS))
  const bids = frames.filter((f) => f.kind === Bid.kind)
  const times = bids.flatMap((f) => [...f.at])
  expect(times).toEqual(times.toSorted((a, b) => a - b))
  const hot = bids.flatMap((f) => [...(f.columns[0] as Float64Array)]).filter((auction) => auction % 100 === 0)
  expect(hot.length / times.length).toBeCloseTo(0.505, 1)
})

describe.each(Object.entries(queries))('%s', (_name, { plan, raw, sheet, write }) => {
  const oracle = sheet()
  raw(frames, oracle)
  test.each(['interpret', 'compile'] as const)('answers what the loop by hand answers, by %s', async (execution) => {
    const found = sheet()
    const failures = new FirstFailure()
    const engine = await openEngine(
      plan(),
      { failed: failures.failed, output: () => (_key, at, _ordinal, value) => write(found, at, value) },
      { execution },
    )
    for (const frame of frames) engine.frame(frame)
    failures.check()
    expect(oracle.length).toBeGreaterThan(0)
    expect([engine.counts.late, engine.counts.invalid]).toEqual([0, 0])
    expect(rowsOf(found)).toEqual(rowsOf(oracle))
    engine.close()
  })
})
