import { afterEach, expect, test, vi } from 'vitest'
import { z } from 'zod'
import type { Book } from '../../schemas/market.ts'
import { followFeed } from '../../testing/follow_feed.ts'
import { startVenue, type Venue } from '../../testing/venue_server.ts'
import { type FeedParams, openFeed } from '../feed/feed.ts'
import { socketLimits } from '../feed/socket.ts'
import { bookChannel, bybitBook } from './book.ts'
import { bookFrame, type LevelText } from './frames.ts'

const closing: (() => unknown)[] = []
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
})
type Params = FeedParams & Parameters<typeof bookChannel>[0]
async function follow(script: Venue, more: Readonly<Record<string, unknown>> = {}) {
  const venue = await startVenue(script)
  closing.push(venue.close)
  const given = { symbols: ['BTCUSDT'], market: 'linear', heartbeat_every: '1h', stall_after: '1h', ...more }
  const params = z.parse(bybitBook.definition.params, given) as Params
  const limits = { ...socketLimits, backoff: 4e3 }
  const feed = followFeed((context) => openFeed(bookChannel(params), params, context, limits), {
    bybit_book: venue.url,
  })
  closing.push(feed.stop)
  const rows = () => feed.of('row').map(({ value }) => value as Book)
  const gaps = () => feed.of('gap').map(({ value }) => value)
  return { ...feed, venue, rows, gaps, levels: () => rows().map(({ price, size, id }) => [price, size, id]) }
}
const change = (n: number, u: number, b: readonly LevelText[], a: readonly LevelText[] = []) =>
  bookFrame(n, u, { type: 'delta', b, a })
const whole = (u: number) => [
  [16_493.5, 0.006, u],
  [16_611, 0.029, u],
]

test('tells the whole book, then what changes, each number one more than the one before', async () => {
  const frames = [bookFrame(0, 100), change(1, 101, [['16493.50', '0']]), change(2, 102, [['16493.00', '3']])]
  const feed = await follow({ frames })
  await feed.until(() => feed.rows().length === 4)
  expect(feed.levels()).toEqual([...whole(100), [16_493.5, 0, 101], [16_493, 3, 102]])
  expect(feed.gaps().map(({ reason }) => reason)).toEqual(['connected'])
})

test('a number that is left out is a gap, and the whole book is asked for on the same connection', async () => {
  const frames = [
    bookFrame(0, 100),
    change(1, 103, [['16493.00', '3']]),
    change(2, 104, [['16492.00', '3']]),
    bookFrame(3, 200),
    change(4, 201, [['16491.00', '4']]),
  ]
  const feed = await follow({ frames })
  await feed.until(() => feed.rows().length === 5)
  expect(feed.levels()).toEqual([...whole(100), ...whole(200), [16_491, 4, 201]])
  expect(feed.gaps()).toMatchObject([{ reason: 'connected' }, { reason: 'sequence', missing: 2 }])
  expect(feed.venue.connections).toHaveLength(1)
  await vi.waitFor(() => expect(feed.venue.connections[0]?.received).toHaveLength(3), 60_000)
  const said = feed.venue.connections[0]?.received.map((text) => JSON.parse(text))
  expect(said?.map(({ op, args }) => [op, ...args])).toEqual([
    ['subscribe', 'orderbook.50.BTCUSDT'],
    ['unsubscribe', 'orderbook.50.BTCUSDT'],
    ['subscribe', 'orderbook.50.BTCUSDT'],
  ])
})

test('a service that restarts sends the whole book with number 1: it takes the place of the old one', async () => {
  const frames = [
    bookFrame(0, 100),
    change(1, 1, [['16400.00', '1']], [['16500.00', '2']]),
    change(2, 2, [['16401.00', '1']]),
  ]
  const feed = await follow({ frames })
  await feed.until(() => feed.rows().length === 5)
  expect(feed.levels().slice(2)).toEqual([
    [16_400, 1, 1],
    [16_500, 2, 1],
    [16_401, 1, 2],
  ])
  expect(feed.rows().map(({ snapshot }) => snapshot)).toEqual([true, true, true, true, false])
})

test('a change that was told before is dropped and counted', async () => {
  const again = change(1, 101, [['16493.50', '1']])
  const feed = await follow({ frames: [bookFrame(0, 100), again, again, change(2, 102, [['16493.50', '2']])] })
  await feed.until(() => feed.rows().length === 4)
  expect(feed.of('invalid').map(({ value }) => value.reason)).toEqual(['duplicate'])
})

test('a crossed book is not believed, and begins anew', async () => {
  const frames = [bookFrame(0, 100), change(1, 101, [['16700.00', '1']]), bookFrame(2, 300)]
  const feed = await follow({ frames })
  await feed.until(() => feed.rows().length === 4)
  expect(feed.levels()).toEqual([...whole(100), ...whole(300)])
  expect(feed.of('invalid').map(({ value }) => value.reason)).toEqual(['crossed_book'])
})

test('keeps as many levels as were asked for', async () => {
  const levels = Array.from({ length: 50 }, (_, n): LevelText => [String(16_000 - n), '1'])
  const full = bookFrame(0, 100, { b: levels })
  const feed = await follow({ frames: [full, change(1, 101, [['16001', '1']])] })
  await feed.until(() => feed.rows().length === 53)
  expect(feed.levels().slice(51)).toEqual([
    [16_001, 1, 101],
    [15_951, 0, 101],
  ])
})

test.each([
  [200, true],
  [1000, true],
  [1, false],
  [500, false],
])('depth %d', async (depth, known) => {
  const given = { symbols: ['BTCUSDT'], depth }
  expect(z.safeParse(bybitBook.definition.params, given).success).toBe(known)
  if (!known) return
  const feed = await follow({ frames: [bookFrame(0, 7, { depth })] }, { depth })
  await feed.until(() => feed.rows().length === 2)
  await vi.waitFor(() => expect(feed.venue.connections[0]?.received[0]).toContain(`orderbook.${depth}.BTCUSDT`), 60_000)
})
