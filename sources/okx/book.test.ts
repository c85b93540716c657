import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { afterEach, expect, test, vi } from 'vitest'
import { WebSocketServer } from 'ws'
import { z } from 'zod'
import { type Clock, wallClock } from '../../runtime/clock.ts'
import type { Book } from '../../schemas/market.ts'
import { followFeed } from '../../testing/follow_feed.ts'
import { type RestAnswer, startVenue, type Venue } from '../../testing/venue_server.ts'
import { type FeedParams, openFeed } from '../feed/feed.ts'
import { socketLimits } from '../feed/socket.ts'
import { bookChannel, okxBook } from './book.ts'
import { checksumOf } from './checksum.ts'
import { bookChangeFrame, bookOf, level, wholeBookFrame } from './frames.ts'

const closing: (() => unknown)[] = []
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
})
const given = { symbols: ['BTC-USDT'], heartbeat_every: '1h', stall_after: '1h' }
const params = z.parse(okxBook.definition.params, given) as FeedParams
async function follow(script: Venue) {
  const venue = await startVenue(script)
  closing.push(venue.close)
  const limits = { ...socketLimits, backoff: 4e3 }
  const endpoints = { okx_book: venue.url, 'okx_book.rest': venue.restUrl }
  const feed = followFeed((context) => openFeed(bookChannel(params), params, context, limits), endpoints)
  closing.push(feed.stop)
  const rows = () => feed.of('row').map(({ value }) => value as Book)
  return { ...feed, venue, rows, levels: () => rows().map(({ price, size, id }) => [price, size, id]) }
}
const later: RestAnswer = { body: '', after: Number.POSITIVE_INFINITY }
const bid = (price: string, size: string) => ({ bids: [level(price, size)] })
const listing = { body: { code: '0', msg: '', data: [{ instId: 'BTC-USDT' }] } }
/** REST that answers with these books, one after the other. */
const books = (...all: readonly unknown[]) => {
  const left = [...all]
  return (url: URL): RestAnswer => {
    if (url.pathname.endsWith('/instruments')) return listing
    const data = left.shift()
    return data === undefined ? later : { body: { code: '0', msg: '', data: [data] } }
  }
}

test('tells the whole book the stream begins with, then what changes, as the docs count it', async () => {
  const changes = [
    bookChangeFrame(1, [10, 15], bid('8475.55', '0')),
    bookChangeFrame(2, [15, 15]),
    bookChangeFrame(3, [15, 3], bid('8476.97', '5')),
    bookChangeFrame(4, [3, 5], { asks: [level('8477', '9')] }),
  ]
  const feed = await follow({ frames: [wholeBookFrame(0, 10), ...changes], rest: books() })
  await feed.until(() => feed.rows().length === 7)
  expect(feed.levels()).toEqual([
    ...[
      [8476.97, 256, 10],
      [8475.55, 101, 10],
      [8476.98, 415, 10],
      [8477, 7, 10],
    ],
    ...[
      [8475.55, 0, 15],
      [8476.97, 5, 3],
      [8477, 9, 5],
    ],
  ])
  expect(feed.rows().map(({ snapshot }) => snapshot)).toEqual([true, true, true, true, false, false, false])
  expect(feed.of('gap').map(({ value }) => value.reason)).toEqual(['connected'])
})

test('a hole in the numbers is a gap, and the book begins anew with one of REST', async () => {
  const frames = [
    wholeBookFrame(0, 10),
    bookChangeFrame(1, [12, 15], bid('8475', '1')),
    bookChangeFrame(2, [15, 18], bid('8474', '1')),
    bookChangeFrame(3, [18, 20], bid('8473', '1')),
  ]
  // the question of the start fails, and the stream answers it; the next one is asked for the hole
  const answers = [
    { code: '50011', msg: 'Too Many Requests', data: [] },
    { code: '0', msg: '', data: [bookOf(2, 18)] },
  ]
  const rest = (url: URL): RestAnswer =>
    url.pathname.endsWith('/instruments') ? listing : { body: answers.shift() ?? '' }
  const feed = await follow({ frames, rest })
  await feed.until(() => feed.rows().length === 9)
  expect(feed.rows().map(({ snapshot, id }) => [snapshot, id])).toEqual([
    ...Array(4).fill([true, 10]),
    ...Array(4).fill([true, 18]),
    [false, 20],
  ])
  expect(feed.of('gap').map(({ value }) => value)).toMatchObject([
    { reason: 'connected' },
    { reason: 'sequence', missing: 2 },
  ])
  expect(feed.venue.asked).toContain('/api/v5/market/books?instId=BTC-USDT&sz=400')
})

