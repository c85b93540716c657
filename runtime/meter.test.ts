import { expect, test } from 'vitest'
import { z } from 'zod'
import { Scalar } from '../schemas/features.ts'
import { decodeFrame } from '../schemas/frame.ts'
import { FrameWriter } from '../schemas/frame_writer.ts'
import { Trade } from '../schemas/market.ts'
import { trade } from '../schemas/samples.ts'
import { defineScan, defineSource, listed } from './define.ts'
import { Engine } from './engine.ts'
import { plan } from './plan.ts'

const trades = defineSource({
  name: 'trades',
  version: 1,
  summary: 'Trades from elsewhere.',
  output: Trade,
  params: z.strictObject({}),
  lateness: () => 0,
  example: { params: {} },
})
const price = defineScan({
  name: 'price',
  version: 1,
  summary: 'The price.',
  input: Trade,
  output: Scalar,
  params: z.strictObject({}),
  step: (_state, trade) => trade.price,
  example: { params: {}, input: [trade(1, 10)], output: [10] },
})
const drawn = plan(
  { pipeline: 'p', nodes: { trades: { source: 'trades' }, price: { op: 'price', from: 'trades' } } },
  { operators: listed(price), sources: listed(trades), sinks: {} },
)

/** Runs rows past a clock that each timed call reads twice; gives the rows that were timed. */
function timed(rows: number, cost: (call: number) => number, metering: { rows: number; timers: number }) {
  let [clock, reads] = [0, 0]
  const at: number[] = []
  const writer = new FrameWriter(Trade, 'trades')
  const now = () => {
    if (reads++ % 2 === 1) clock += cost(reads >> 1)
    return clock
  }
  const engine = new Engine(drawn, {}, { metering: { now, ...metering } })
  for (let row = 1; row <= rows; row++) {
    const before = reads
    writer.push(row, 'v:A', { price: 1, size: 1, side: 0, id: row })
    engine.frame(decodeFrame(writer.take(), { trade: Trade }))
    if (reads > before) at.push(row)
  }
  return { at, ns: engine.metrics().find(({ node }) => node === 'price')?.ns_per_call }
}

test('rows are timed close together at first, and then as often as was asked for', () => {
  const { at } = timed(1000, () => 1, { rows: 100, timers: 100 })
  const waits = at.slice(1).map((row, i) => row - (at[i] as number) - 1)
  expect(at[0]).toBe(17)
  expect(waits.slice(0, 4)).toEqual([32, 64, 100, 100])
  expect(new Set(waits.slice(2))).toEqual(new Set([100]))
})
test('what a call costs now counts, not what it cost while it was compiled', () => {
  expect(timed(20_000, (call) => (call <= 10 ? 50_000 : 100), { rows: 20, timers: 20 }).ns).toBe(100)
})
test('a node that was never timed has no time', () => {
  expect(timed(10, () => 1, { rows: 100, timers: 100 }).ns).toBeNull()
})
