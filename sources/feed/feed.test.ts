import { afterEach, expect, test, vi } from 'vitest'
import { z } from 'zod'
import { wallClock } from '../../runtime/clock.ts'
import { isTidegateError } from '../../schemas/errors.ts'
import type { Trade } from '../../schemas/market.ts'
import { followFeed } from '../../testing/follow_feed.ts'
import { type RestAnswer, startVenue, type Venue } from '../../testing/venue_server.ts'
import { frameTime, tradeFrame, tradeFrames } from '../binance/frames.ts'
import { type BinanceTradesParams, binanceTrades, tradesChannel } from '../binance/trades.ts'
import { openFeed } from './feed.ts'
import { socketLimits } from './socket.ts'

const ms = 1e3
const quick = { ...socketLimits, pingAfter: 10 * ms, backoff: 4 * ms, backoffCap: 20 * ms }
const closing: (() => unknown)[] = []
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
})

type Given = Parameters<typeof binanceTrades>[0]
const still = { heartbeat_every: '1h', stall_after: '1h', fill_within: '1m' }
const FIRST = 12_345
const listing: RestAnswer = { body: { symbols: ['BTCUSDT', 'ETHUSDT', 'XRPUSDT'].map((symbol) => ({ symbol })) } }
const oldTrade = (id: number) => ({
  id,
  price: '0.00100000',
  qty: '100',
  time: frameTime + id - FIRST,
  isBuyerMaker: true,
})
/** `historicalTrades` and `exchangeInfo`, as the venue's documentation says. */
const rest = (url: URL): RestAnswer | undefined => {
  if (url.pathname === '/api/v3/exchangeInfo') return listing
  if (url.pathname !== '/api/v3/historicalTrades') return undefined
  const [from, limit] = ['fromId', 'limit'].map((name) => Number(url.searchParams.get(name)))
  return { body: Array.from({ length: limit as number }, (_, n) => oldTrade((from as number) + n)) }
}

async function follow(venue: Venue, given: Partial<Given> = {}, withRest = true) {
  const running = await startVenue({ rest, ...venue })
  closing.push(running.close)
  const params = z.parse(binanceTrades.definition.params, {
    symbols: ['BTCUSDT'],
    ...still,
    ...given,
  }) as BinanceTradesParams
  const endpoints = { binance_trades: running.url, ...(withRest && { 'binance_trades.rest': running.restUrl }) }
  const feed = followFeed((context) => openFeed(tradesChannel(params), params, context, quick), endpoints)
  closing.push(feed.stop)
  const ids = (symbol = 'BTCUSDT') =>
    feed.of('row').flatMap(({ key, value }) => (key.endsWith(symbol) ? [(value as Trade).id - FIRST] : []))
  const events = () => feed.of('event').map(({ value }) => value.event)
  const reasons = () => feed.of('invalid').map(({ value }) => value.reason)
  const gaps = () => feed.of('gap').map(({ value }) => value)
  return { ...feed, venue: running, ids, events, reasons, gaps }
}
const upTo = (count: number) => Array.from({ length: count }, (_, n) => n)

// ---- filling ----------------------------------------------------------------------------------------

test('what a lost connection lost is asked for again and told in its place, marked, with no gap', async () => {
  const feed = await follow({
    frames: tradeFrames(60),
    faults: [
      { type: 'drop', after: 20 },
      { type: 'skip', after: 20, frames: 15 },
    ],
  })
  await feed.until(() => feed.ids().length === 60)
  expect(feed.ids()).toEqual(upTo(60))
  expect(feed.gaps().map(({ reason }) => reason)).toEqual(['connected'])
  const filled = feed.items.findIndex((item) => item.type === 'event' && item.value.event === 'filled')
  expect(feed.items[filled]).toMatchObject({ value: { count: 15 }, at: (frameTime + 20) * 1000 })
  expect(feed.items.slice(filled + 1, filled + 16).map((item) => item.type)).toEqual(Array(15).fill('row'))
  expect(feed.venue.asked.filter((url) => url.includes('historical'))).toEqual([
    `/api/v3/historicalTrades?symbol=BTCUSDT&fromId=${FIRST + 20}&limit=15`,
  ])
})

test('a page holds a thousand: more is asked for page by page', async () => {
  const feed = await follow({ frames: tradeFrames(3000), faults: [{ type: 'skip', after: 20, frames: 2500 }] })
  await feed.until(() => feed.ids().length === 3000)
  expect(feed.ids()).toEqual(upTo(3000))
  expect(feed.venue.asked.filter((url) => url.includes('historical'))).toHaveLength(3)
})