test('where the stream brings no whole book, REST does, and changes from before it are left out', async () => {
  const frames = [
    bookChangeFrame(1, [10, 15], bid('8475', '1')),
    bookChangeFrame(2, [15, 18], bid('8474', '2')),
    bookChangeFrame(3, [18, 20], bid('8473', '3')),
  ]
  const rest = (url: URL): RestAnswer =>
    url.pathname.endsWith('/instruments')
      ? listing
      : { body: { code: '0', msg: '', data: [bookOf(2, 17)] }, after: 30e3 }
  const feed = await follow({ frames, rest })
  await feed.until(() => feed.rows().length === 6)
  expect(feed.levels().slice(4)).toEqual([
    [8474, 2, 18],
    [8473, 3, 20],
  ])
  expect(feed.rows()[0]).toMatchObject({ snapshot: true, id: 17 })
})

test('a book of REST from before the first change is asked for again', async () => {
  const frames = [bookChangeFrame(1, [12, 15], bid('8475', '1'))]
  const old = { body: { code: '0', msg: '', data: [bookOf(0, 10)] }, after: 20e3 }
  const fresh = { body: { code: '0', msg: '', data: [bookOf(2, 12)] } }
  const answers = [old, fresh]
  const feed = await follow({
    frames,
    rest: (url) => (url.pathname.endsWith('/instruments') ? listing : (answers.shift() ?? later)),
  })
  await feed.until(() => feed.rows().some(({ id }) => id === 12))
  expect(feed.of('event').map(({ value }) => value.event)).toContain('resynced')
})

/** A stream that answers each subscription with the next of these frames, an array all at once; REST cannot be reached. */
async function subscribed(answers: readonly (readonly string[])[], clock: Clock = wallClock) {
  const server = new WebSocketServer({ port: 0, host: '127.0.0.1' })
  closing.push(() => new Promise((resolve) => server.close(resolve)))
  await once(server, 'listening')
  const said: string[] = []
  server.on('connection', (client) => {
    closing.push(() => client.terminate())
    client.on('message', (data) => {
      if (String(data) === 'ping') return
      const { op } = JSON.parse(String(data)) as { op: string }
      said.push(op)
      if (op !== 'subscribe') return
      for (const frame of answers[said.filter((what) => what === 'subscribe').length - 1] ?? []) client.send(frame)
    })
  })
  const url = `ws://127.0.0.1:${(server.address() as AddressInfo).port}`
  const endpoints = { okx_book: url, 'okx_book.rest': 'http://127.0.0.1:1' }
  const lively = { ...params, heartbeat_every: 1e6 }
  const feed = followFeed((context) => openFeed(bookChannel(lively), lively, context), endpoints, { clock })
  closing.push(feed.stop)
  return { ...feed, said, ids: () => feed.of('row').map(({ value }) => (value as Book).id) }
}
const broken = [wholeBookFrame(0, 10), bookChangeFrame(1, [12, 15], bid('8475', '1'))]

test('where REST cannot be reached, a book that breaks begins anew on the stream', async () => {
  const feed = await subscribed([broken, [wholeBookFrame(2, 20), bookChangeFrame(3, [20, 21], bid('8475', '2'))]])
  await vi.waitFor(() => expect(feed.ids().at(-1)).toBe(21), 60_000)
  expect(feed.said).toEqual(['subscribe', 'unsubscribe', 'subscribe'])
  expect(feed.ids()).toEqual([...Array(4).fill(10), ...Array(4).fill(20), 21])
  expect(feed.of('gap').map(({ value }) => value.reason)).toEqual(['connected', 'sequence'])
})

