import { afterEach, expect, test } from 'vitest'
import { z } from 'zod'
import type { Bar } from '../../schemas/market.ts'
import { followFeed } from '../../testing/follow_feed.ts'
import { startVenue, type Venue } from '../../testing/venue_server.ts'
import type { Word } from '../feed/venue.ts'
import { candleReader, krakenBars } from './bars.ts'
import { acknowledged, candleOf, frameTime, ohlcFrame } from './frames.ts'

const closing: (() => unknown)[] = []
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
})
const begin = Math.floor(frameTime / 60e6)
const endOf = (minute: number) => (begin + minute + 1) * 60e6
const key = 'kraken:BTC/USD'

async function follow(venue: Venue) {
  const running = await startVenue(venue)
  closing.push(running.close)
  const params = z.parse(krakenBars.definition.params, { symbols: ['BTC/USD'], stall_after: '1h' })
  const { open } = krakenBars.definition
  if (open === undefined) throw new Error('no live side')
  const feed = followFeed((context) => open(params as never, context), { kraken_bars: running.url })
  closing.push(feed.stop)
  const gaps = () => feed.of('gap').map(({ key, value }) => ({ key, ...value }))
  const reasons = () => feed.of('invalid').map(({ value }) => value.reason)
  return { ...feed, gaps, reasons, venue: running }
}
const update = (minute: number, trades: number, symbol?: string) =>
  ohlcFrame('update', candleOf(minute, trades, symbol))
const snapshot = (...minutes: readonly (readonly [number, number])[]) =>
  ohlcFrame('snapshot', ...minutes.map(([minute, trades]) => candleOf(minute, trades)))

test('tells a bar once, as it stands when a later one begins, stamped with its end', async () => {
  const feed = await follow({
    frames: [acknowledged('ohlc'), update(0, 1), update(0, 3), update(1, 1), update(3, 2), update(4, 1)],
  })
  await feed.until(() => feed.of('row').length === 3)
  expect(feed.of('row')[0]).toEqual({
    ...{ type: 'row', key, at: endOf(0) },
    value: {
      ...{ open: 0.5624, high: 0.5628, low: 0.5622, close: 0.5627, volume: 30 },
      ...{ turnover: 0.5626 * 30, count: 3, complete: true },
    },
  })
  expect(feed.of('row').map(({ at }) => at)).toEqual([0, 1, 3].map(endOf))
  expect(feed.gaps()).toEqual([{ key, reason: 'connected', missing: 0, since: 0 }])
  await expect
    .poll(() => feed.venue.connections[0]?.received)
    .toEqual(['{"method":"subscribe","params":{"channel":"ohlc","symbol":["BTC/USD"],"interval":1,"snapshot":true}}'])
})

test('candles older than the feed are not told; those that ended while it was disconnected are', async () => {
  const before = [snapshot([-3, 5], [-2, 5], [-1, 8]), update(0, 2)]
  const after = [snapshot([-2, 5], [-1, 8], [0, 4], [1, 6], [2, 7]), update(3, 1)]
  const feed = await follow({ frames: [...before, ...after], faults: [{ type: 'drop', after: 2 }] })
  await feed.until(() => feed.of('row').length === 4)
  expect(feed.of('row').map(({ at, value }) => [at, (value as Bar).count])).toEqual([
    [endOf(-1), 8],
    [endOf(0), 4],
    [endOf(1), 6],
    [endOf(2), 7],
  ])
  expect(feed.gaps()).toEqual([
    { key, reason: 'connected', missing: 0, since: 0 },
    { key, reason: 'disconnected', missing: 0, since: endOf(-1) },
  ])
  expect(feed.reasons()).toEqual([])
})

test('a bar that was open at the loss, and that the candles of the new connection do not go back to, is not told', async () => {
  const before = [snapshot([-1, 8]), update(0, 2)]
  const after = [snapshot([2, 7], [3, 6], [4, 1]), update(5, 1)]
  const feed = await follow({ frames: [...before, ...after], faults: [{ type: 'drop', after: 2 }] })
  await feed.until(() => feed.of('row').length >= 4)
  expect(feed.of('row').map(({ at }) => at)).toEqual([-1, 2, 3, 4].map(endOf))
  expect(feed.gaps().map(({ reason }) => reason)).toEqual(['connected', 'disconnected'])
})

test('what a slower connection says again of a candle changes nothing', () => {
  const read = candleReader(1)
  const hear = (frame: string) => {
    const word: Word<Bar> = read(Buffer.from(frame), false)
    return word.type === 'rows' ? word.rows.map(({ id, value }) => [id - begin, value.count]) : word
  }
  expect(hear(update(0, 5))).toEqual([])
  expect(hear(update(0, 2))).toEqual([])
  expect(hear(update(1, 1))).toEqual([[0, 5]])
  expect(hear(update(0, 5))).toEqual([])
  expect(hear(update(1, 2, 'ETH/USD'))).toEqual([])
  expect(hear(update(2, 1))).toEqual([[1, 1]])
})

test('no heartbeat is told, for the open bar would end before it', async () => {
  const feed = await follow({ frames: [update(0, 1), update(1, 1)] })
  await feed.until(() => feed.of('row').length === 1)
  await new Promise((resolve) => setTimeout(resolve, 1200))
  expect(feed.of('heartbeat')).toEqual([])
})

test.each([
  [{ interval: 5 }, 'other_interval'],
  [{ interval_begin: 'now' }, 'ohlc_fields'],
  [{ trades: 1.5 }, 'ohlc_fields'],
  [{ low: 0 }, 'ohlc_values'],
  [{ volume: '1' }, 'ohlc_values'],
])('a candle with %j is %s', (wrong, reason) => {
  const frame = ohlcFrame('update', { ...candleOf(0, 1), ...wrong })
  expect(candleReader(1)(Buffer.from(frame), false)).toEqual({ type: 'invalid', reason })
})
test('there are no bars of three minutes', () => {
  expect(z.safeParse(krakenBars.definition.params, { symbols: ['BTC/USD'], every: '3m' }).success).toBe(false)
})
