import { expect, test } from 'vitest'
import { z } from 'zod'
import { operators } from '../operators/catalogue.ts'
import { isTidegateError } from '../schemas/errors.ts'
import { Scalar } from '../schemas/features.ts'
import { Bar } from '../schemas/market.ts'
import { sinks } from '../sinks/catalogue.ts'
import { sources } from '../sources/catalogue.ts'
import { check } from './check.ts'
import { defineOperator, listed } from './define.ts'
import { plan } from './plan.ts'

const catalogue = { operators, sources, sinks }
const sound = {
  trades: { source: 'tape_trades' },
  bars: { op: 'time_bars', from: 'trades', params: { every: '1m' } },
  trend: { op: 'ema', from: 'bars', params: { span: 20 } },
  above: { op: 'cross', from: 'bars', latest: { trend: 'trend' } },
  sized: { op: 'fixed_notional', from: 'above', params: { notional: 1000 } },
  gate: { op: 'risk_gate', from: { intent: 'sized', fill: 'execute.fill' }, params: { max_notional: 5000 } },
  execute: { sink: 'simulated_venue', from: 'gate.approved' },
  account: { op: 'portfolio', from: 'execute.fill' },
}
const problems = (changes: object) => {
  const nodes = Object.fromEntries(Object.entries({ ...sound, ...changes }).filter(([, node]) => node !== undefined))
  return check({ pipeline: 'p', nodes }, catalogue).problems.map(
    ({ code, path, message }) => `${code} ${path}: ${message}`,
  )
}

test('a sound definition has no problems', () => {
  expect(problems({})).toEqual([])
})
test.each<[string, object, string]>([
  [
    'a component that is not there, with the nearest name',
    { trend: { op: 'emma', from: 'bars', params: { span: 20 } } },
    'COMPONENT_UNKNOWN nodes.trend.op: nothing named "emma"; did you mean "ema"?',
  ],
  [
    'a component by a name that every object has',
    { trend: { op: 'constructor', from: 'bars' } },
    'COMPONENT_UNKNOWN nodes.trend.op: nothing named "constructor"',
  ],
  [
    'a source by a name that every object has',
    { trades: { source: '__proto__' } },
    'COMPONENT_UNKNOWN nodes.trades.source: nothing named "__proto__"',
  ],
  [
    'a sink by a name that every object has',
    { execute: { sink: 'toString', from: 'gate.approved' } },
    'COMPONENT_UNKNOWN nodes.execute.sink: nothing named "toString"',
  ],
  [
    'a port by a name that every object has',
    { account: { op: 'portfolio', from: { fill: 'execute.fill', constructor: 'bars' } } },
    'PORT_UNKNOWN nodes.account.from.constructor: portfolio has no port "constructor"; it has fill',
  ],
  [
    'a misspelt param, with the nearest name',
    { bars: { op: 'time_bars', from: 'trades', params: { evry: '1m' } } },
    'PARAM_INVALID nodes.bars.params.evry: unrecognised param; did you mean "every"?',
  ],
  [
    'a param that nothing resembles, with all there are',
    { trend: { op: 'sma', from: 'bars', params: { span: 2, exponential: true } } },
    'PARAM_INVALID nodes.trend.params.exponential: unrecognised param; sma has span',
  ],
  [
    'a param out of bounds',
    { trend: { op: 'ema', from: 'bars', params: { span: 1 } } },
    'PARAM_INVALID nodes.trend.params.span: Too small: expected number to be >=2, found 1',
  ],
  [
    'a param that is no whole number',
    { trend: { op: 'ema', from: 'bars', params: { span: 1.5 } } },
    'PARAM_INVALID nodes.trend.params.span: expected int, found 1.5',
  ],
  [
    'a param that is text where a number is expected',
    { sized: { op: 'fixed_notional', from: 'above', params: { notional: 'much' } } },
    'PARAM_INVALID nodes.sized.params.notional: expected number, found "much"',
  ],
  [
    'an edge that nobody speaks on',
    { trend: { op: 'ema', from: 'bar', params: { span: 20 } } },
    'EDGE_UNKNOWN nodes.trend.from: no edge "bar"; did you mean "bars"?',
  ],
  [
    'the wrong kind on an edge',
    { trend: { op: 'ema', from: 'trades', params: { span: 20 } } },
    'KIND_MISMATCH nodes.trend.from: "trades" carries trade, but ema reads bar',
  ],
  [
    'the wrong kind on a named port',
    { gate: { op: 'risk_gate', from: { intent: 'above', fill: 'execute.fill' }, params: { max_notional: 1 } } },
    'KIND_MISMATCH nodes.gate.from.intent: "above" carries signal, but risk_gate.intent reads order_intent',
  ],
  [
    'an order that nobody approved on its way to a venue',
    { execute: { sink: 'simulated_venue', from: 'sized' } },
    'KIND_MISMATCH nodes.execute.from: "sized" carries order_intent, but simulated_venue reads approved_order',
  ],
  [
    'a misspelt port',
    { gate: { op: 'risk_gate', from: { intent: 'sized', fil: 'execute.fill' }, params: { max_notional: 1 } } },
    'PORT_UNKNOWN nodes.gate.from.fil: risk_gate has no port "fil"; did you mean "fill"?',
  ],
  [
    'a port that is not wired',
    { gate: { op: 'risk_gate', from: 'sized', params: { max_notional: 1 } } },
    'PORT_UNWIRED nodes.gate.from: port "fill" of risk_gate reads fill and is not wired',
  ],
  [
    'a latest port that is not wired',
    { above: { op: 'cross', from: 'bars' } },
    'PORT_UNWIRED nodes.above.latest: port "trend" of cross looks at scalar and is not wired',
  ],
  [
    'a node that is none of source, op and sink',
    { odd: { from: 'bars' } },
    'SHAPE nodes.odd: expected one of source, op or sink',
  ],
  [
    'a misspelt field of a node',
    { trend: { op: 'ema', form: 'bars', from: 'bars', params: { span: 2 } } },
    'SHAPE nodes.trend: Unrecognized key: "form"',
  ],
])('%s is told with its path', (_what, changes, expected) => {
  expect(problems(changes)).toContain(expected)
})

