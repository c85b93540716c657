import { afterEach, expect, test } from 'vitest'
import { z } from 'zod'
import { wallClock } from '../../runtime/clock.ts'
import { followFeed } from '../../testing/follow_feed.ts'
import { startVenue, type Venue } from '../../testing/venue_server.ts'
import { type FeedParams, openFeed } from '../feed/feed.ts'
import { socketLimits } from '../feed/socket.ts'
import { acknowledged, tickerFrame } from './frames.ts'
import { krakenQuotes, quotesChannel } from './quotes.ts'

const closing: (() => unknown)[] = []
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
})
const quick = { ...socketLimits, pingAfter: 10e3, backoff: 4e3, backoffCap: 20e3 }
async function follow(venue: Venue) {
  const running = await startVenue(venue)
  closing.push(running.close)
  const given = { symbols: ['BTC/USD'], heartbeat_every: '1h', stall_after: '1h' }
  const params = z.parse(krakenQuotes.definition.params, given) as FeedParams
  const feed = followFeed((context) => openFeed(quotesChannel(params.symbols), params, context, quick), {
    kraken_quotes: running.url,
  })
  closing.push(feed.stop)
  const gaps = () => feed.of('gap').map(({ key, value }) => ({ key, ...value }))
  const reasons = () => feed.of('invalid').map(({ value }) => value.reason)
  return { ...feed, gaps, reasons, venue: running }
}
const key = 'kraken:BTC/USD'
const stamped = (bid: number, second: number) =>
  tickerFrame(bid, bid + 0.1, { timestamp: `2026-01-02T03:04:0${second}.250000Z` })
const timeOf = (second: number) => Date.UTC(2026, 0, 2, 3, 4, second, 250) * 1000

test('asks for every change of the best prices and tells each with its time', async () => {
  const feed = await follow({ frames: [acknowledged('ticker'), stamped(100, 1), stamped(100.1, 2), stamped(100, 3)] })
  await feed.until(() => feed.of('row').length === 3)
  expect(feed.gaps()).toEqual([{ key, reason: 'connected', missing: 0, since: 0 }])
  expect(feed.of('row').map(({ at }) => at)).toEqual([1, 2, 3].map(timeOf))
  expect(feed.of('row')[1]?.value).toEqual({ bid: 100.1, ask: 100.19999999999999, bid_size: 0.5, ask_size: 1.25 })
  await expect
    .poll(() => feed.venue.connections[0]?.received)
    .toEqual([
      '{"method":"subscribe","params":{"channel":"ticker","symbol":["BTC/USD"],"event_trigger":"bbo","snapshot":true}}',
    ])
})

test('a quote without a time has that of its receipt', async () => {
  const before = wallClock.now()
  const feed = await follow({ frames: [tickerFrame(100, 101)] })
  await feed.until(() => feed.of('row').length === 1)
  const at = feed.of('row')[0]?.at ?? 0
  expect(at).toBeGreaterThanOrEqual(before)
  expect(at).toBeLessThanOrEqual(wallClock.now())
})

test('every new connection is a gap, and a crossed quote is kept out', async () => {
  const crossed = tickerFrame(101, 100, { timestamp: '2026-01-02T03:04:03Z' })
  const feed = await follow({
    frames: [stamped(100, 1), stamped(100.1, 2), crossed, stamped(100, 4)],
    faults: [{ type: 'drop', after: 1 }],
  })
  await feed.until(() => feed.of('row').length === 3)
  expect(feed.gaps().map(({ reason }) => reason)).toEqual(['connected', 'disconnected'])
  expect(feed.reasons()).toEqual(['crossed_quote'])
})
