import { expect, test } from 'vitest'
import { z } from 'zod'
import { Scalar } from '../schemas/features.ts'
import { decodeFrame } from '../schemas/frame.ts'
import { Trade } from '../schemas/market.ts'
import { Fill } from '../schemas/orders.ts'
import { scalar } from '../schemas/samples.ts'
import { sources } from '../sources/catalogue.ts'
import { defineKernel, defineOperator, listed } from './define.ts'
import { drive } from './drive.ts'
import { type EngineOptions, openEngine } from './engine.ts'
import { encodeItems } from './feed.ts'
import type { Kernel } from './kernels.ts'
import { keyGroup } from './key_groups.ts'
import { plan } from './plan.ts'

const prices = defineOperator({
  name: 'prices',
  version: 1,
  summary: 'Says the newest price every ten microseconds.',
  input: { trade: Trade },
  output: Scalar,
  params: z.strictObject({}),
  init: () => ({ price: 0 }),
  on: {
    trade(state, { price }) {
      state.price = price
    },
  },
  timer: { every: () => 10, fire: ({ price }) => price },
  example: { params: {}, input: [], output: [] },
})
const kernelOf = (open: () => Kernel | Promise<Kernel>) =>
  defineKernel({
    name: 'model',
    version: 1,
    summary: 'A model.',
    input: Scalar,
    output: Scalar,
    params: z.strictObject({}),
    open,
    example: { params: {}, input: [], output: [] },
  })
const drawn = (open: () => Kernel | Promise<Kernel>) =>
  plan(
    {
      pipeline: 'asking',
      nodes: {
        trades: { source: 'tape_trades' },
        prices: { op: 'prices', from: 'trades' },
        model: { op: 'model', from: 'prices' },
      },
    },
    { operators: listed(prices, kernelOf(open)), sources, sinks: {} },
  )
const trade = (price: number) => ({ price, size: 1, side: 0, id: 0 })
async function asked(open: () => Kernel | Promise<Kernel>, options: EngineOptions = {}) {
  const said: string[] = []
  const failed: string[] = []
  const engine = await openEngine(
    drawn(open),
    {
      message: (edge, key, at, value) => {
        if (edge === 'model' || edge === 'prices') said.push(`${edge} ${key} ${at} ${value}`)
      },
      failed: ({ node, key, at, cause }) => failed.push(`${node} ${key} ${at} ${(cause as Error).message}`),
    },
    options,
  )
  return { engine, said, failed }
}
// two instruments of one key group
const [a, b] = ['v:K1', 'v:K171']

