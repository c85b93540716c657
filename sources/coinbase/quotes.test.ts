import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, expect, test } from 'vitest'
import { z } from 'zod'
import { followFeed } from '../../testing/follow_feed.ts'
import { saidIn } from '../../testing/recorded.ts'
import { startVenue, type Venue } from '../../testing/venue_server.ts'
import { type FeedParams, openFeed } from '../feed/feed.ts'
import { LocalBook } from '../feed/local_book.ts'
import { socketLimits } from '../feed/socket.ts'
import { readBookFrame } from './book.ts'
import { frameTime, subscriptions, tickerFrame } from './frames.ts'
import { coinbaseQuotes, quotesChannel, readTickerFrame } from './quotes.ts'

const closing: (() => unknown)[] = []
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
})
const quick = { ...socketLimits, pingAfter: 10e3, backoff: 4e3, backoffCap: 20e3 }
async function follow(venue: Venue) {
  const running = await startVenue(venue)
  closing.push(running.close)
  const given = { symbols: ['ETH-USD'], heartbeat_every: '1h', stall_after: '1h' }
  const params = z.parse(coinbaseQuotes.definition.params, given) as FeedParams
  const feed = followFeed((context) => openFeed(quotesChannel(params.symbols), params, context, quick), {
    coinbase_quotes: running.url,
  })
  closing.push(feed.stop)
  const gaps = () => feed.of('gap').map(({ value }) => value)
  const reasons = () => feed.of('invalid').map(({ value }) => value.reason)
  return { ...feed, venue: running, gaps, reasons }
}

test('tells the quote of each match; holes in the sequence mean nothing', async () => {
  const feed = await follow({ frames: [subscriptions('ticker'), tickerFrame(0), tickerFrame(1), tickerFrame(5)] })
  await feed.until(() => feed.of('row').length === 3)
  expect(feed.of('row')[2]).toEqual({
    ...{ type: 'row', at: frameTime + 5000, key: 'coinbase:ETH-USD' },
    value: { bid: 1285.04, ask: 1285.27, bid_size: 0.46688654, ask_size: 1.5663704 },
  })
  expect(feed.gaps()).toEqual([{ reason: 'connected', missing: 0, since: 0 }])
  await expect
    .poll(() => feed.venue.connections[0]?.received)
    .toEqual(['{"type":"subscribe","product_ids":["ETH-USD"],"channels":["ticker"]}'])
})

test('after a lost connection the quote that is repeated is told once, and the next one begins with a gap', async () => {
  const frames = [tickerFrame(0), tickerFrame(1), tickerFrame(1), tickerFrame(2)]
  const feed = await follow({ frames, faults: [{ type: 'drop', after: 2 }] })
  await feed.until(() => feed.of('row').length === 3)
  expect(feed.reasons()).toEqual([])
  expect(feed.gaps()).toEqual([
    { reason: 'connected', missing: 0, since: 0 },
    { reason: 'disconnected', missing: 0, since: frameTime + 1000 },
  ])
})

// ---- recorded frames --------------------------------------------------------------------------------

const path = join(process.env['TIDEGATE_DATA'] ?? './data', 'ws-frames/cryptofeed/COINBASE/COINBASE.ws.28.0.jsonl.gz')
test.skipIf(!existsSync(path))(
  'COINBASE.ws.28.0: 90 of the 97 quotes since the books began are the best prices of the book of their time',
  () => {
    interface Best {
      readonly at: number
      readonly prices: string
    }
    const books = new Map<string, LocalBook>()
    const best = new Map<string, Best[]>()
    const quotes: { symbol: string; at: number; prices: string }[] = []
    for (const raw of saidIn(path)) {
      const quote = readTickerFrame(Buffer.from(raw))
      if (quote.type === 'row') {
        const { symbol, at, value } = quote.row
        quotes.push({ symbol, at, prices: `${value.bid} ${value.ask}` })
      }
      const change = readBookFrame(Buffer.from(raw))
      if (change.type !== 'book') continue
      const { symbol, at, snapshot } = change.message
      const book = books.get(symbol) ?? new LocalBook()
      books.set(symbol, book)
      book.apply(change.message)
      expect(book.crossed).toBe(false)
      if (!snapshot)
        best.set(symbol, [...(best.get(symbol) ?? []), { at, prices: `${book.bids[0]?.[0]} ${book.asks[0]?.[0]}` }])
    }
    const inTime = quotes.flatMap(({ symbol, at, prices }) => {
      const last = best.get(symbol)?.findLast((state) => state.at <= at)
      return last === undefined ? [] : [last.prices === prices]
    })
    // the others came while the book was changing
    expect(inTime).toHaveLength(97)
    expect(inTime.filter(Boolean)).toHaveLength(90)
  },
)
