import { expect, test } from 'vitest'
import { parse } from 'yaml'
import { operators } from '../operators/catalogue.ts'
import { ema } from '../operators/feature/ema.ts'
import { riskGate } from '../operators/risk/risk_gate.ts'
import { fixedNotional } from '../operators/sizing/fixed_notional.ts'
import { cross } from '../operators/window/cross.ts'
import { timeBars } from '../operators/window/time_bars.ts'
import { Fill } from '../schemas/orders.ts'
import type { PipelineInput } from '../schemas/spec.ts'
import { sinks } from '../sinks/catalogue.ts'
import { simulatedVenue } from '../sinks/simulated_venue.ts'
import { sources } from '../sources/catalogue.ts'
import { tapeTrades } from '../sources/tape/trades.ts'
import type { Catalogue, Operator, Sink } from './define.ts'
import { pipeline } from './pipeline.ts'
import { plan } from './plan.ts'

const catalogue: Catalogue = { operators, sources, sinks }
const text = `
pipeline: momentum
nodes:
  trades:  { source: tape_trades }
  bars:    { op: time_bars, from: trades, params: { every: 1m } }
  trend:   { op: ema, from: bars, params: { span: 20 } }
  above:   { op: cross, from: bars, latest: { trend: trend } }
  sized:   { op: fixed_notional, from: above, params: { notional: 1000 } }
  gate:    { op: risk_gate, from: { intent: sized, fill: execute.fill }, params: { max_notional: 50000 } }
  execute: { sink: simulated_venue, from: gate.approved }
`
const drawn = (every: string | number = '60s') =>
  pipeline('momentum', (p) => {
    const fill = p.later('execute.fill', Fill)
    const trades = p.source('trades', tapeTrades({}))
    const bars = p.join('bars', { trade: trades }, timeBars({ every }))
    const trend = p.via('trend', bars, ema({ span: 20 }))
    const above = p.via('above', bars, cross({}), { trend })
    const sized = p.via('sized', above, fixedNotional({ notional: 1000 }))
    const gate = p.join('gate', { intent: sized, fill }, riskGate({ max_notional: 50_000 }))
    p.sink('execute', gate.approved, simulatedVenue({}))
  })
const yaml = parse(text) as PipelineInput
const hash = (document: unknown, known: Catalogue = catalogue) => plan(document, known).hash

