import { expect, test } from 'vitest'
import { z } from 'zod'
import { Scalar } from '../../schemas/features.ts'
import { Bar } from '../../schemas/market.ts'
import { bar } from '../../schemas/samples.ts'
import { defineOperator, defineSource, listed, Ring } from '../define.ts'
import { Engine } from '../engine.ts'
import { plan } from '../plan.ts'
import { Snapshots } from '../state/snapshot.ts'

const leaves = ['number', 'sign', 'nan', 'flag', 'big', 'ring', 'inner', 'none'] as const
const SECOND = 1_000_000

/** Its timer changes one leaf of its state, and says nothing. */
const silent = defineOperator({
  name: 'silent',
  version: 1,
  summary: 'Changes one leaf of its state when its timer fires.',
  input: { bar: Bar },
  output: Scalar,
  params: z.strictObject({ leaf: z.enum(leaves).describe('which leaf') }),
  init: () => ({
    number: 0,
    sign: 0,
    nan: 0,
    flag: false as boolean,
    big: 0n,
    ring: new Ring(3),
    inner: { number: 0 },
  }),
  on: { bar: () => undefined },
  timer: {
    every: () => 10 * SECOND,
    fire(state, at, { params: { leaf } }) {
      if (leaf === 'number') state.number = at
      if (leaf === 'sign') state.sign = -0
      if (leaf === 'nan') state.nan = Number.NaN
      if (leaf === 'flag') state.flag = true
      if (leaf === 'big') state.big = 2n ** 100n
      // behind the back of the ring: neither its count nor its place moves
      if (leaf === 'ring') state.ring.data[1] = 7
      if (leaf === 'inner') state.inner.number = at
      return undefined
    },
  },
  example: { params: { leaf: 'none' }, input: [bar(1, 1)], output: [] },
})
const bars = defineSource({
  name: 'bars',
  version: 1,
  summary: 'Bars from elsewhere.',
  output: Bar,
  params: z.strictObject({}),
  lateness: () => 0,
  example: { params: {} },
})

test.each(leaves)('what a silent timer changes is saved: %s', (leaf) => {
  const drawn = plan(
    { pipeline: 'p', nodes: { bars: { source: 'bars' }, silent: { op: 'silent', from: 'bars', params: { leaf } } } },
    { operators: listed(silent), sources: listed(bars), sinks: {} },
  )
  const [first, second] = [new Engine(drawn), new Engine(drawn)] as const
  const [saves, loads] = [new Snapshots(first), new Snapshots(second)]
  const close = { open: 1, high: 1, low: 1, close: 1, volume: 1 }
  first.row(0, 'v:A', SECOND, close)
  first.row(0, 'v:B', SECOND, close)
  loads.load(saves.save(true), first.network.keys)
  first.heartbeat(0, '*', 11 * SECOND, { end: false })
  const { dirty, keys } = first.network
  const changed = keys.filter((_key, code) => dirty[code] === 1)
  loads.load(saves.save(false), first.network.keys)
  expect(Buffer.compare(loads.save(true), saves.save(true))).toBe(0)
  expect(changed).toEqual(leaf === 'none' ? [] : ['v:A', 'v:B'])
})