test('where neither REST nor the stream brings the book, the stream is asked again', async () => {
  const fast: Clock = {
    now: () => wallClock.now() * 10,
    after: (micros, call) => wallClock.after(micros / 10, call),
  }
  const feed = await subscribed([broken, [], [wholeBookFrame(2, 20)]], fast)
  await vi.waitFor(() => expect(feed.ids().at(-1)).toBe(20), 60_000)
  expect(feed.said).toEqual(['subscribe', 'unsubscribe', 'subscribe', 'unsubscribe', 'subscribe'])
})

test('a book without its number is refused: nothing would fit upon it', async () => {
  const { seqId: _, ...unnumbered } = bookOf(0, 1)
  const feed = await follow({ frames: [], rest: books(unnumbered) })
  await feed.until(() => feed.notices.some((text) => text.includes('without its number')))
  expect(feed.rows()).toEqual([])
})

test.each([
  ['without its numbers', { prevSeqId: undefined, seqId: undefined }],
  ['whose number is beyond what a double holds', { seqId: 2 ** 53 + 2 }],
] as const)('a change %s, which nothing proves to fit, begins the book anew', async (_what, numbers) => {
  const change = bookChangeFrame(1, [10, 11], { ...bid('8475', '1'), ...numbers })
  const feed = await follow({ frames: [wholeBookFrame(0, 10), change, wholeBookFrame(2, 20)], rest: books() })
  await feed.until(() => feed.rows().some(({ id }) => id === 20))
  expect(feed.levels().filter(([price]) => price === 8475)).toEqual([])
  expect(feed.of('invalid').map(({ value }) => value.reason)).toEqual(['book_numbers'])
  expect(feed.of('gap').map(({ value }) => value.reason)).toEqual(['connected', 'sequence'])
})

test('a checksum that is told and does not fit ends the belief in a book', async () => {
  const { bids, asks } = { bids: [level('8476.97', '256')], asks: [level('8476.98', '415')] }
  const sum = checksumOf([[8476.97, 256, '8476.97', '256']], [[8476.98, 415, '8476.98', '415']])
  const whole = wholeBookFrame(0, 10, { bids, asks, checksum: sum })
  const wrong = bookChangeFrame(1, [10, 11], { ...bid('8475', '1'), checksum: sum })
  const feed = await follow({ frames: [whole, wrong], rest: books() })
  await feed.until(() => feed.of('invalid').length === 1)
  expect(feed.of('invalid').map(({ value }) => value.reason)).toEqual(['checksum'])
  expect(feed.levels()).toEqual([
    [8476.97, 256, 10],
    [8476.98, 415, 10],
  ])
})

test('the checksum is that of the documentation: bid and ask in turn, a missing one left out', () => {
  const bids = [[3366.1, 7, '3366.1', '7']] as const
  const asks = [
    [3366.8, 9, '3366.8', '9'],
    [3368, 8, '3368', '8'],
    [3372, 8, '3372', '8'],
  ] as const
  // CRC32 of 3366.1:7:3366.8:9:3368:8:3372:8, signed
  expect(checksumOf(bids, asks)).toBe(831_078_360)
})

test('a lost connection begins the book anew, behind a gap', async () => {
  const frames = [wholeBookFrame(0, 10), wholeBookFrame(5, 20)]
  const feed = await follow({ frames, faults: [{ type: 'drop', after: 1 }], rest: books() })
  await feed.until(() => feed.rows().length === 8)
  expect(feed.of('gap').map(({ value }) => value.reason)).toEqual(['connected', 'disconnected'])
  expect(feed.rows().map(({ last }) => last)).toEqual([...Array(3).fill(false), true, ...Array(3).fill(false), true])
})