test('the YAML and the TypeScript form of a pipeline are one plan', () => {
  expect(hash(drawn())).toBe(hash(yaml))
  expect(plan(drawn(), catalogue).resolved).toEqual(plan(yaml, catalogue).resolved)
})
test('what means the same hashes the same: durations, defaults written out, one port named or not, the mode', () => {
  expect(new Set([60e6, '1m', '60s', '60000ms'].map((every) => hash(drawn(every)))).size).toBe(1)
  const changed = (id: string, node: object) => hash({ ...yaml, nodes: { ...yaml.nodes, [id]: node } })
  expect(
    changed('above', { op: 'cross', from: { bar: 'bars' }, latest: { trend: 'trend' }, params: { emit: 'change' } }),
  ).toBe(hash(yaml))
  expect(hash({ ...yaml, summary: 'Says more.' })).toBe(hash(yaml))
  expect(plan(yaml, catalogue, 'paper').hash).toBe(hash(yaml))
})
test('what means something else hashes otherwise: params, wires, names, order and versions', () => {
  const with_ = (id: string, node: object) => hash({ ...yaml, nodes: { ...yaml.nodes, [id]: node } })
  const raised = (name: string) => ({
    ...catalogue,
    operators: { ...operators, [name]: { ...(operators[name] as Operator), version: 99 } },
  })
  const venue = sinks['simulated_venue'] as Sink
  const twin = { ...venue, simulate: { ...(venue.simulate as Operator), version: 99 } }
  const all = [
    hash(yaml),
    with_('trend', { op: 'ema', from: 'bars', params: { span: 21 } }),
    with_('trend', { op: 'sma', from: 'bars', params: { span: 20 } }),
    with_('extra', { source: 'tape_trades' }),
    hash({ ...yaml, pipeline: 'other' }),
    hash({ ...yaml, nodes: Object.fromEntries(Object.entries(yaml.nodes).reverse()) }),
    hash(yaml, raised('ema')),
    hash(yaml, { ...catalogue, sinks: { ...sinks, simulated_venue: twin } }),
  ]
  expect(new Set(all).size).toBe(all.length)
  expect(hash(yaml, raised('macd'))).toBe(hash(yaml))
})
test('a default that changes changes the plan: it is frozen when the plan is made', () => {
  const old = plan(yaml, catalogue).resolved as { nodes: { id: string; params: object }[] }
  expect(old.nodes.find((n) => n.id === 'trend')?.params).toEqual({ seed: 'first', span: 20 })
  expect(old.nodes.find((n) => n.id === 'bars')?.params).toMatchObject({ every: 60e6, closed: 'left' })
})
test('params are frozen', () => {
  const node = plan(yaml, catalogue).nodes.find((n) => n.id === 'gate')
  expect(() => Object.assign(node?.params as object, { max_notional: 1e12 })).toThrow(TypeError)
})
test('nodes run callers first, twins before all of them; who only looks runs as drawn', () => {
  const order = (nodes: [string, PipelineInput['nodes'][string]][]) =>
    plan({ ...yaml, nodes: Object.fromEntries(nodes) }, catalogue).nodes.map((n) => n.id)
  const drawn = Object.entries(yaml.nodes)
  expect(order(drawn)).toEqual(['execute', 'bars', 'trend', 'above', 'sized', 'gate'])
  expect(order([...drawn].reverse())).toEqual(['execute', 'bars', 'above', 'sized', 'gate', 'trend'])
})
test('decisions are recorded, and what a sink reads; the rest is not', () => {
  const recorded = plan(yaml, catalogue)
    .edges.filter((e) => e.recorded)
    .map((e) => e.name)
  expect(recorded).toEqual(['above', 'sized', 'gate.approved', 'gate.refused', 'execute.order', 'execute.fill'])
})
test('ambient ports hear every source of their kind', () => {
  const more = {
    ...yaml,
    nodes: { quotes: { source: 'tape_quotes' }, ...yaml.nodes, other: { source: 'tape_trades' } },
  }
  const gate = plan(more, catalogue).nodes.find((n) => n.id === 'gate')
  expect(gate?.inputs).toMatchObject({
    trade: ['trades', 'other'],
    quote: ['quotes'],
    gap: ['quotes.gap', 'trades.gap', 'other.gap'],
  })
})
test('a venue that only simulates is refused in live', () => {
  expect(() => plan(yaml, catalogue, 'live')).toThrow(/only simulates and has no live side/)
})

// ---- the builder -----------------------------------------------------------------------------------

test('an id that is used twice is refused when it is drawn', () => {
  const twice = () =>
    pipeline('p', (p) => {
      p.source('a', tapeTrades({}))
      p.source('a', tapeTrades({}))
    })
  expect(twice).toThrow(/node id "a" is used twice/)
})
test('an id may be a word that every object knows', () => {
  const drawn = pipeline('p', (p) => {
    p.source('constructor', tapeTrades({}))
  })
  expect(Object.keys(drawn.nodes)).toEqual(['constructor'])
})
test('a source gives its rows, its late rows and its gaps', () => {
  pipeline('p', (p) => {
    const trades = p.source('trades', tapeTrades({}))
    expect([trades.edge, trades.late.edge, trades.gap.edge]).toEqual(['trades', 'trades.late', 'trades.gap'])
    expect([trades.carries.kind, trades.gap.carries.kind]).toEqual(['trade', 'gap'])
  })
})
test('what is drawn is data: it survives JSON', () => {
  expect(hash(JSON.parse(JSON.stringify(drawn())))).toBe(hash(drawn()))
})
