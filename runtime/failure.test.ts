import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { Scalar } from '../schemas/features.ts'
import { decodeFrame } from '../schemas/frame.ts'
import { Trade } from '../schemas/market.ts'
import { sources } from '../sources/catalogue.ts'
import { defineOperator, listed, many } from './define.ts'
import { Engine, type ExecutionName } from './engine.ts'
import { failureOf } from './failure.ts'
import { encodeItems } from './feed.ts'
import { plan } from './plan.ts'
import { Snapshots } from './state/snapshot.ts'
import type { Failure } from './watch.ts'

const repeat = (name: string, check: (price: number) => void) =>
  defineOperator({
    name,
    version: 1,
    summary: 'Repeats prices.',
    input: { trade: Trade },
    output: Scalar,
    params: z.strictObject({}),
    on: {
      trade(_state, { price }) {
        check(price)
        return price
      },
    },
    example: { params: {}, input: [], output: [] },
  })
const toys = {
  operators: listed(
    repeat('sound', () => {}),
    repeat('broken', (price) => {
      if (price === 13) throw new Error('not thirteen')
    }),
  ),
  sources,
  sinks: {},
}
const drawn = plan(
  {
    pipeline: 'failing',
    nodes: {
      trades: { source: 'tape_trades' },
      before: { op: 'sound', from: 'trades' },
      broken: { op: 'broken', from: 'trades' },
      after: { op: 'sound', from: 'trades' },
    },
  },
  toys,
)
function run(execution: ExecutionName, rows: readonly (readonly [key: string, price: number])[]) {
  const failures: Failure[] = []
  const engine = new Engine(drawn, { failed: (failure) => failures.push(failure) }, { execution })
  rows.forEach(([key, price], i) => {
    engine.row(0, key, (i + 1) * 1000, { price, size: 1, side: 0, id: i })
  })
  return { engine, failures, in: Object.fromEntries(engine.metrics().map((m) => [m.node, m])) }
}
const rows = [
  ['v:A', 1],
  ['v:B', 2],
  ['v:A', 13],
  ['v:A', 3],
  ['v:B', 4],
] as const

describe.each(['interpret', 'compile'] as const)('a node that throws (%s)', (execution) => {
  test('is named with its instrument, time and input row', () => {
    const { failures, engine } = run(execution, rows)
    expect(failures).toMatchObject([{ node: 'broken', operator: 'broken', key: 'v:A', at: 3000, row: 3 }])
    expect(failureOf(failures[0] as Failure).message).toBe(
      'node "broken" (broken) failed for v:A at 1970-01-01T00:00:00.003Z, input row 3: not thirteen',
    )
    expect(engine.counts.failed).toBe(1)
  })
  test('is named with its row wherever that stands in a long frame', () => {
    const failures: Failure[] = []
    const engine = new Engine(drawn, { failed: (failure) => failures.push(failure) }, { execution })
    const items = Array.from({ length: 2000 }, (_, i) => ({
      ...{ type: 'row' as const, at: i * 1000, key: i % 2 === 0 ? 'v:A' : 'v:B' },
      value: { price: i === 1200 || i === 1501 ? 13 : 1, size: 1, side: 0, id: i },
    }))
    for (const bytes of encodeItems(drawn.sources[0] as never, items))
      engine.frame(decodeFrame(bytes, { trade: Trade }))
    expect(failures.map(({ key, row }) => [key, row])).toEqual([
      ['v:A', 1201],
      ['v:B', 1502],
    ])
  })
  test('is left out for that instrument; all others hear of every row, that one included', () => {
    const { in: nodes } = run(execution, rows)
    expect([nodes['before']?.out[''], nodes['after']?.out['']]).toEqual([5, 5])
    // one of A, both of B
    expect(nodes['broken']?.out['']).toBe(3)
    expect(nodes['broken']?.failed).toBe(1)
  })
  test('stays left out over a restart', () => {
    const first = run(execution, rows).engine
    const again = new Engine(drawn, {}, { execution })
    new Snapshots(again).load(new Snapshots(first).save(true), [...first.network.keys])
    again.resume()
    again.row(0, 'v:A', 9000, { price: 5, size: 1, side: 0, id: 9 })
    again.row(0, 'v:B', 9000, { price: 5, size: 1, side: 0, id: 9 })
    const [, , broken, after] = again.metrics()
    expect([broken?.out[''], after?.out['']]).toEqual([1, 2])
  })
})

