import { afterEach, expect, test, vi } from 'vitest'
import { z } from 'zod'
import type { Trade } from '../../schemas/market.ts'
import { followFeed } from '../../testing/follow_feed.ts'
import { type Fault, startVenue, type Venue } from '../../testing/venue_server.ts'
import { type FeedParams, openFeed } from '../feed/feed.ts'
import { socketLimits } from '../feed/socket.ts'
import {
  frameTime,
  push,
  refusedFrame,
  subscribedFrame,
  tradeFrame,
  tradeFrames,
  tradeOf,
  upgradeFrame,
} from './frames.ts'
import { okxTrades, tradesChannel } from './trades.ts'

const closing: (() => unknown)[] = []
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
})
const limits = { ...socketLimits, backoff: 4e3, backoffCap: 20e3 }
type Given = Partial<Parameters<typeof okxTrades>[0]>
const parse = (given: Given): FeedParams =>
  z.parse(okxTrades.definition.params, {
    ...{ symbols: ['BTC-USDT'], heartbeat_every: '1h', stall_after: '1h', fill_within: '1m', ...given },
  }) as FeedParams

async function follow(script: Venue, given: Given = {}) {
  const venue = await startVenue(script)
  closing.push(venue.close)
  const params = parse(given)
  const endpoints = { okx_trades: venue.url, ...(script.rest && { 'okx_trades.rest': venue.restUrl }) }
  const feed = followFeed((context) => openFeed(tradesChannel(params), params, context, limits), endpoints)
  closing.push(feed.stop)
  const numbers = () => feed.of('row').map(({ value }) => (value as Trade).id - 130_639_474)
  const gaps = () => feed.of('gap').map(({ value }) => value)
  return { ...feed, venue, numbers, gaps }
}
const first = { reason: 'connected', missing: 0, since: 0 }
const span = (from: number, to: number) => Array.from({ length: to - from }, (_, n) => from + n)
const drop = (after: number, frames: number): readonly Fault[] => [
  { type: 'drop', after },
  { type: 'skip', after, frames },
]
/** The venue's REST: the trades there were, newest first, below `after`. */
function history(url: URL, there: (n: number) => boolean = () => true) {
  if (url.pathname.endsWith('/instruments')) return { body: { code: '0', msg: '', data: [{ instId: 'BTC-USDT' }] } }
  const after = Number(url.searchParams.get('after')) - 130_639_474
  const limit = Number(url.searchParams.get('limit'))
  const data = span(Math.max(0, after - limit), after)
    .filter(there)
    .reverse()
  return { body: { code: '0', msg: '', data: data.map((n) => tradeOf(n)) } }
}

test('subscribes to every match, and gives each once, in order', async () => {
  const feed = await follow({ frames: [subscribedFrame, ...tradeFrames(300)] }, { symbols: ['BTC-USDT', 'ETH-USDT'] })
  await feed.until(() => feed.numbers().length === 300)
  expect(feed.numbers()).toEqual(span(0, 300))
  const [connection] = feed.venue.connections
  await vi.waitFor(() => expect(connection?.received).toHaveLength(1), 60_000)
  expect(connection?.url).toBe('/ws/v5/business')
  expect(connection?.received.map((text) => JSON.parse(text))).toEqual([
    {
      op: 'subscribe',
      args: [
        { channel: 'trades-all', instId: 'BTC-USDT' },
        { channel: 'trades-all', instId: 'ETH-USDT' },
      ],
    },
  ])
  expect(feed.of('row')[0]).toMatchObject({ key: 'okx:BTC-USDT', at: frameTime * 1000 })
  expect(feed.of('event').map(({ value }) => value.event)).toContain('subscribed')
  expect(feed.gaps()).toEqual([first])
})

test('a reconnection that goes on with the next number is no gap', async () => {
  const feed = await follow({ frames: tradeFrames(20), faults: [{ type: 'drop', after: 10 }] })
  await feed.until(() => feed.numbers().length === 20)
  expect(feed.numbers()).toEqual(span(0, 20))
  expect(feed.gaps()).toEqual([first])
})

test('what was missed while disconnected is asked for page by page and told in its place', async () => {
  const feed = await follow({ frames: tradeFrames(400), faults: drop(10, 250), rest: (url) => history(url) })
  await feed.until(() => feed.numbers().length === 400)
  expect(feed.numbers()).toEqual(span(0, 400))
  expect(feed.gaps()).toEqual([first])
  const filled = feed.of('event').filter(({ value }) => value.event === 'filled')
  expect(filled.map(({ value }) => value.count)).toEqual([250])
  const asked = feed.venue.asked.filter((path) => path.includes('history-trades'))
  const at = (n: number) => `/api/v5/market/history-trades?instId=BTC-USDT&type=1&after=${130_639_474 + n}&limit=100`
  expect(asked).toEqual([at(260), at(160), at(60)])
})

test('what REST does not have is a gap with its count', async () => {
  const rest = (url: URL) => history(url, (n) => n < 14 || n > 17)
  const feed = await follow({ frames: tradeFrames(40), faults: drop(10, 15), rest })
  await feed.until(() => feed.numbers().length === 36)
  expect(feed.numbers()).toEqual([...span(0, 14), ...span(18, 40)])
  expect(feed.gaps()).toMatchObject([first, { reason: 'sequence', missing: 4, since: (frameTime + 13) * 1000 }])
})