test('all problems are told at once', () => {
  const found = problems({
    bars: { op: 'time_bars', from: 'trades', params: { evry: '1m' } },
    trend: { op: 'emma', from: 'bars' },
    sized: { op: 'fixed_notional', from: 'abvoe', params: { notional: -1 } },
    execute: { sink: 'simulated_venu', from: 'gate.approved' },
  })
  expect(new Set(found.map((line) => line.split(' ')[0]))).toEqual(
    new Set(['COMPONENT_UNKNOWN', 'PARAM_INVALID', 'EDGE_UNKNOWN']),
  )
  expect(found.length).toBeGreaterThanOrEqual(6)
})
test('what reads from a node that is itself told of is not told of again', () => {
  expect(problems({ trend: { op: 'emma', from: 'bars' } })).toEqual([
    'COMPONENT_UNKNOWN nodes.trend.op: nothing named "emma"; did you mean "ema"?',
  ])
  expect(problems({ gate: { op: 'risk_gat', from: { intent: 'sized', fill: 'execute.fill' } } })).toEqual([
    'COMPONENT_UNKNOWN nodes.gate.op: nothing named "risk_gat"; did you mean "risk_gate"?',
  ])
  expect(problems({ trend: { op: 'ema', form: 'bars', from: 'bars', params: { span: 2 } } })).toEqual([
    'SHAPE nodes.trend: Unrecognized key: "form"',
  ])
})
test('nodes that feed each other are told with the circle; a feedback port breaks it', () => {
  const round = {
    first: { op: 'stop_and_reverse', from: { signal: 'above', fill: 'execute.fill' }, params: { quantity: 1 } },
    bars: { op: 'time_bars', from: 'trades', params: { every: '1m' } },
    gate: { op: 'risk_gate', from: { intent: 'first', fill: 'execute.fill' }, params: { max_notional: 1 } },
  }
  expect(problems({ ...round, sized: undefined })).toEqual([])
  const circle = problems({
    trend: { op: 'ema', from: 'other', params: { span: 2 } },
    other: { op: 'ema', from: 'trend', params: { span: 2 } },
  })
  expect(circle).toContain(
    'CYCLE nodes.trend: trend -> other -> trend feed each other; break the circle at a feedback port',
  )
})
test('a source whose rows may come later than a window stays open is told', () => {
  const late = { trades: { source: 'binance_trades', params: { symbols: ['BTCUSDT'], lateness: '2m' } } }
  expect(problems(late)).toEqual(['LATENESS nodes.trades.params: rows may lag 2m, but "bars" closes a window every 1m'])
})
test.each([0, -1, Number.NaN])('a timer that is due every %d µs is told', (every) => {
  const clock = defineOperator({
    ...{
      name: 'clock',
      version: 1,
      summary: 'Ticks.',
      params: z.strictObject({}),
      input: { bar: Bar },
      output: Scalar,
    },
    ...{ on: { bar: () => undefined }, timer: { every: () => every, fire: (_state, at) => at } },
    example: { params: {}, input: [], output: [] },
  })
  const nodes = { ...sound, clock: { op: 'clock', from: 'bars' } }
  const found = check({ pipeline: 'p', nodes }, { ...catalogue, operators: { ...operators, ...listed(clock) } })
  expect(found.problems.filter(({ code }) => code === 'PARAM_INVALID')).toEqual([
    {
      ...{ code: 'PARAM_INVALID', path: 'nodes.clock.params' },
      message: `its timer is due every ${every} µs; expected more than 0`,
    },
  ])
})
test.each([
  ['no document', undefined],
  ['text', 'pipeline: x'],
  ['a list', []],
  ['no nodes', { pipeline: 'p' }],
  ['an empty graph', { pipeline: 'p', nodes: {} }],
  ['an id that is no name', { pipeline: 'p', nodes: { 'My Node': { source: 'tape_trades' } } }],
  ['a pipeline without a name', { nodes: { a: { source: 'tape_trades' } } }],
])('%s is a problem of shape, not a throw', (_what, document) => {
  const found = check(document, catalogue).problems
  expect(found.length).toBeGreaterThan(0)
  expect(found.every((p) => p.code === 'SHAPE')).toBe(true)
})
test('a misspelt field at the top is told with the nearest', () => {
  const found = check({ pipeline: 'p', sumary: 'x', nodes: sound }, catalogue).problems
  expect(found).toEqual([{ code: 'SHAPE', path: 'sumary', message: 'unrecognised key; did you mean "summary"?' }])
})
test('a plan is refused with every problem, by code', () => {
  try {
    plan({ pipeline: 'p', nodes: { ...sound, trend: { op: 'emma', from: 'bars' } } }, catalogue)
    expect.unreachable()
  } catch (error) {
    expect(isTidegateError(error) && [error.code, error.exit]).toEqual(['DEFINITION_INVALID', 3])
    expect((error as { info: { problems: unknown[] } }).info.problems.length).toBeGreaterThan(0)
  }
})