test.each(['interpret', 'compile'] as const)(
  'an alarm at no time at all fails, and stops no timer of others (%s)',
  (execution) => {
    const common = {
      version: 1,
      summary: 'Waits.',
      input: { trade: Trade },
      output: Scalar,
      params: z.strictObject({}),
    }
    const example = { params: {}, input: [], output: [] }
    const lost = defineOperator({
      ...{ ...common, name: 'lost', example, init: () => ({ due: Number.POSITIVE_INFINITY }) },
      on: {
        trade(state, { price }) {
          state.due = price - Number.POSITIVE_INFINITY * 0
        },
      },
      alarm: { at: ({ due }) => due, fire: () => undefined },
    })
    const clock = defineOperator({
      ...{ ...common, name: 'clock', example },
      on: { trade: () => undefined },
      timer: { every: () => 10, fire: (_state, at) => at },
    })
    const nodes = {
      trades: { source: 'tape_trades' },
      lost: { op: 'lost', from: 'trades' },
      clock: { op: 'clock', from: 'trades' },
    }
    const waiting = plan({ pipeline: 'waiting', nodes }, { operators: listed(lost, clock), sources, sinks: {} })
    const failures: string[] = []
    const failed = ({ node, at, cause }: Failure) => failures.push(`${node} ${at} ${(cause as Error).message}`)
    const engine = new Engine(waiting, { failed }, { execution })
    for (const at of [1, 35]) engine.row(0, 'v:A', at, { price: 1, size: 1, side: 0, id: 0 })
    expect(failures).toEqual(['lost 1 its alarm must be a time, or Infinity for never, found NaN'])
    expect(engine.metrics().find(({ node }) => node === 'clock')?.out['']).toBe(3)
  },
)

const answering = (answer: unknown) =>
  defineOperator({
    ...{ name: 'answering', version: 1, summary: 'Says something.', params: z.strictObject({}) },
    ...{ input: { trade: Trade }, output: { one: Scalar, all: many(Scalar) }, on: { trade: () => answer as never } },
    example: { params: {}, input: [], output: [] },
  })
const comparing = defineOperator({
  ...{ name: 'comparing', version: 1, summary: 'Repeats what it hears.', params: z.strictObject({}) },
  ...{ input: { one: Scalar }, latest: { newest: Scalar }, output: Scalar },
  on: { one: (_state, _one, { latest }) => latest.newest },
  example: { params: {}, input: [], output: [] },
})
test.each([
  ['null', { one: null }],
  ['text', { one: '1' }],
  ['a bigint', { one: 1n }],
  ['nothing in an array', { all: [undefined] }],
])('an answer of another type than its kind is a failure: %s', (_words, answer) => {
  const nodes = {
    trades: { source: 'tape_trades' },
    answering: { op: 'answering', from: 'trades' },
    comparing: { op: 'comparing', from: 'answering.one', latest: { newest: 'answering.one' } },
    others: { op: 'comparing', from: 'answering.all', latest: { newest: 'answering.all' } },
  }
  const operators = listed(answering(answer), comparing)
  const drawn = plan({ pipeline: 'odd', nodes }, { operators, sources, sinks: {} })
  for (const execution of ['interpret', 'compile'] as const) {
    const failures: Failure[] = []
    const engine = new Engine(drawn, { failed: (failure) => failures.push(failure) }, { execution })
    engine.row(0, 'v:A', 1, { price: 1, size: 1, side: 0, id: 0 })
    expect(failures).toMatchObject([
      { node: 'answering', cause: { message: expect.stringMatching(/expected a scalar, found /) } },
    ])
    expect(
      engine
        .metrics()
        .map(({ out }) => out[''])
        .filter(Boolean),
    ).toEqual([1])
  }
})
