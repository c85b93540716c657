import { expect, test } from 'vitest'
import { operators } from '../../operators/catalogue.ts'
import { sinks } from '../../sinks/catalogue.ts'
import { sources } from '../../sources/catalogue.ts'
import { axesOf, countOf, definitionAt, paramsAt, paramsText } from './vary.ts'

const catalogue = { operators, sources, sinks }
const drawn = {
  pipeline: 'drawn',
  nodes: {
    bars: { op: 'time_bars', from: 'trades', params: { every: '1m' } },
    trend: { op: 'ema', from: 'bars', params: { span: 20 } },
    mine: { op: 'nobody_knows', from: 'bars' },
  },
}
const axes = (...texts: string[]) => axesOf(texts, drawn, catalogue)

test('several params give every combination, the last turning fastest', () => {
  const two = axes('trend.span=3..5', 'bars.every=1m,5m')
  expect(countOf(two)).toBe(6)
  expect(Array.from({ length: 6 }, (_, place) => paramsText(paramsAt(two, place)))).toEqual([
    'trend.span=3 bars.every=1m',
    'trend.span=3 bars.every=5m',
    'trend.span=4 bars.every=1m',
    'trend.span=4 bars.every=5m',
    'trend.span=5 bars.every=1m',
    'trend.span=5 bars.every=5m',
  ])
  expect(definitionAt(drawn, two, 3)).toMatchObject({
    nodes: { bars: { params: { every: '5m' } }, trend: { params: { span: 4 } } },
  })
  expect(drawn.nodes.trend.params.span).toBe(20)
})

test.each([
  [[], 'expected --vary NODE.PARAM=VALUES, found none'],
  [['trend.span'], 'expected NODE.PARAM=VALUES'],
  [['span=3'], 'expected NODE.PARAM=VALUES'],
  [['tred.span=3'], 'no node "tred" in the definition; did you mean "trend"?'],
  [['trend.spn=3'], 'ema has no param "spn"; did you mean "span"?'],
  [['trend.span=3', 'trend.span=4'], '--vary trend.span: expected once, found twice'],
  [['trend.span=1..1000', 'bars.every=1s..20m:1s'], 'expected at most 100,000 variants, found 1000 x 1200 = 1,200,000'],
])('%j is refused', (texts, reason) => {
  expect(() => axes(...texts)).toThrow(reason)
})

test('a component nobody knows is for the check of the definition to tell', () => {
  expect(axes('mine.anything=1,2')).toHaveLength(1)
})
