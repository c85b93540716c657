import { afterEach, expect, test, vi } from 'vitest'
import { z } from 'zod'
import { followFeed } from '../../testing/follow_feed.ts'
import { startVenue, type Venue } from '../../testing/venue_server.ts'
import { type FeedParams, openFeed } from '../feed/feed.ts'
import { socketLimits } from '../feed/socket.ts'
import { barsChannel, bybitBars } from './bars.ts'
import { barFrame, barOf, barStart, push } from './frames.ts'

const closing: (() => unknown)[] = []
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
})
type Params = FeedParams & Parameters<typeof barsChannel>[0]
async function follow(script: Venue, given: Readonly<Record<string, unknown>> = {}) {
  const venue = await startVenue(script)
  closing.push(venue.close)
  const all = { symbols: ['BTCUSDT'], market: 'linear', heartbeat_every: '1h', stall_after: '1h', ...given }
  const params = z.parse(bybitBars.definition.params, all) as Params
  const limits = { ...socketLimits, backoff: 4e3 }
  const endpoints = { bybit_bars: venue.url, ...(script.rest && { 'bybit_bars.rest': venue.restUrl }) }
  const feed = followFeed((context) => openFeed(barsChannel(params), params, context, limits), endpoints)
  closing.push(feed.stop)
  const minutes = () => feed.of('row').map(({ at }) => at / 60e6 - barStart / 60e3)
  return { ...feed, venue, minutes }
}

test('tells a bar when it is confirmed, once, stamped with its end', async () => {
  const frames = [barFrame(0, false), barFrame(0), barFrame(1, false), barFrame(1)]
  const feed = await follow({ frames })
  await feed.until(() => feed.minutes().length === 2)
  expect(feed.minutes()).toEqual([1, 2])
  expect(feed.of('invalid')).toEqual([])
  await vi.waitFor(() => expect(feed.venue.connections[0]?.received[0]).toContain('kline.1.BTCUSDT'), 60_000)
})

test('open bars keep the feed from counting as stalled', async () => {
  const frames = [barFrame(0), ...Array(30).fill(barFrame(1, false)), barFrame(1)]
  const feed = await follow({ frames, rate: 12 }, { stall_after: '2s' })
  await feed.until(() => feed.minutes().length === 2)
  expect(feed.venue.connections).toHaveLength(1)
})

test('bars missed while disconnected are asked for and told in their place; what is not there is a gap', async () => {
  const frames = Array.from({ length: 10 }, (_, n) => barFrame(n))
  const kline = (n: number) => {
    const { start, open, high, low, close, volume, turnover } = barOf(n)
    return [String(start), open, high, low, close, volume, turnover]
  }
  const rest = (url: URL) => ({
    body: {
      ...{ retCode: 0, retMsg: 'OK' },
      result: { list: url.pathname.endsWith('/kline') ? [6, 5, 3, 2, 1].map(kline) : [{ symbol: 'BTCUSDT' }] },
    },
  })
  const faults = [
    { type: 'drop', after: 2 },
    { type: 'skip', after: 2, frames: 5 },
  ] as const
  const feed = await follow({ frames, faults, rest })
  await feed.until(() => feed.minutes().length === 9)
  expect(feed.minutes()).toEqual([1, 2, 3, 4, 6, 7, 8, 9, 10])
  expect(feed.of('gap').map(({ value }) => value)).toMatchObject([
    { reason: 'connected', missing: 0 },
    { reason: 'sequence', missing: 1 },
  ])
  const times = `start=${barStart + 120_000}&end=${barStart + 419_999}&limit=5`
  const path = `/v5/market/kline?category=linear&symbol=BTCUSDT&interval=1&${times}`
  expect(feed.venue.asked).toContain(path)
})

// bybit-exchange.github.io/docs/v5/error (2026), where 10018 is struck out.
test.each([10_000, 10_006, 10_016])('REST that says %i is asked again', async (retCode) => {
  let busy = 1
  const rest = (url: URL) => {
    if (!url.pathname.endsWith('/kline'))
      return { body: { retCode: 0, retMsg: 'OK', result: { list: [{ symbol: 'BTCUSDT' }] } } }
    if (busy-- > 0) return { body: { retCode, retMsg: 'busy', result: {} } }
    const list = [3, 2].map((n) => [
      String(barStart + n * 60_000),
      ...['16649.5', '16677', '16608', '16677', '2.081', '34666.4005'],
    ])
    return { body: { retCode: 0, retMsg: 'OK', result: { list } } }
  }
  const faults = [
    { type: 'drop', after: 2 },
    { type: 'skip', after: 2, frames: 2 },
  ] as const
  const frames = Array.from({ length: 6 }, (_, n) => barFrame(n))
  const feed = await follow({ frames, faults, rest }, { fill_within: '60s' })
  await feed.until(() => feed.minutes().at(-1) === 6)
  expect(feed.minutes()).toEqual([1, 2, 3, 4, 5, 6])
})

test.each([
  ['3m', '3', 3],
  ['1h', '60', 60],
  ['4h', '240', 240],
  ['12h', '720', 720],
  ['1d', 'D', 1440],
] as const)('tells bars of %s', async (interval, name, minutes) => {
  const bar = { ...barOf(0, true, minutes), interval: name }
  const feed = await follow({ frames: [push(`kline.${name}.BTCUSDT`, [bar])] }, { interval })
  await feed.until(() => feed.minutes().length === 1)
  expect(feed.minutes()).toEqual([minutes])
})

test('a venue that stays busy is asked less and less often, until what is missing is given up', async () => {
  const rest = (url: URL) =>
    url.pathname.endsWith('/kline')
      ? { body: { retCode: 10006, retMsg: 'busy', result: {} } }
      : { body: { retCode: 0, retMsg: 'OK', result: { list: [{ symbol: 'BTCUSDT' }] } } }
  const faults = [
    { type: 'drop', after: 2 },
    { type: 'skip', after: 2, frames: 5 },
  ] as const
  const frames = Array.from({ length: 10 }, (_, n) => barFrame(n))
  const feed = await follow({ frames, faults, rest }, { fill_within: '3s' })
  await feed.until(() => feed.minutes().length === 5)
  // after 0.1, 0.3, 0.7 and 1.5 s, and once more where the clocks are kind
  expect(feed.venue.asked.filter((path) => path.includes('/kline')).length).toBeLessThanOrEqual(7)
})
