import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { decodeFrame } from '../schemas/frame.ts'
import { kind } from '../schemas/kind.ts'
import { Quote, Trade } from '../schemas/market.ts'
import { type Catalogue, defineOperator, defineSource, listed } from './define.ts'
import { Engine } from './engine.ts'
import { encodeItems } from './feed.ts'
import { plan } from './plan.ts'
import { carry } from './state/carry.ts'
import { Snapshots } from './state/snapshot.ts'

const Heard = kind('heard', z.number(), { summary: 'A time that was heard.', recorded: true })
const common = { version: 1, summary: 'Tells what it hears.', params: z.strictObject({}) }
const example = { params: {}, input: [], output: [] }
const teller = (name: string, in_order: readonly ('trade' | 'quote')[], late = false) =>
  defineOperator({
    ...{ ...common, name, in_order, late, example, output: Heard },
    input: { trade: Trade, quote: Quote },
    optional: ['trade', 'quote'],
    on: { trade: (_state, _trade, { at }) => at, quote: (_state, _quote, { at }) => -at },
  })
const lateness = () => 1000
const catalogue: Catalogue = {
  operators: listed(
    teller('both', ['trade', 'quote']),
    teller('trades_only', ['trade']),
    teller('anything', []),
    teller('late_too', ['trade', 'quote'], true),
  ),
  sources: listed(
    defineSource({ ...common, name: 'trades', output: Trade, lateness, example: { params: {} } }),
    defineSource({ ...common, name: 'quotes', output: Quote, lateness, example: { params: {} } }),
  ),
  sinks: {},
}
const wires = { trade: 'trades', quote: 'quotes' }
const drawn = (tellers: readonly string[], from: Partial<typeof wires> = wires) =>
  plan(
    {
      pipeline: 'p',
      nodes: {
        trades: { source: 'trades' },
        quotes: { source: 'quotes' },
        ...Object.fromEntries(tellers.map((op) => [op, { op, from }])),
      },
    },
    catalogue,
  )
const all = drawn(['both', 'trades_only', 'anything'])
const feed = { trades: 0, quotes: 1 } as const
const values = { trades: { price: 1, size: 1, side: 0, id: 0 }, quotes: { bid: 1, ask: 2, bid_size: 1, ask_size: 1 } }

describe.each(['interpret', 'compile'] as const)('ports in order (%s)', (execution) => {
  function open(of = all) {
    const said: Record<string, number[]> = { both: [], trades_only: [], anything: [], late_too: [] }
    const output = (edge: string) => (_key: string, _at: number, _o: number, value: unknown) =>
      said[edge]?.push(value as number)
    const engine = new Engine(of, { output }, { execution })
    const tell = (source: keyof typeof feed, times: readonly number[], key = 'v:A') => {
      const planned = of.sources[feed[source]] as never
      const rows = times.map((at) => ({ type: 'row' as const, at, key, value: values[source] }))
      for (const bytes of encodeItems(planned, rows)) engine.frame(decodeFrame(bytes, { trade: Trade, quote: Quote }))
    }
    return { engine, tell, said }
  }

  test('leave out what is older than what any of them has heard, key by key', () => {
    const { tell, said } = open()
    tell('trades', [100, 90, 100, 110])
    tell('quotes', [105, 110, 120])
    tell('trades', [115, 111, 130], 'v:A')
    tell('trades', [50, 40], 'v:B')
    expect(said['both']).toEqual([100, 100, 110, -110, -120, 130, 50])
    expect(said['trades_only']).toEqual([100, 100, 110, -105, -110, -120, 115, 130, 50])
    expect(said['anything']).toEqual([100, 90, 100, 110, -105, -110, -120, 115, 111, 130, 50, 40])
  })
  test('hear of no late row that only others take', () => {
    const { tell, said } = open(drawn(['both', 'late_too']))
    // two instruments of one key group
    const [a, b] = ['v:K1', 'v:K171']
    tell('trades', [5000], a)
    tell('quotes', [2600], a)
    tell('trades', [3000], b)
    tell('quotes', [2500], b)
    expect(said['late_too']).toEqual([5000, 3000])
    expect(said['both']).toEqual([5000, -2500])
  })
  test('know how far they have heard after a restart', () => {
    const first = open()
    first.tell('trades', [100, 110])
    const again = open()
    new Snapshots(again.engine).load(new Snapshots(first.engine).save(true), [...first.engine.network.keys])
    again.engine.resume()
    again.tell('trades', [105, 112])
    expect([again.said['both'], again.said['anything']]).toEqual([[112], [105, 112]])
  })
  test('know it in the next plan, where they hear the same', () => {
    const [old, next] = [open(drawn(['both'])), open(all)]
    old.tell('trades', [100, 110])
    carry(old.engine, next.engine)
    next.tell('trades', [105, 112])
    expect([next.said['both'], next.said['trades_only']]).toEqual([[112], [105, 112]])
  })
  test('know it in the next plan, where their node is kept and hears more', () => {
    const [old, next] = [open(drawn(['both'], { trade: 'trades' })), open(all)]
    old.tell('trades', [100, 110])
    carry(old.engine, next.engine, ['both'])
    next.tell('quotes', [105, 112])
    expect([next.said['both'], next.said['trades_only']]).toEqual([[-112], [-105, -112]])
  })
})