test('while one symbol is filled the others wait, so that event time does not pass the filled rows by', async () => {
  const frames = [
    ...[tradeFrame(0), tradeFrame(0, {}, 'ETHUSDT'), tradeFrame(4), tradeFrame(5, { t: FIRST + 1 }, 'ETHUSDT')],
    tradeFrame(5),
  ]
  const slow = (url: URL) => ({ ...(rest(url) as RestAnswer), after: 30 * ms })
  const feed = await follow({ frames, rest: slow }, { symbols: ['BTCUSDT', 'ETHUSDT'] })
  await feed.until(() => feed.of('row').length === 8)
  const rows = feed.of('row')
  expect(rows.map(({ at }) => at)).toEqual(rows.map(({ at }) => at).toSorted((a, b) => a - b))
  expect(feed.ids()).toEqual(upTo(6))
  expect(feed.ids('ETHUSDT')).toEqual([0, 1])
})

test.each([
  ['alone', []],
  ['while another symbol is filled', [tradeFrame(0, {}, 'ETHUSDT'), tradeFrame(3, {}, 'ETHUSDT')]],
])('%s, an answer to a hole that closed by itself does not give up the next one', async (_, others) => {
  // 2 comes before 1, which closes the hole while the venue is still asked for it; then 3 and 4 are missing
  const frames = [...others, ...[0, 2, 1, 5, 6].map((n) => tradeFrame(n))]
  const slow = (url: URL) => ({ ...(rest(url) as RestAnswer), after: 50 * ms })
  const feed = await follow({ frames, rest: slow }, { symbols: ['BTCUSDT', 'ETHUSDT'] })
  await feed.until(() => feed.ids().includes(6))
  expect(feed.gaps().filter(({ missing }) => missing > 0)).toEqual([])
  expect(feed.ids()).toEqual(upTo(7))
})

test.each<[string, (url: URL, attempt: number) => RestAnswer | undefined]>([
  [
    '429 and its Retry-After',
    (url, n) => (n < 4 ? { status: 429, headers: { 'retry-after': '0' }, body: '' } : rest(url)),
  ],
  ['503', (url, n) => (n < 4 ? { status: 503, body: 'busy' } : rest(url))],
  ['a page of HTML', (url, n) => (n < 4 ? { body: '<html>moment, please</html>' } : rest(url))],
])('REST that answers with %s at first is asked again', async (_, answers) => {
  const feed = await follow({ frames: tradeFrames(20), rest: answers, faults: [{ type: 'skip', after: 5, frames: 5 }] })
  await feed.until(() => feed.ids().length === 20)
  expect(feed.ids()).toEqual(upTo(20))
  expect(feed.gaps()).toHaveLength(1)
})

test.each<[string, (url: URL) => RestAnswer | undefined]>([
  [
    'refuses',
    (url) => (url.pathname.endsWith('Info') ? listing : { status: 401, body: { code: -2014, msg: 'API-key' } }),
  ],
  ['says nothing', (url) => (url.pathname.endsWith('Info') ? listing : { body: '', after: Number.POSITIVE_INFINITY })],
  [
    'leaves every second out',
    (url) => {
      if (url.pathname.endsWith('Info')) return listing
      const all = rest(url)?.body as readonly { id: number }[]
      return { body: all.filter(({ id }) => id % 2 === 0) }
    },
  ],
])('where REST %s, what is missing is a gap with its count, and everything behind it is told', async (_, answers) => {
  const given = { fill_within: '300ms' }
  const feed = await follow(
    { frames: tradeFrames(20), rest: answers, faults: [{ type: 'skip', after: 5, frames: 5 }] },
    given,
  )
  await feed.until(() => feed.ids().at(-1) === 19)
  const missing = feed.gaps().reduce((sum, gap) => sum + gap.missing, 0)
  expect(feed.ids().length + missing).toBe(20)
  expect(missing).toBeGreaterThan(0)
  expect(new Set(feed.ids()).size).toBe(feed.ids().length)
})

test('a feed that was pointed elsewhere does not ask the venue itself', async () => {
  const feed = await follow({ frames: tradeFrames(20), faults: [{ type: 'skip', after: 5, frames: 5 }] }, {}, false)
  await feed.until(() => feed.ids().length === 15)
  expect(feed.venue.asked).toEqual([])
  expect(feed.gaps().at(-1)).toMatchObject({ reason: 'sequence', missing: 5 })
})

// ---- two connections --------------------------------------------------------------------------------

test('of two connections each gives what the other lost, every row once, without a gap and without a question', async () => {
  const feed = await follow(
    {
      frames: tradeFrames(400),
      rate: 2000,
      // each connection meets these by itself: they come at different moments, for they do not run in step
      faults: [
        { type: 'stall', after: 50, micros: 20 * ms },
        { type: 'drop', after: 120 },
        { type: 'drop', after: 260 },
      ],
    },
    { connections: 2 },
    false,
  )
  await feed.until(() => feed.ids().length === 400)
  expect(feed.ids()).toEqual(upTo(400))
  expect(feed.gaps().map(({ reason }) => reason)).toEqual(['connected'])
  expect(feed.reasons()).toEqual([])
  expect(feed.venue.connections.length).toBeGreaterThan(3)
})

