import { expect, test } from 'vitest'
import type { SourceItem } from '../runtime/connect.ts'
import { Engine } from '../runtime/engine.ts'
import { type Binding, encodeItems, merged } from '../runtime/feed.ts'
import { plan } from '../runtime/plan.ts'
import type { Bar } from '../schemas/market.ts'
import { catalogue } from './toy_components.ts'

const drawn = plan(
  {
    pipeline: 'two_sources',
    nodes: {
      trades: { source: 'tape_trades' },
      quotes: { source: 'tape_quotes' },
      bars: { op: 'time_bars', from: 'trades', params: { every: '1s' } },
      watch: { sink: 'watcher', from: { bar: 'bars' } },
    },
  },
  catalogue,
)
const SECOND = 1_000_000
const trade = (second: number): SourceItem => ({
  type: 'row',
  at: second * SECOND,
  key: 'v:A',
  value: { price: 100 + second, size: 1, side: 0, id: 0 },
})
const quote = (second: number): SourceItem => ({
  type: 'row',
  at: second * SECOND,
  key: 'v:A',
  value: { bid: 99, ask: 101, bid_size: 1, ask_size: 1 },
})

test('a node hears the time of its own sources only: bars of trades close on trades, where quotes are sparse', () => {
  const bars: Bar[] = []
  const engine = new Engine(drawn, {
    output: () => (_key, _at, _ordinal, value) => bars.push(value as Bar),
  })
  const tape = (source: number, items: readonly SourceItem[]): Binding => {
    const frames = encodeItems(drawn.sources[source] as never, items)
    return { type: 'recording', recording: { frames: () => frames } }
  }
  const seconds = [1, 2, 3, 4, 5, 6, 7, 8]
  const bindings = new Map([
    ['trades', tape(0, seconds.map(trade))],
    ['quotes', tape(1, [quote(0.5), quote(7.5)])],
  ])
  for (const { source, frame, from, to } of merged(drawn, bindings))
    engine.frame(frame, from, to, drawn.sources[source]?.id)
  // the window of the last trade is not over when the data ends
  expect(bars.map((b) => [b.open, b.close, b.count])).toEqual(seconds.slice(0, -1).map((s) => [100 + s, 100 + s, 1]))
})
