import { afterEach, expect, test, vi } from 'vitest'
import { z } from 'zod'
import { followFeed } from '../../testing/follow_feed.ts'
import { startVenue, type Venue } from '../../testing/venue_server.ts'
import { type FeedParams, openFeed } from '../feed/feed.ts'
import { socketLimits } from '../feed/socket.ts'
import { frameTime, level, quoteFrame } from './frames.ts'
import { okxQuotes, quotesChannel } from './quotes.ts'

const closing: (() => unknown)[] = []
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
})
const given = { symbols: ['BTC-USDT'], heartbeat_every: '1h', stall_after: '1h' }
const params = z.parse(okxQuotes.definition.params, given) as FeedParams
async function follow(script: Venue) {
  const venue = await startVenue(script)
  closing.push(venue.close)
  const limits = { ...socketLimits, backoff: 4e3 }
  const feed = followFeed((context) => openFeed(quotesChannel(params), params, context, limits), {
    okx_quotes: venue.url,
  })
  closing.push(feed.stop)
  return { ...feed, venue, rows: () => feed.of('row') }
}

test('gives every quote of the tick-by-tick channel', async () => {
  const feed = await follow({ frames: [quoteFrame(0), quoteFrame(5, { bids: [level('111.04', '3')] })] })
  await feed.until(() => feed.rows().length === 2)
  expect(feed.rows().map(({ at, key, value }) => ({ at, key, value }))).toEqual([
    {
      ...{ at: frameTime * 1000, key: 'okx:BTC-USDT' },
      value: { bid: 111.05, ask: 111.06, bid_size: 57_745, ask_size: 55_154 },
    },
    {
      ...{ at: (frameTime + 5) * 1000, key: 'okx:BTC-USDT' },
      value: { bid: 111.04, ask: 111.06, bid_size: 3, ask_size: 55_154 },
    },
  ])
  await vi.waitFor(() => expect(feed.venue.connections[0]?.received).toHaveLength(1), 60_000)
  expect(feed.venue.connections[0]).toMatchObject({
    ...{ url: '/ws/v5/public', received: ['{"op":"subscribe","args":[{"channel":"bbo-tbt","instId":"BTC-USDT"}]}'] },
  })
})

test('the quote that is repeated after a minute of silence is no row, an empty side is none either', async () => {
  const again = quoteFrame(60_000, { seqId: 363_996_337 })
  const feed = await follow({ frames: [quoteFrame(0), again, quoteFrame(60_001, { asks: [] }), quoteFrame(60_002)] })
  await feed.until(() => feed.rows().length === 2)
  expect(feed.rows().map(({ at }) => at / 1000 - frameTime)).toEqual([0, 60_002])
})

test('a new connection is a gap: numbers with holes prove nothing', async () => {
  const frames = [quoteFrame(0), quoteFrame(1), quoteFrame(2)]
  const feed = await follow({ frames, faults: [{ type: 'drop', after: 2 }] })
  await feed.until(() => feed.rows().length === 3)
  expect(feed.of('gap').map(({ value }) => value)).toEqual([
    { reason: 'connected', missing: 0, since: 0 },
    { reason: 'disconnected', missing: 0, since: (frameTime + 1) * 1000 },
  ])
})

test('a quote whose bid is not below its ask is kept out', async () => {
  const crossed = quoteFrame(1, { bids: [level('111.07', '1')] })
  const feed = await follow({ frames: [quoteFrame(0), crossed, quoteFrame(2)] })
  await feed.until(() => feed.rows().length === 2)
  expect(feed.of('invalid').map(({ value }) => value.reason)).toEqual(['crossed_quote'])
})

test('quotes without a number are told all the same, and a number no double holds is kept out', async () => {
  const unnumbered = [0, 5, 5].map((n) => quoteFrame(n, { seqId: undefined }))
  const feed = await follow({ frames: [...unnumbered, quoteFrame(10, { seqId: 2 ** 53 })] })
  await feed.until(() => feed.of('invalid').length > 0)
  expect(feed.of('invalid').map(({ value }) => value.reason)).toEqual(['quote_fields'])
  expect(feed.rows().map(({ at }) => at / 1000 - frameTime)).toEqual([0, 5, 5])
  expect(feed.of('gap').map(({ value }) => value.reason)).toEqual(['connected'])
})