test('what is asked at one boundary is one batch, and the answers follow in the order asked', async () => {
  const batches: number[] = []
  const { engine, said } = await asked(() => ({
    run(input, rows) {
      batches.push(rows)
      return input.map((x) => x * 2)
    },
  }))
  engine.row(0, a, 1, trade(3))
  engine.row(0, b, 2, trade(4))
  engine.row(0, a, 21, trade(5))
  expect(engine.network.groups[1]).toBe(engine.network.groups[2])
  expect(batches).toEqual([2, 2])
  expect(said).toEqual([
    ...[`prices ${a} 10 3`, `prices ${b} 10 4`, `model ${a} 10 6`, `model ${b} 10 8`],
    ...[`prices ${a} 20 3`, `prices ${b} 20 4`, `model ${a} 20 6`, `model ${b} 20 8`],
  ])
})
test('what two rows of a long frame ask are two batches, wherever they stand', async () => {
  const price = defineOperator({
    ...{ name: 'price', version: 1, summary: 'Says prices above one.', input: { trade: Trade }, output: Scalar },
    ...{ params: z.strictObject({}), example: { params: {}, input: [], output: [] } },
    on: { trade: (_state, { price }) => (price > 1 ? price : undefined) },
  })
  const batches: number[] = []
  const model = kernelOf(() => ({
    run(input, rows) {
      batches.push(rows)
      return input
    },
  }))
  const nodes = {
    trades: { source: 'tape_trades' },
    price: { op: 'price', from: 'trades' },
    model: { op: 'model', from: 'price' },
  }
  const drawn = plan({ pipeline: 'asking', nodes }, { operators: listed(price, model), sources, sinks: {} })
  const engine = await openEngine(drawn, {}, { execution: 'compile' })
  for (let first = 500; first < 530; first++) {
    const items = Array.from({ length: 1000 }, (_, i) => ({
      ...{ type: 'row' as const, at: first * 1000 + i, key: a },
      value: trade(i === first || i === first + 1 ? 2 : 1),
    }))
    for (const bytes of encodeItems(drawn.sources[0] as never, items))
      engine.frame(decodeFrame(bytes, { trade: Trade }))
  }
  expect(batches).toEqual(Array.from({ length: 60 }, () => 1))
})
test('a kernel that answers later holds everything up until it has, and nothing may be handed in meanwhile', async () => {
  const { engine, said } = await asked(async () => ({ run: async (input) => input.map((x) => x + 1) }))
  engine.row(0, a, 1, trade(3))
  engine.row(0, a, 11, trade(5))
  expect(said).toEqual([`prices ${a} 10 3`])
  expect(() => engine.row(0, a, 12, trade(6))).toThrow(/wait for `engine.waiting`/)
  await engine.waiting
  expect(said).toEqual([`prices ${a} 10 3`, `model ${a} 10 4`])
  engine.row(0, a, 12, trade(6))
})
test.each([
  [
    'throws',
    () => {
      throw new Error('out of memory')
    },
    'out of memory',
  ],
  ['rejects', async () => Promise.reject(new Error('gone')), 'gone'],
  ['answers too little', () => new Float64Array(0), 'expected 1 x 1 numbers, found 0'],
] as const)('a kernel that %s is left out, and the rest goes on', async (_words, run, reason) => {
  const { engine, said, failed } = await asked(() => ({ run }))
  engine.row(0, a, 1, trade(3))
  engine.row(0, a, 11, trade(5))
  await engine.waiting
  engine.row(0, a, 21, trade(6))
  await engine.waiting
  expect(failed).toEqual([`model ${a} 10 ${reason}`])
  expect(said).toEqual([`prices ${a} 10 3`, `prices ${a} 20 5`])
})
test('a kernel that cannot be opened names its node, and those that were opened are closed', async () => {
  await expect(
    openEngine(
      drawn(() => {
        throw new Error('no such file')
      }),
    ),
  ).rejects.toMatchObject({
    code: 'KERNEL_FAILED',
    message: 'node "model" (model) could not open its kernel: no such file',
  })
  let closed = 0
  const engine = await openEngine(drawn(() => ({ run: (input) => input, close: () => closed++ })))
  engine.close()
  expect(closed).toBe(1)
})
test.each(['interpret', 'compile'] as const)(
  'questions are written where a kernel lends memory, in rows of its own length: %s',
  async (execution) => {
    const batches: string[] = []
    const lent = new Float32Array(7).fill(9)
    const lender = (): Kernel => ({
      run(input, rows) {
        batches.push(`own ${input.subarray(0, rows)}`)
        return input
      },
      room: {
        numbers: lent,
        stride: 3,
        run(rows) {
          batches.push(`lent ${lent.subarray(0, 3 * rows)}`)
          return new Float64Array(rows)
        },
      },
    })
    const engine = await openEngine(drawn(lender), {}, { execution })
    const c = Array.from({ length: 1000 }, (_, i) => `v:T${i}`).find((key) => keyGroup(key) === keyGroup(a)) as string
    engine.row(0, a, 1, trade(1.1))
    engine.row(0, b, 2, trade(2.5))
    engine.row(0, a, 11, trade(1.1))
    // one more than fits, and again
    engine.row(0, c, 12, trade(3.3))
    engine.row(0, a, 21, trade(4))
    engine.row(0, a, 31, trade(4))
    const single = Math.fround(1.1)
    expect(batches).toEqual([
      `lent ${single},9,9,2.5,9,9`,
      `own ${single},2.5,${Math.fround(3.3)}`,
      `own 4,2.5,${Math.fround(3.3)}`,
    ])
  },
)
test('memory too small for a row is refused, and the kernel closed', async () => {
  let closed = 0
  const room = { numbers: new Float32Array(8), stride: 0, run: () => new Float64Array(1) }
  await expect(asked(() => ({ run: (input) => input, room, close: () => closed++ }))).rejects.toThrow(
    'node "model": the kernel lends too little: expected rows of 1 numbers, found 8 in rows of 0',
  )
  expect(closed).toBe(1)
})
test('two nodes cannot share the memory of one kernel: each would write over what the other asks', async () => {
  const shared: Kernel = {
    run: (input) => input,
    room: { numbers: new Float32Array(8), stride: 1, run: (rows) => new Float64Array(rows) },
  }
  const nodes = {
    trades: { source: 'tape_trades' },
    prices: { op: 'prices', from: 'trades' },
    one: { op: 'model', from: 'prices' },
    two: { op: 'model', from: 'prices' },
  }
  const catalogue = {
    operators: listed(
      prices,
      kernelOf(() => shared),
    ),
    sources,
    sinks: {},
  }
  await expect(openEngine(plan({ pipeline: 'sharing', nodes }, catalogue))).rejects.toThrow(
    'two nodes share the memory a kernel lends',
  )
})
test('a kernel that answers at once can be driven by hand; one that does not says so', () => {
  const double = kernelOf(() => ({ run: (input, rows) => input.slice(0, rows).map((x) => 2 * x) }))
  expect(drive(double, {}, [scalar(1, 3), scalar(2, 4)])).toEqual([6, 8])
  const later = kernelOf(async () => ({ run: (input) => input }))
  expect(() => drive(later, {}, [scalar(1, 3)])).toThrow(/the kernel of model opens or answers later/)
})
test('a kernel reads and writes numbers only', () => {
  expect(() =>
    defineKernel({
      name: 'money',
      version: 1,
      summary: 'Takes money.',
      input: Fill,
      output: Scalar,
      params: z.strictObject({}),
      open: () => ({ run: (input) => input }),
      example: { params: {}, input: [], output: [] },
    }),
  ).toThrow('kernel money: fill has text or money; a kernel reads and writes numbers')
})
