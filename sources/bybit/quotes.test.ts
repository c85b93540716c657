import { afterEach, expect, test, vi } from 'vitest'
import { z } from 'zod'
import { followFeed } from '../../testing/follow_feed.ts'
import { startVenue, type Venue } from '../../testing/venue_server.ts'
import { type FeedParams, openFeed } from '../feed/feed.ts'
import { socketLimits } from '../feed/socket.ts'
import { bookFrame, frameTime } from './frames.ts'
import type { Market } from './markets.ts'
import { bybitQuotes, quotesChannel } from './quotes.ts'

const closing: (() => unknown)[] = []
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
})
const given = { symbols: ['BTCUSDT'], market: 'linear', heartbeat_every: '1h', stall_after: '1h' }
const params = z.parse(bybitQuotes.definition.params, given) as FeedParams & { readonly market: Market }
async function follow(script: Venue) {
  const venue = await startVenue(script)
  closing.push(venue.close)
  const limits = { ...socketLimits, backoff: 4e3 }
  const feed = followFeed((context) => openFeed(quotesChannel(params), params, context, limits), {
    bybit_quotes: venue.url,
  })
  closing.push(feed.stop)
  return { ...feed, venue, rows: () => feed.of('row') }
}
const quote = (n: number, u: number, fields: Parameters<typeof bookFrame>[2] = {}) =>
  bookFrame(n, u, { depth: 1, ...fields })

test('gives every quote, at the time of the matching engine', async () => {
  const feed = await follow({ frames: [quote(0, 5), quote(7, 6, { b: [['16493.00', '2']] })] })
  await feed.until(() => feed.rows().length === 2)
  expect(feed.rows().map(({ at, value }) => [at / 1000 - frameTime, value])).toEqual([
    [0, { bid: 16_493.5, ask: 16_611, bid_size: 0.006, ask_size: 0.029 }],
    [7, { bid: 16_493, ask: 16_611, bid_size: 2, ask_size: 0.029 }],
  ])
  await vi.waitFor(() => expect(feed.venue.connections[0]?.received[0]).toContain('orderbook.1.BTCUSDT'), 60_000)
})

test('a quote repeated with its number is no row; a service that restarts its own count loses none', async () => {
  const seq = 7_961_638_724
  const frames = [quote(0, 900), quote(3000, 900, { seq }), quote(3001, 1), quote(3002, 2)]
  const feed = await follow({ frames })
  await feed.until(() => feed.rows().length === 3)
  expect(feed.rows().map(({ at }) => at / 1000 - frameTime)).toEqual([0, 3001, 3002])
})

test('a new connection is a gap', async () => {
  const feed = await follow({ frames: [quote(0, 5), quote(1, 6)], faults: [{ type: 'drop', after: 1 }] })
  await feed.until(() => feed.rows().length === 2)
  expect(feed.of('gap').map(({ value }) => value.reason)).toEqual(['connected', 'disconnected'])
})

test('a change of one side is counted as invalid: it is no quote', async () => {
  const change = quote(1, 6, { type: 'delta', b: [['16493.00', '2']] })
  const feed = await follow({ frames: [quote(0, 5), change, quote(2, 7)] })
  await feed.until(() => feed.rows().length === 2)
  expect(feed.of('invalid').map(({ value }) => value.reason)).toEqual(['quote_change'])
})
