import { afterEach, expect, test, vi } from 'vitest'
import { z } from 'zod'
import type { Bar } from '../../schemas/market.ts'
import { followFeed } from '../../testing/follow_feed.ts'
import { startVenue, type Venue } from '../../testing/venue_server.ts'
import { type FeedParams, openFeed } from '../feed/feed.ts'
import { socketLimits } from '../feed/socket.ts'
import { barsChannel, okxBars } from './bars.ts'
import { barFrame, barOf, barStart, push } from './frames.ts'

const closing: (() => unknown)[] = []
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
})
type Params = FeedParams & Parameters<typeof barsChannel>[0]
async function follow(script: Venue, given: Readonly<Record<string, unknown>> = {}) {
  const venue = await startVenue(script)
  closing.push(venue.close)
  const all = { symbols: ['BTC-USDT'], heartbeat_every: '1h', stall_after: '1h', ...given }
  const params = z.parse(okxBars.definition.params, all) as Params
  const limits = { ...socketLimits, backoff: 4e3 }
  const endpoints = { okx_bars: venue.url, ...(script.rest && { 'okx_bars.rest': venue.restUrl }) }
  const feed = followFeed((context) => openFeed(barsChannel(params), params, context, limits), endpoints)
  closing.push(feed.stop)
  const minutes = () => feed.of('row').map(({ at }) => at / 60e6 - barStart / 60e3)
  return { ...feed, venue, minutes }
}

test('tells a bar when it is complete, once, stamped with its end', async () => {
  const frames = [barFrame(0, '0'), barFrame(0, '0'), barFrame(0), barFrame(1, '0'), barFrame(1)]
  const feed = await follow({ frames })
  await feed.until(() => feed.minutes().length === 2)
  expect(feed.minutes()).toEqual([1, 2])
  expect(feed.of('row')[0]?.value as Bar).toMatchObject({ open: 8533.02, complete: true, count: 0 })
  expect(feed.of('invalid')).toEqual([])
  await vi.waitFor(() => expect(feed.venue.connections[0]?.received).toHaveLength(1), 60_000)
  expect(feed.venue.connections[0]).toMatchObject({
    ...{ url: '/ws/v5/business', received: ['{"op":"subscribe","args":[{"channel":"candle1m","instId":"BTC-USDT"}]}'] },
  })
})

test('open bars keep the feed from counting as stalled', async () => {
  const frames = [barFrame(0), ...Array(30).fill(barFrame(1, '0')), barFrame(1)]
  const feed = await follow({ frames, rate: 12 }, { stall_after: '2s' })
  await feed.until(() => feed.minutes().length === 2)
  expect(feed.venue.connections).toHaveLength(1)
})

test('bars missed while disconnected are asked for and told in their place', async () => {
  const frames = Array.from({ length: 10 }, (_, n) => barFrame(n))
  const data = [barOf(7, '0'), ...[6, 5, 4, 3, 2, 1, 0].map((n) => barOf(n))]
  const rest = (url: URL) =>
    url.pathname.endsWith('/candles')
      ? { body: { code: '0', msg: '', data } }
      : { body: { code: '0', msg: '', data: [{ instId: 'BTC-USDT' }] } }
  const faults = [
    { type: 'drop', after: 2 },
    { type: 'skip', after: 2, frames: 5 },
  ] as const
  const feed = await follow({ frames, faults, rest })
  await feed.until(() => feed.minutes().length === 10)
  expect(feed.minutes()).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10])
  expect(feed.of('gap')).toHaveLength(1)
  expect(feed.venue.asked).toContain(
    `/api/v5/market/candles?instId=BTC-USDT&bar=1m&after=${barStart + 7 * 60_000}&limit=300`,
  )
})

test.each([
  ['3m', 'candle3m', 3],
  ['1h', 'candle1H', 60],
  ['4h', 'candle4H', 240],
  ['6h', 'candle6Hutc', 360],
  ['12h', 'candle12Hutc', 720],
  ['1d', 'candle1Dutc', 1440],
] as const)(
  'asks for bars of %s by the name that begins its days at 0:00 UTC, and tells them',
  async (interval, channel, m) => {
    const length = m * 60e3
    const feed = await follow({ frames: [push(channel, 'BTC-USDT', [barOf(0, '1', length)])] }, { interval })
    await feed.until(() => feed.of('row').length === 1)
    expect(feed.of('row')[0]?.at).toBe((Math.floor(barStart / length) + 1) * length * 1000)
    await vi.waitFor(() => expect(feed.venue.connections[0]?.received[0]).toContain(`"${channel}"`), 60_000)
  },
)

test('refuses an interval OKX does not have', () => {
  expect(z.safeParse(okxBars.definition.params, { symbols: ['BTC-USDT'], interval: '7m' }).success).toBe(false)
})
