import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, expect, test } from 'vitest'
import { z } from 'zod'
import { wallClock } from '../../runtime/clock.ts'
import { Book } from '../../schemas/market.ts'
import { followFeed } from '../../testing/follow_feed.ts'
import { saidIn } from '../../testing/recorded.ts'
import { startVenue, type Venue } from '../../testing/venue_server.ts'
import { type FeedParams, openFeed } from '../feed/feed.ts'
import { socketLimits } from '../feed/socket.ts'
import { bookChannel, coinbaseBook } from './book.ts'
import { changeFrame, snapshotFrame, subscriptions } from './frames.ts'

const closing: (() => unknown)[] = []
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
})
const quick = { ...socketLimits, pingAfter: 10e3, backoff: 4e3, backoffCap: 20e3 }
async function follow(venue: Venue, symbols: readonly string[] = ['BTC-USD']) {
  const running = await startVenue(venue)
  closing.push(running.close)
  const given = { symbols, heartbeat_every: '1h', stall_after: '1h' }
  const params = z.parse(coinbaseBook.definition.params, given) as FeedParams
  const feed = followFeed((context) => openFeed(bookChannel(params.symbols), params, context, quick), {
    coinbase_book: running.url,
  })
  closing.push(feed.stop)
  const levels = () => feed.of('row').map(({ value }) => value as Book)
  return {
    ...feed,
    venue: running,
    levels,
    messages: () => levels().filter(({ last }) => last).length,
    gaps: () => feed.of('gap').map(({ value }) => value.reason),
    reasons: () => feed.of('invalid').map(({ value }) => value.reason),
  }
}
const snapshot = snapshotFrame(
  [
    ['100', '1'],
    ['99', '2'],
  ],
  [['101', '3']],
)

test('tells the whole book at the time of its receipt, then what changed', async () => {
  const before = wallClock.now()
  const change = changeFrame(
    [
      ['buy', '100', '0.00'],
      ['sell', '100.5', '4'],
    ],
    before + 3600e6,
  )
  const feed = await follow({ frames: [subscriptions('level2_batch'), snapshot, change] })
  await feed.until(() => feed.messages() === 2)
  expect(feed.gaps()).toEqual(['connected'])
  expect(feed.levels().map(({ side, price, size, snapshot, last }) => [side, price, size, snapshot, last])).toEqual([
    [1, 100, 1, true, false],
    [1, 99, 2, true, false],
    [-1, 101, 3, true, true],
    [1, 100, 0, false, false],
    [-1, 100.5, 4, false, true],
  ])
  const times = feed.of('row').map(({ at }) => at)
  expect(times[0]).toBeGreaterThanOrEqual(before)
  expect(times[0]).toBeLessThanOrEqual(wallClock.now())
  expect(times.at(-1)).toBe(before + 3600e6)
  expect(z.safeParse(Book.schema, feed.levels()[0]).success).toBe(true)
  await expect
    .poll(() => feed.venue.connections[0]?.received)
    .toEqual(['{"type":"subscribe","product_ids":["BTC-USD"],"channels":["level2_batch"]}'])
})

test('a change without a time moves none back', async () => {
  const ahead = wallClock.now() + 3600e6
  const feed = await follow({
    frames: [snapshot, changeFrame([['buy', '98', '1']], ahead), changeFrame([['buy', '97', '1']], undefined)],
  })
  await feed.until(() => feed.messages() === 3)
  expect(
    feed
      .of('row')
      .slice(-2)
      .map(({ at }) => at),
  ).toEqual([ahead, ahead])
})

test('a level that is no pair of decimals is left out of a whole book', async () => {
  const broken = snapshotFrame(
    [
      ['40533.24', '0.020416'],
      ['40531.19', '0.-10000'],
    ],
    [['40584.89', '0.039985']],
  )
  const feed = await follow({ frames: [broken] })
  await feed.until(() => feed.messages() === 1)
  expect(feed.levels().map(({ price }) => price)).toEqual([40_533.24, 40_584.89])
})

