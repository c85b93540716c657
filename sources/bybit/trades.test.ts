import { afterEach, expect, test, vi } from 'vitest'
import { z } from 'zod'
import type { Trade } from '../../schemas/market.ts'
import { followFeed } from '../../testing/follow_feed.ts'
import { startVenue, type Venue } from '../../testing/venue_server.ts'
import { type FeedParams, openFeed } from '../feed/feed.ts'
import { socketLimits } from '../feed/socket.ts'
import { frameTime, pongFrames, push, refusedFrames, subscribedFrame, tradeFrame, tradeOf } from './frames.ts'
import type { Market } from './markets.ts'
import { bybitTrades, tradesChannel } from './trades.ts'

const closing: (() => unknown)[] = []
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
})
type Params = FeedParams & { readonly market: Market }
async function follow(script: Venue, given: Readonly<Record<string, unknown>> = {}, ping?: number) {
  const venue = await startVenue(script)
  closing.push(venue.close)
  const all = { symbols: ['BTCUSDT'], heartbeat_every: '1h', stall_after: '1h', fill_within: '1m', ...given }
  const params = z.parse(bybitTrades.definition.params, all) as Params
  const limits = { ...socketLimits, backoff: 4e3 }
  const endpoints = { bybit_trades: venue.url, ...(script.rest && { 'bybit_trades.rest': venue.restUrl }) }
  const channel = tradesChannel(params)
  const paced = ping === undefined || channel.ping === undefined ? {} : { ping: { ...channel.ping, every: ping } }
  const feed = followFeed((context) => openFeed({ ...channel, ...paced }, params, context, limits), endpoints)
  closing.push(feed.stop)
  return { ...feed, venue, rows: () => feed.of('row'), gaps: () => feed.of('gap').map(({ value }) => value) }
}
const first = { reason: 'connected', missing: 0, since: 0 }
const listing = (symbols: readonly string[], nextPageCursor = '') => ({
  body: { retCode: 0, retMsg: 'OK', result: { list: symbols.map((symbol) => ({ symbol })), nextPageCursor } },
})

test('subscribes to each symbol by itself, and gives every trade of every message in order', async () => {
  const several = push('publicTrade.BTCUSDT', [tradeOf(1), tradeOf(1, { p: '16579' }), tradeOf(2)])
  const frames = [subscribedFrame, tradeFrame(0), several, ...pongFrames, tradeFrame(5, {}, 'ETHUSDT')]
  const feed = await follow({ frames }, { symbols: ['BTCUSDT', 'ETHUSDT'] })
  await feed.until(() => feed.rows().length === 5)
  expect(feed.rows().map(({ at, key, value }) => [at / 1000 - frameTime, key, (value as Trade).price])).toEqual([
    [0, 'bybit:BTCUSDT', 16_578.5],
    [1, 'bybit:BTCUSDT', 16_578.5],
    [1, 'bybit:BTCUSDT', 16_579],
    [2, 'bybit:BTCUSDT', 16_578.5],
    [5, 'bybit:ETHUSDT', 16_578.5],
  ])
  const [connection] = feed.venue.connections
  await vi.waitFor(() => expect(connection?.received).toHaveLength(2), 60_000)
  expect(connection?.received.map((text) => JSON.parse(text))).toEqual([
    { req_id: 'publicTrade.BTCUSDT', op: 'subscribe', args: ['publicTrade.BTCUSDT'] },
    { req_id: 'publicTrade.ETHUSDT', op: 'subscribe', args: ['publicTrade.ETHUSDT'] },
  ])
  expect(feed.of('invalid')).toEqual([])
})

test.each([
  ['spot', 'bybit:BTCUSDT', '/v5/public/spot'],
  ['linear', 'bybit_linear:BTCUSDT', '/v5/public/linear'],
  ['inverse', 'bybit_inverse:BTCUSDT', '/v5/public/inverse'],
] as const)('%s is a venue of its own', async (market, key, path) => {
  const feed = await follow({ frames: [tradeFrame(0)] }, { market })
  await feed.until(() => feed.rows().length === 1)
  expect([feed.rows()[0]?.key, feed.venue.connections[0]?.url]).toEqual([key, path])
})

