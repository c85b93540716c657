import { expect, test } from 'vitest'
import { z } from 'zod'
import { kind } from '../../schemas/kind.ts'
import { Trade } from '../../schemas/market.ts'
import { defineOperator, defineSource, listed } from '../define.ts'
import { Engine, type ExecutionName } from '../engine.ts'
import { plan } from '../plan.ts'

const Price = kind('price', z.number(), { summary: 'A price.', recorded: true })
const Flags = kind('flags', z.strictObject({ row: z.boolean() }), { summary: 'A flag.' })
const params = z.strictObject({})
const common = { version: 1, summary: 'Adds up prices.', params, example: { params: {}, input: [], output: [] } }
const plain = defineOperator({
  ...{ ...common, name: 'plain', output: Price },
  input: { trade: Trade, side: Trade, flags: Flags },
  optional: ['trade', 'side', 'flags'],
  in_order: ['trade'],
  on: {
    trade: (_state, { price }) => price,
    side: (_state, { side }) => side,
    flags: (_state, { row }) => Number(row),
  },
})
const looking = defineOperator({
  ...{ ...common, name: 'looking', output: { trade: Price, row: Flags } },
  input: { trade: Trade },
  latest: { trade: Trade },
  before: { trade: { price: 5, size: 1, side: 0, id: 0 } },
  on: { trade: (_state, { price }, { latest }) => ({ trade: price + latest.trade.price, row: { row: true } }) },
})
const trades = defineSource({ ...common, name: 'trades', output: Trade, example: { params: {} } })

/** Node ids, ports, kinds and fields that would be one name in a program if they stood there as they are. */
const ids = [
  'v_x',
  'o_x',
  'before_x',
  'keep_x',
  'last_x',
  'send_x',
  'output_x',
  'rung_x',
  'ready_x',
  'on_x',
  'trade',
  'flags',
  'price',
]
test.each(ids)('a node may be called %s', (id) => {
  const nodes = {
    trades: { source: 'trades' },
    x: { op: 'looking', from: 'trades', latest: { trade: 'trades' } },
    [id]: { op: 'plain', from: { trade: 'trades', side: 'trades', flags: 'x.row' } },
  }
  const drawn = plan(
    { pipeline: 'p', nodes },
    { operators: listed(plain, looking), sources: listed(trades), sinks: {} },
  )
  const run = (execution: ExecutionName) => {
    const said: string[] = []
    const watch = {
      output: (edge: string) => (_key: string, _at: number, _ordinal: number, value: unknown) => {
        said.push(`${edge} ${value}`)
      },
      failed: ({ cause }: { cause: unknown }) => said.push(String(cause)),
    }
    new Engine(drawn, watch, { execution }).row(0, 'v:A', 1, { price: 2, size: 1, side: 1, id: 0 })
    return said
  }
  expect(run('compile')).toEqual(['x.trade 4', `${id} 2`, `${id} 1`, `${id} 1`])
  expect(run('compile')).toEqual(run('interpret'))
})