test('a book that is crossed is a gap, and is asked for again on the same connection', async () => {
  const crossing = changeFrame([['buy', '101.5', '1']], wallClock.now())
  const feed = await follow({ frames: [snapshot, crossing, snapshot] })
  await feed.until(() => feed.messages() === 2)
  expect(feed.gaps()).toEqual(['connected', 'sequence'])
  expect(feed.reasons()).toEqual(['crossed_book'])
  expect(feed.levels().some(({ price }) => price === 101.5)).toBe(false)
  await expect
    .poll(() => feed.venue.connections[0]?.received.slice(1))
    .toEqual([
      '{"type":"unsubscribe","product_ids":["BTC-USD"],"channels":["level2_batch"]}',
      '{"type":"subscribe","product_ids":["BTC-USD"],"channels":["level2_batch"]}',
    ])
})

test('a change that cannot be read leaves no book that lacks it: it is a gap, and the book is asked for again', async () => {
  const unread = changeFrame([['buy', '100', '0.-1000']], wallClock.now())
  const feed = await follow({ frames: [snapshot, unread, snapshot] })
  await feed.until(() => feed.messages() === 2)
  expect(feed.reasons()).toEqual(['l2update_values'])
  expect(feed.gaps()).toEqual(['connected', 'sequence'])
  await expect.poll(() => feed.venue.connections[0]?.received.length).toBe(3)
})

test('a lost connection is a gap, and the next book begins anew', async () => {
  const feed = await follow({ frames: [snapshot, snapshot], faults: [{ type: 'drop', after: 1 }] })
  await feed.until(() => feed.messages() === 2)
  expect(feed.gaps()).toEqual(['connected', 'disconnected'])
})

// ---- recorded frames --------------------------------------------------------------------------------

const path = join(process.env['TIDEGATE_DATA'] ?? './data', 'ws-frames/cryptofeed/COINBASE/COINBASE.ws.28.0.jsonl.gz')
interface Ticker {
  readonly type: string
  readonly product_id: string
  readonly best_bid: string
  readonly best_ask: string
  readonly bids?: readonly (readonly [string, string])[]
  readonly asks?: readonly (readonly [string, string])[]
  readonly changes?: readonly (readonly [string, string, string])[]
}
test.skipIf(!existsSync(path))(
  'COINBASE.ws.28.0: the rows of ten books rebuild the books that the frames say, level by level',
  async () => {
    const frames = saidIn(path)
    const expected = new Map<string, Map<string, number>>()
    let messages = 0
    for (const raw of frames) {
      const { type, product_id: symbol, bids = [], asks = [], changes = [] } = JSON.parse(raw) as Ticker
      if (type !== 'snapshot' && type !== 'l2update') continue
      messages++
      const book = expected.get(symbol) ?? new Map<string, number>()
      expected.set(symbol, book)
      const all = [...bids.map((l) => ['buy', ...l] as const), ...asks.map((l) => ['sell', ...l] as const), ...changes]
      for (const [side, price, size] of all) {
        const level = `${side === 'buy' ? 1 : -1} ${Number(price)}`
        if (Number(size) === 0) book.delete(level)
        else book.set(level, Number(size))
      }
    }
    const feed = await follow({ frames }, [...expected.keys()])
    await feed.until(() => feed.messages() === messages)
    expect(messages).toBe(9729)
    const rebuilt = new Map<string, Map<string, number>>()
    for (const { key, value } of feed.of('row')) {
      const { side, price, size } = value as Book
      const symbol = key.slice('coinbase:'.length)
      const book = rebuilt.get(symbol) ?? new Map<string, number>()
      rebuilt.set(symbol, book)
      if (size === 0) book.delete(`${side} ${price}`)
      else book.set(`${side} ${price}`, size)
    }
    const sorted = (books: typeof expected) => [...books].map(([symbol, book]) => [symbol, [...book].sort()]).sort()
    expect(sorted(rebuilt)).toEqual(sorted(expected))
    expect(feed.gaps()).toEqual(Array(10).fill('connected'))
    expect(feed.reasons()).toEqual([])
  },
  30_000,
)