test('a new connection is a gap of unknown count: nothing proves that it is none', async () => {
  const frames = Array.from({ length: 10 }, (_, n) => tradeFrame(n))
  const feed = await follow({ frames, faults: [{ type: 'drop', after: 5 }] })
  await feed.until(() => feed.rows().length === 10)
  expect(feed.gaps()).toEqual([first, { reason: 'disconnected', missing: 0, since: (frameTime + 4) * 1000 }])
})

test('of a message with a row that cannot be read the others are told, and that one is a gap where it was', async () => {
  const several = [tradeOf(1), tradeOf(2, { p: 'dear' }), tradeOf(3), tradeOf(4)]
  const feed = await follow({ frames: [tradeFrame(0), push('publicTrade.BTCUSDT', several), tradeFrame(5)] })
  await feed.until(() => feed.rows().length === 5 || feed.rows().at(-1)?.at === (frameTime + 5) * 1000)
  expect(feed.rows().map(({ at }) => at / 1000 - frameTime)).toEqual([0, 1, 3, 4, 5])
  expect(feed.of('invalid').map(({ value }) => value.reason)).toEqual(['trade_fields'])
  expect(feed.gaps()).toEqual([first, { reason: 'sequence', missing: 0, since: (frameTime + 1) * 1000 }])
})

test('a message of which no row can be read is a gap', async () => {
  const feed = await follow({ frames: [tradeFrame(0), push('publicTrade.BTCUSDT', null), tradeFrame(2)] })
  await feed.until(() => feed.rows().length === 2)
  expect(feed.gaps()).toEqual([first, { reason: 'sequence', missing: 0, since: frameTime * 1000 }])
})

test('two trades that are equal in every field are two trades', async () => {
  const feed = await follow({ frames: [tradeFrame(0), tradeFrame(0)] })
  await feed.until(() => feed.rows().length === 2)
  expect(feed.of('invalid')).toEqual([])
})

test('says ping as Bybit wants it', async () => {
  const feed = await follow({ frames: [tradeFrame(0)] }, {}, 10e3)
  await vi.waitFor(() => expect(feed.venue.connections[0]?.received).toContain('{"op":"ping"}'), 60_000)
  expect(tradesChannel({ symbols: [], market: 'spot' }).ping?.every).toBe(20e6)
})

test.each(refusedFrames)('the refusal %s names the symbol and ends the feed', async (frame) => {
  const feed = await follow({ frames: [frame] }, { symbols: ['BTCUSTD'] })
  await feed.until(() => feed.errors.length === 1)
  expect(String(feed.errors[0])).toContain('refused "BTCUSTD"')
})

test('a misspelt symbol is an error that names the nearest one, of all pages of the list', async () => {
  const rest = (url: URL) =>
    url.searchParams.get('cursor') === 'next' ? listing(['BTCUSDT']) : listing(['ETHUSDT', 'SOLUSDT'], 'next')
  const feed = await follow({ frames: [], rest }, { symbols: ['BTCUSTD'], market: 'linear' })
  await feed.until(() => feed.errors.length === 1)
  expect(String(feed.errors[0])).toContain('bybit_linear does not list "BTCUSTD" (did you mean "BTCUSDT"?)')
  expect(feed.venue.asked).toEqual([
    '/v5/market/instruments-info?category=linear&limit=1000',
    '/v5/market/instruments-info?category=linear&limit=1000&cursor=next',
  ])
})

test('an error that REST answers with HTTP 200 leaves the symbols unchecked, and the feed running', async () => {
  const rest = () => ({ body: { retCode: 10_001, retMsg: 'params error', result: {} } })
  const feed = await follow({ frames: [tradeFrame(0)], rest })
  await feed.until(() => feed.rows().length === 1 && feed.notices.some((text) => text.includes('10001')))
  expect(feed.errors).toEqual([])
})

test.each([[['BTC/USDT']], [['btcusdt']], [['BTCUSDT', 'BTCUSDT']], [[]]])('refuses the symbols %j', (symbols) => {
  expect(z.safeParse(bybitTrades.definition.params, { symbols }).success).toBe(false)
})
