import { expect, test } from 'vitest'
import { operators } from '../../operators/catalogue.ts'
import { decodeFrame } from '../../schemas/frame.ts'
import { Gap, Heartbeat, Trade } from '../../schemas/market.ts'
import { sinks } from '../../sinks/catalogue.ts'
import { sources } from '../../sources/catalogue.ts'
import { wallClock } from '../clock.ts'
import type { SourceItem } from '../connect.ts'
import { encodeItems } from '../feed.ts'
import { type PlannedSource, plan } from '../plan.ts'
import { recordingItems } from './recording_items.ts'

const drawn = plan(
  {
    pipeline: 'p',
    nodes: {
      trades: { source: 'tape_trades' },
      bars: { op: 'time_bars', from: 'trades', params: { every: '10s' } },
    },
  },
  { operators, sources, sinks },
)
const source = drawn.sources[0] as PlannedSource
const row = (at: number): SourceItem => ({ type: 'row', at, key: 'v:A', value: { price: 1, size: 1, side: 0, id: at } })
const said: readonly SourceItem[] = [
  row(1),
  { type: 'heartbeat', at: 2, key: '*' },
  row(3),
  { type: 'gap', at: 4, key: 'v:A', value: { reason: 'resumed', missing: 0, since: 3 } },
  row(5),
  row(6),
  { type: 'end', at: 7 },
]
const frames = encodeItems(source, said).map((bytes) =>
  decodeFrame(bytes, { trade: Trade, gap: Gap, heartbeat: Heartbeat }),
)

test.each([
  [0, [1, 2, 3, 4, 5, 6]],
  [1, [2, 3, 4, 5, 6]],
  [2, [4, 5, 6]],
  [3, [6]],
  [4, []],
])('after %i rows come those that follow, whatever was said between them', async (position, expected) => {
  const pace = { clock: wallClock, speed: Number.POSITIVE_INFINITY, signal: new AbortController().signal }
  const items: SourceItem[] = []
  for await (const some of recordingItems(drawn, source, { type: 'frames', frames }, position, pace))
    items.push(...some)
  expect(items.filter(({ type }) => type !== 'end').map(({ at }) => at)).toEqual(expected)
  expect(items.at(-1)?.type).toBe('end')
})
