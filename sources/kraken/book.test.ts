import { afterEach, expect, test } from 'vitest'
import { z } from 'zod'
import type { Book } from '../../schemas/market.ts'
import { followFeed } from '../../testing/follow_feed.ts'
import { startVenue, type Venue } from '../../testing/venue_server.ts'
import { type FeedParams, openFeed } from '../feed/feed.ts'
import { socketLimits } from '../feed/socket.ts'
import type { Level } from '../feed/venue.ts'
import { bookChannel, krakenBook } from './book.ts'
import { bookChecksum } from './checksum.ts'
import { acknowledged, bookFrame, frameTime, guide, type Sides } from './frames.ts'

const closing: (() => unknown)[] = []
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
})
const quick = { ...socketLimits, pingAfter: 10e3, backoff: 4e3, backoffCap: 20e3 }
type Params = FeedParams & Parameters<typeof bookChannel>[0]

async function follow(venue: Venue, given: Partial<Parameters<typeof krakenBook>[0]> = {}) {
  const running = await startVenue(venue)
  closing.push(running.close)
  const all = { symbols: ['BTC/USD'], heartbeat_every: '1h', stall_after: '1h', ...given }
  const params = z.parse(krakenBook.definition.params, all) as Params
  const feed = followFeed((context) => openFeed(bookChannel(params), params, context, quick), {
    kraken_book: running.url,
  })
  closing.push(feed.stop)
  const gaps = () => feed.of('gap').map(({ key, value }) => ({ key, ...value }))
  const reasons = () => feed.of('invalid').map(({ value }) => value.reason)
  const events = () => feed.of('event').map(({ value }) => value.event)
  const levels = () => feed.of('row').map(({ value }) => value as Book)
  return {
    ...feed,
    gaps,
    reasons,
    events,
    venue: running,
    levels,
    messages: () => levels().filter(({ last }) => last).length,
  }
}
const key = 'kraken:BTC/USD'
const first = { key, reason: 'connected', missing: 0, since: 0 }
const levelsOf = (side: Sides['bids']): readonly Level[] => side.map(([p, q]) => [Number(p), Number(q), p, q])
const checksumOf = ({ bids, asks }: Sides) => bookChecksum(levelsOf(bids), levelsOf(asks))
const change = (side: 'bids' | 'asks', price: string, qty: string): Sides => ({
  bids: [],
  asks: [],
  [side]: [[price, qty]],
})

const snapshot = bookFrame('snapshot', guide, guide.checksum, frameTime)
/** The book of the guide once its best ask is gone. */
const without: Sides = { ...guide, asks: guide.asks.slice(1) }
const taken = bookFrame('update', change('asks', '45285.2', '0.00000000'), checksumOf(without), frameTime + 1000)

test('tells the whole book of the guide, then what changed, each message proven by its checksum', async () => {
  const feed = await follow({ frames: [acknowledged('book'), snapshot, taken] })
  await feed.until(() => feed.messages() === 2)
  expect(feed.gaps()).toEqual([first])
  expect(feed.levels()).toHaveLength(21)
  expect(feed.levels()[0]).toEqual({ side: 1, price: 45_283.5, size: 0.1, snapshot: true, last: false, id: 0 })
  expect(feed.levels().at(-1)).toEqual({ side: -1, price: 45_285.2, size: 0, snapshot: false, last: true, id: 0 })
  expect(feed.of('row').at(-1)?.at).toBe(frameTime + 1000)
  expect(feed.reasons()).toEqual([])
  await expect
    .poll(() => feed.venue.connections[0]?.received)
    .toEqual(['{"method":"subscribe","params":{"channel":"book","symbol":["BTC/USD"],"depth":10,"snapshot":true}}'])
})

test('a level that falls behind the depth is told as taken out, and the checksum still fits', async () => {
  const bids: Sides['bids'] = [['45284.0', '1.00000000'], ...guide.bids]
  const better = bookFrame(
    'update',
    change('bids', '45284.0', '1.00000000'),
    checksumOf({ ...guide, bids: bids.slice(0, 10) }),
  )
  // gone again: Kraken says what has come back into the depth
  const back = bookFrame(
    'update',
    {
      bids: [
        ['45284.0', '0.00000000'],
        ['45276.6', '0.15445238'],
      ],
      asks: [],
    },
    guide.checksum,
    frameTime,
  )
  const feed = await follow({ frames: [snapshot, better, back] })
  await feed.until(() => feed.messages() === 3)
  const told = feed
    .levels()
    .slice(20)
    .map(({ price, size }) => [price, size])
  expect(told).toEqual([
    [45_284, 1],
    [45_276.6, 0],
    [45_284, 0],
    [45_276.6, 0.15445238],
  ])
  expect(feed.reasons()).toEqual([])
})

test('a checksum that does not fit is a gap; the book is asked for again and nothing is told in between', async () => {
  const wrong = bookFrame('update', change('bids', '45283.4', '9.00000000'), 12_345, frameTime + 500)
  const feed = await follow({ frames: [snapshot, wrong, taken, snapshot, taken] })
  await feed.until(() => feed.messages() === 3)
  expect(feed.gaps()).toEqual([first, { key, reason: 'sequence', missing: 0, since: frameTime }])
  expect(feed.reasons()).toEqual(['checksum'])
  expect(feed.events()).toContain('resynced')
  expect(feed.levels().some(({ size }) => size === 9)).toBe(false)
  expect(feed.levels()).toHaveLength(20 + 20 + 1)
  expect(feed.venue.connections).toHaveLength(1)
  await expect
    .poll(() => feed.venue.connections[0]?.received.slice(1))
    .toEqual([
      '{"method":"unsubscribe","params":{"channel":"book","symbol":["BTC/USD"],"depth":10}}',
      '{"method":"subscribe","params":{"channel":"book","symbol":["BTC/USD"],"depth":10,"snapshot":true}}',
    ])
})

test('digits are what the checksum is of: the same numbers written shorter do not fit', async () => {
  const shorter = (side: Sides['bids']) => side.map(([p, q]) => [p, String(Number(q))] as const)
  const frame = bookFrame(
    'snapshot',
    { bids: shorter(guide.bids), asks: shorter(guide.asks) },
    guide.checksum,
    frameTime,
  )
  const feed = await follow({ frames: [frame] })
  await feed.until(() => feed.reasons().length === 1)
  expect(feed.reasons()).toEqual(['checksum'])
  const unchecked = await follow({ frames: [frame] }, { checksum: false })
  await unchecked.until(() => unchecked.messages() === 1)
  expect(unchecked.reasons()).toEqual([])
})

test('a lost connection is a gap, and the next book begins anew', async () => {
  const feed = await follow({ frames: [snapshot, snapshot, taken], faults: [{ type: 'drop', after: 1 }] })
  await feed.until(() => feed.messages() === 3)
  expect(feed.gaps()).toEqual([first, { key, reason: 'disconnected', missing: 0, since: frameTime }])
})

test.each([{ depth: 27 }, { depth: 0 }, { checksum: 'no' }])('refuses %j', (given) => {
  expect(z.safeParse(krakenBook.definition.params, { symbols: ['BTC/USD'], ...given }).success).toBe(false)
})
