import { afterEach, expect, test } from 'vitest'
import { z } from 'zod'
import type { Book } from '../../schemas/market.ts'
import { followFeed } from '../../testing/follow_feed.ts'
import { type Fault, type RestAnswer, startVenue } from '../../testing/venue_server.ts'
import { openFeed } from '../feed/feed.ts'
import { socketLimits } from '../feed/socket.ts'
import { binanceBook, bookChannel } from './book.ts'

// Frames and answers after developers.binance.com, Spot, "Diff. Depth Stream" and "Order book" (2026-11).

const ms = 1e3
const quick = { ...socketLimits, backoff: 4 * ms, backoffCap: 20 * ms }
const closing: (() => unknown)[] = []
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
})
const E = 1_672_515_782_136
type Pair = readonly [price: string, size: string]
/** A change that holds the numbers `U` to `u`. */
const change = (U: number, u: number, b: readonly Pair[], a: readonly Pair[] = []) =>
  JSON.stringify({ stream: 'btcusdt@depth@100ms', data: { e: 'depthUpdate', E: E + u, s: 'BTCUSDT', U, u, b, a } })
const whole = (lastUpdateId: number, bids: readonly Pair[], asks: readonly Pair[]) => ({ lastUpdateId, bids, asks })

async function follow(
  frames: readonly string[],
  answers: (attempt: number) => RestAnswer | undefined,
  faults: readonly Fault[] = [],
) {
  let books = 0
  const venue = await startVenue({
    frames,
    faults,
    rest: (url) =>
      url.pathname.endsWith('/depth') ? answers(++books) : { body: { symbols: [{ symbol: 'BTCUSDT' }] } },
  })
  closing.push(venue.close)
  const given = z.parse(binanceBook.definition.params, {
    symbols: ['BTCUSDT'],
    heartbeat_every: '1h',
    levels: 100,
  }) as z.output<typeof binanceBook.definition.params> & Parameters<typeof bookChannel>[0]
  const endpoints = { binance_book: venue.url, 'binance_book.rest': venue.restUrl }
  const feed = followFeed((context) => openFeed(bookChannel(given), given as never, context, quick), endpoints)
  closing.push(feed.stop)
  const told = () =>
    feed.items.flatMap((item) => {
      if (item.type === 'gap') return [`gap ${item.value.reason} ${item.value.missing}`]
      if (item.type !== 'row') return []
      const { side, price, size, snapshot, id } = item.value as Book
      return [`${id}${snapshot ? ' whole' : ''} ${side === 1 ? 'bid' : 'ask'} ${price} ${size}`]
    })
  return { ...feed, venue, told, asked: () => books }
}

test('changes that came before the whole book are told over it, older ones are not', async () => {
  const frames = [change(1, 3, [['9', '1']]), change(4, 6, [['10', '2']]), change(7, 7, [['8', '1']])]
  const feed = await follow(frames, () => ({ body: whole(5, [['10', '1']], [['11', '1']]), after: 30 * ms }))
  await feed.until(() => feed.told().length === 5)
  expect(feed.told()).toEqual(['gap connected 0', '5 whole bid 10 1', '5 whole ask 11 1', '6 bid 10 2', '7 bid 8 1'])
  expect(feed.venue.asked.at(-1)).toBe('/api/v3/depth?symbol=BTCUSDT&limit=100')
})

test('a whole book that is older than the changes is asked for again', async () => {
  const frames = [change(8, 9, [['9', '1']])]
  const feed = await follow(frames, (attempt) => ({
    body: whole(attempt === 1 ? 5 : 9, [['10', '1']], [['11', '1']]),
    after: 20 * ms,
  }))
  await feed.until(() => feed.told().includes('9 whole ask 11 1'))
  expect(feed.asked()).toBe(2)
  expect(feed.told().filter((line) => line.includes('whole'))).toHaveLength(2)
})

test('a hole in the changes is a gap, and the book begins anew with a whole one', async () => {
  const frames = [change(6, 6, [['9', '1']]), change(9, 9, [['8', '1']]), change(10, 10, [['7', '1']])]
  const stall: Fault = { type: 'stall', after: 2, micros: 60 * ms }
  const feed = await follow(
    frames,
    (attempt) => ({ body: whole(attempt === 1 ? 5 : 9, [['10', String(attempt)]], [['11', '1']]) }),
    [{ type: 'stall', after: 0, micros: 60 * ms }, { type: 'stall', after: 1, micros: 60 * ms }, stall],
  )
  await feed.until(() => feed.told().includes('10 bid 7 1'))
  expect(feed.told()).toEqual([
    ...['gap connected 0', '5 whole bid 10 1', '5 whole ask 11 1', '6 bid 9 1'],
    ...['gap sequence 2', '9 whole bid 10 2', '9 whole ask 11 1', '10 bid 7 1'],
  ])
  expect(feed.of('invalid').map(({ value }) => value.reason)).toEqual(['sequence'])
})

test('after a lost connection nothing is told over the old book', async () => {
  const frames = [change(6, 6, [['9', '1']]), change(7, 7, [['8', '1']])]
  const feed = await follow(
    frames,
    (attempt) => ({ body: whole(attempt === 1 ? 5 : 6, [['10', String(attempt)]], [['11', '1']]) }),
    [
      { type: 'stall', after: 0, micros: 60 * ms },
      { type: 'stall', after: 1, micros: 40 * ms },
      { type: 'drop', after: 1 },
      { type: 'stall', after: 1, micros: 60 * ms },
    ],
  )
  await feed.until(() => feed.told().includes('7 bid 8 1'))
  expect(feed.told()).toEqual([
    ...['gap connected 0', '5 whole bid 10 1', '5 whole ask 11 1', '6 bid 9 1'],
    ...['gap disconnected 0', '6 whole bid 10 2', '6 whole ask 11 1', '7 bid 8 1'],
  ])
})

test('a book that is crossed is not told, and begins anew', async () => {
  const frames = [change(6, 6, [['12', '1']]), change(7, 7, [['8', '1']])]
  const feed = await follow(
    frames,
    (attempt) => ({ body: whole(attempt === 1 ? 5 : 6, [['10', '1']], [['11', '1']]) }),
    [
      { type: 'stall', after: 0, micros: 60 * ms },
      { type: 'stall', after: 1, micros: 60 * ms },
    ],
  )
  await feed.until(() => feed.told().includes('7 bid 8 1'))
  expect(feed.told()).toEqual([
    ...['gap connected 0', '5 whole bid 10 1', '5 whole ask 11 1'],
    ...['gap sequence 0', '6 whole bid 10 1', '6 whole ask 11 1', '7 bid 8 1'],
  ])
  expect(feed.of('invalid').map(({ value }) => value.reason)).toEqual(['crossed_book'])
})

test('REST that refuses is asked again and again, and the changes wait', async () => {
  const frames = [change(6, 6, [['9', '1']])]
  const feed = await follow(frames, (attempt) =>
    attempt < 2 ? { status: 400, body: {} } : { body: whole(5, [['10', '1']], [['11', '1']]) },
  )
  await feed.until(() => feed.told().includes('6 bid 9 1'))
  expect(feed.notices.some((text) => text.includes('no whole book'))).toBe(true)
})