test('of two connections one that is refused at the start is tried again beside the other', async () => {
  const feed = await follow(
    { frames: tradeFrames(20), upgrades: ['accept', { refuse: 503 }] },
    { connections: 2 },
    false,
  )
  await feed.until(() => feed.ids().length === 20 && feed.venue.connections.length === 2)
  expect(feed.ids()).toEqual(upTo(20))
  expect(feed.errors).toEqual([])
})

test('where every connection is refused at the start, that is an error', async () => {
  const feed = await follow({ frames: [], upgrades: Array(9).fill({ refuse: 403 }) }, { connections: 2 }, false)
  await feed.until(() => feed.errors.length === 1)
  expect(String(feed.errors[0])).toContain('refused (HTTP 403)')
})

// ---- what cannot be true ----------------------------------------------------------------------------

test('a price far from the last one is kept out with its hash; three that agree are believed', async () => {
  const at = (n: number, p: string) => tradeFrame(n, { p })
  const frames = [at(0, '100'), at(1, '300'), at(2, '101'), at(3, '300'), at(4, '301'), at(5, '302'), at(6, '303')]
  const feed = await follow({ frames })
  await feed.until(() => feed.ids().includes(6))
  expect(feed.ids()).toEqual([0, 2, 5, 6])
  expect(feed.reasons()).toEqual(['price_spike', 'price_spike', 'price_spike'])
  expect(feed.gaps()).toHaveLength(1)
})

test('a time that runs back, or far ahead, is kept out and counted; its number is not missing', async () => {
  const frames = [
    tradeFrame(0),
    tradeFrame(1, { T: 1000 }),
    tradeFrame(2),
    tradeFrame(3, { T: Math.floor(wallClock.now() / 1000) + 9e6 }),
    tradeFrame(4),
  ]
  const feed = await follow({ frames })
  await feed.until(() => feed.ids().includes(4))
  expect(feed.ids()).toEqual([0, 2, 4])
  expect(feed.reasons()).toEqual(['time_backwards', 'time_ahead'])
  expect(feed.gaps()).toHaveLength(1)
})

test('of two connections, rows whose numbers begin anew are counted while they are not believed', async () => {
  const anew = (n: number) => tradeFrame(n, { t: n - 9 })
  const feed = await follow({ frames: [...tradeFrames(10), anew(10), anew(11)] }, { connections: 2 }, false)
  await vi.waitFor(() => expect(feed.reasons()).toEqual(Array(4).fill('duplicate')), 60_000)
  expect(feed.ids()).toEqual(upTo(10))
})

// ---- starting ---------------------------------------------------------------------------------------

test('a misspelt symbol is an error that names the nearest one', async () => {
  const feed = await follow({ frames: [] }, { symbols: ['BTCUSD', 'ETHUSDT'] })
  await feed.until(() => feed.errors.length > 0)
  const [error] = feed.errors
  expect(isTidegateError(error) && [error.code, error.message]).toEqual([
    'SOURCE_FAILED',
    'binance_trades: binance does not list "BTCUSD" (did you mean "BTCUSDT"?)',
  ])
})

test('what a feed lives through is told: connections, losses, attempts', async () => {
  const feed = await follow({ frames: tradeFrames(20), faults: [{ type: 'drop', after: 10 }] })
  await feed.until(() => feed.ids().length === 20)
  expect(feed.events()).toEqual(['connected', 'lost', 'retrying', 'connected'])
  expect(feed.of('event').every(({ at }) => at <= (frameTime + 20) * 1000)).toBe(true)
})

test('how far the clocks are apart is told once it is known, and again when it has moved', async () => {
  const ahead = Date.now() + 3_600_000
  const feed = await follow({ frames: [0, 1, 2].map((n) => tradeFrame(n, { T: ahead })) }, { heartbeat_every: '10ms' })
  await feed.until(() => feed.events().includes('clock'))
  const clock = feed.of('event').find(({ value }) => value.event === 'clock')
  expect(Math.abs((clock?.value.count ?? 0) + 3600e6)).toBeLessThan(60e6)
  await new Promise((resolve) => setTimeout(resolve, 50))
  expect(feed.events().filter((event) => event === 'clock')).toHaveLength(1)
})

test('a message that its reader fails on is kept out with its hash, and the connection lives on', async () => {
  const venue = await startVenue({ frames: [tradeFrame(0), 'poison', tradeFrame(1)] })
  closing.push(venue.close)
  const params = z.parse(binanceTrades.definition.params, { symbols: ['BTCUSDT'], ...still }) as BinanceTradesParams
  const sound = tradesChannel(params)
  const read: typeof sound.read = (bytes, binary) => {
    if (bytes.toString() === 'poison') throw new TypeError('planted')
    return sound.read(bytes, binary)
  }
  const feed = followFeed((context) => openFeed({ ...sound, read }, params, context, quick), {
    binance_trades: venue.url,
  })
  closing.push(feed.stop)
  await feed.until(() => feed.of('row').length === 2)
  expect(feed.of('invalid').map(({ value }) => value.reason)).toEqual(['reader_failed'])
  expect(venue.connections).toHaveLength(1)
})