test('an error that REST answers with HTTP 200 is no answer: the hole is a gap', async () => {
  const rest = (url: URL) =>
    url.pathname.endsWith('/instruments')
      ? history(url)
      : { body: { code: '51001', msg: 'No such instrument', data: [] } }
  const feed = await follow({ frames: tradeFrames(40), faults: drop(10, 15), rest })
  await feed.until(() => feed.numbers().length === 25)
  expect(feed.gaps()).toMatchObject([first, { reason: 'disconnected', missing: 15 }])
  expect(feed.notices.join()).toContain('51001')
})

// www.okx.com/docs-v5/en, "Error Code", General Class (2026-08): code, HTTP status.
test.each([
  ['50001', 503],
  ['50001', 200],
  ['50004', 400],
  ['50004', 200],
  ['50011', 429],
  ['50011', 200],
  ['50013', 429],
  ['50013', 200],
  ['50026', 500],
  ['50026', 200],
])('REST that says %s with HTTP %i is asked again', async (code, status) => {
  let busy = 1
  const rest = (url: URL) =>
    !url.pathname.endsWith('/instruments') && busy-- > 0
      ? { status, body: { code, msg: 'try again later', data: [] } }
      : history(url)
  const feed = await follow({ frames: tradeFrames(40), faults: drop(10, 15), rest }, { fill_within: '60s' })
  await feed.until(() => feed.numbers().length >= 25 && feed.numbers().at(-1) === 39)
  expect(feed.numbers()).toEqual(span(0, 40))
  expect(feed.gaps()).toEqual([first])
})

test('matches that are folded into one are no hole', async () => {
  const folded = push('trades', 'BTC-USDT', [tradeOf(3, { count: '3' })])
  const feed = await follow({ frames: [tradeFrame(0), folded, tradeFrame(4)] })
  await feed.until(() => feed.numbers().length === 3)
  expect(feed.gaps()).toEqual([first])
})

test('leaves for a new connection when OKX says that it will shut this one, and misses nothing', async () => {
  const faults: Fault[] = [
    { type: 'say', after: 10, what: upgradeFrame },
    { type: 'stall', after: 10, micros: 60e6 },
  ]
  const feed = await follow({ frames: tradeFrames(20), faults })
  await feed.until(() => feed.numbers().length === 20)
  expect(feed.venue.connections.length).toBe(2)
  expect(feed.numbers()).toEqual(span(0, 20))
})

test('says ping as OKX wants it, within the 30 s it waits', async () => {
  const channel = tradesChannel({ symbols: ['BTC-USDT'] })
  expect(channel.ping?.every).toBeLessThan(30e6)
  const venue = await startVenue({ frames: ['pong', tradeFrame(0)] })
  closing.push(venue.close)
  const often = { ...channel, ping: { every: 10e3, text: channel.ping?.text ?? '' } }
  const feed = followFeed((context) => openFeed(often, parse({}), context, limits), { okx_trades: venue.url })
  closing.push(feed.stop)
  await vi.waitFor(() => expect(venue.connections[0]?.received).toContain('ping'), 60_000)
  expect(feed.of('invalid')).toEqual([])
})

test('a refusal names the symbol and ends the feed', async () => {
  const feed = await follow({ frames: [refusedFrame] }, { symbols: ['BTC-USTD'] })
  await feed.until(() => feed.errors.length === 1)
  expect(String(feed.errors[0])).toContain('refused "BTC-USTD"')
})

test('a misspelt symbol is an error that names the nearest one', async () => {
  const feed = await follow({ frames: [], rest: (url) => history(url) }, { symbols: ['BTC-USTD'] })
  await feed.until(() => feed.errors.length === 1)
  expect(String(feed.errors[0])).toContain('okx does not list "BTC-USTD" (did you mean "BTC-USDT"?)')
  expect(feed.venue.asked).toEqual(['/api/v5/public/instruments?instType=SPOT'])
})

test('lists the kinds of instruments that were asked for', async () => {
  const symbols = ['BTC-USDT', 'BTC-USDT-SWAP', 'BTC-USD-261225', 'BTC-USD-261225-90000-C']
  const body = { code: '0', msg: '', data: symbols.map((instId) => ({ instId })) }
  const feed = await follow({ frames: tradeFrames(1), rest: () => ({ body }) }, { symbols })
  await vi.waitFor(() => expect(feed.venue.asked).toHaveLength(4), 60_000)
  expect(feed.venue.asked.map((path) => path.split('?')[1])).toEqual([
    ...['instType=SPOT', 'instType=SWAP', 'instType=FUTURES', 'instType=OPTION&instFamily=BTC-USD'],
  ])
})

test.each([[['BTCUSDT']], [['btc-usdt']], [['BTC-USDT', 'BTC-USDT']], [['BTC USDT']], [[]]])(
  'refuses the symbols %j',
  (symbols) => {
    expect(z.safeParse(okxTrades.definition.params, { symbols }).success).toBe(false)
  },
)
