import { expect, test } from 'vitest'
import { z } from 'zod'
import { decodeFrame } from '../../schemas/frame.ts'
import { kind } from '../../schemas/kind.ts'
import { Trade } from '../../schemas/market.ts'
import { defineOperator, defineScan, defineSource, listed } from '../define.ts'
import { Engine, type ExecutionName, programOf } from '../engine.ts'
import { encodeItems } from '../feed.ts'
import { plan } from '../plan.ts'

const Said = kind('said', z.number(), { summary: 'A price that was heard.', recorded: true })
const common = { version: 1, summary: 'Hands on what it hears.', params: z.strictObject({}) }
const example = { params: {}, input: [], output: [] }
/** Hands on what is dear. */
const dear = defineOperator({
  ...{ ...common, name: 'dear', input: { trade: Trade }, output: Trade, example },
  on: { trade: (_state, trade) => trade },
  silent: (_state, { price }) => price <= 10,
})
const price = defineScan({
  ...{ ...common, name: 'price', input: Trade, output: Said, example },
  step: (_state, trade) => trade.price,
})
/** Keeps an eye on all trades, and answers them. */
const watcher = defineOperator({
  ...{ ...common, name: 'watcher', input: { said: Said }, output: Said, example },
  ambient: { trade: Trade },
  on: { said: () => undefined, trade: (_state, trade) => -trade.price },
})
const told = defineOperator({
  ...{ ...common, name: 'told', input: { said: Said }, output: Said, example },
  on: {
    said(_state, said) {
      if (said === 666) throw new Error('not this one')
      return said + 1000
    },
  },
})
const lateness = () => 0
const trades = (name: string) => defineSource({ ...common, name, output: Trade, lateness, example: { params: {} } })
const catalogue = {
  operators: listed(dear, price, watcher, told),
  sources: listed(trades('all'), trades('some')),
  sinks: {},
}
const drawn = plan(
  {
    pipeline: 'p',
    nodes: {
      all: { source: 'all' },
      some: { source: 'some' },
      dear: { op: 'dear', from: 'some' },
      price: { op: 'price', from: 'dear' },
      watcher: { op: 'watcher', from: 'price' },
      told: { op: 'told', from: 'price' },
      yet: { op: 'price', from: 'dear' },
    },
  },
  catalogue,
)

/** What was said, and who failed, when trades of these prices come: of `all`, or of `some` where they are below 0. */
function said(execution: ExecutionName, prices: readonly number[]): readonly (number | string)[] {
  const heard: (number | string)[] = []
  const output = (edge: string) => (_key: string, _at: number, _o: number, value: unknown) =>
    heard.push(`${edge} ${value}`)
  const failed = ({ node, row }: { node: string; row: number | undefined }) => heard.push(`${node} failed, row ${row}`)
  const engine = new Engine(drawn, { output, failed }, { execution })
  const rows = prices.map((p, i) => {
    const value = { price: Math.abs(p), size: 1, side: 0 as const, id: 0 }
    return { source: p < 0 ? 1 : 0, row: { type: 'row' as const, at: 100 + i, key: 'v:A', value } }
  })
  for (const { source, row } of rows)
    for (const bytes of encodeItems(drawn.sources[source] as never, [row]))
      engine.frame(decodeFrame(bytes, { trade: Trade }))
  return heard
}

test('what follows an answer that seldom comes is what the interpreter makes of it, whoever else has spoken', () => {
  // rows of `some` make a price only where they are dear; the watcher answers all of them
  const prices = [1, -2, -50, 3, -60, -4]
  expect(said('interpret', prices)).toEqual([
    ...['watcher -1', 'watcher -2', 'price 50', 'watcher -50', 'told 1050', 'yet 50', 'watcher -3'],
    ...['price 60', 'watcher -60', 'told 1060', 'yet 60', 'watcher -4'],
  ])
  expect(said('compile', prices)).toEqual(said('interpret', prices))
  expect(programOf(drawn)).toContain('after_watcher(k, times[i], said_0')
})
test('who throws there is left out, and the others go on', () => {
  const prices = [-50, -666, -70, 2]
  expect(said('interpret', prices).filter((s) => String(s).includes('failed'))).toHaveLength(1)
  expect(said('compile', prices)).toEqual(said('interpret', prices))
})
