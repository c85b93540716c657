import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, expect, test } from 'vitest'
import { z } from 'zod'
import type { Trade } from '../../schemas/market.ts'
import { followFeed } from '../../testing/follow_feed.ts'
import { saidIn } from '../../testing/recorded.ts'
import { type Fault, startVenue, type Venue } from '../../testing/venue_server.ts'
import { type FeedParams, openFeed } from '../feed/feed.ts'
import { socketLimits } from '../feed/socket.ts'
import {
  frameTime,
  heartbeat,
  lastMatch,
  matchFrame,
  matchFrames,
  oldMatch,
  refusedProduct,
  rubbishFrames,
  subscriptions,
} from './frames.ts'
import { coinbaseTrades, tradesChannel } from './trades.ts'

const closing: (() => unknown)[] = []
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
})
const quick = { ...socketLimits, pingAfter: 10e3, backoff: 4e3, backoffCap: 20e3 }
type Given = Parameters<typeof coinbaseTrades>[0]

async function follow(venue: Venue, given: Partial<Given> = {}) {
  const running = await startVenue(venue)
  closing.push(running.close)
  const still = { heartbeat_every: '1h', stall_after: '1h', fill_within: '1m' }
  const params = z.parse(coinbaseTrades.definition.params, { symbols: ['BTC-USD'], ...still, ...given }) as FeedParams
  const feed = followFeed((context) => openFeed(tradesChannel(params.symbols), params, context, quick), {
    coinbase_trades: running.url,
    ...(venue.rest && { 'coinbase_trades.rest': running.restUrl }),
  })
  closing.push(feed.stop)
  const rows = () => feed.of('row')
  return {
    ...feed,
    venue: running,
    rows,
    ids: () => rows().map(({ value }) => (value as Trade).id),
    gaps: () => feed.of('gap').map(({ key, value }) => ({ key, ...value })),
    reasons: () => feed.of('invalid').map(({ value }) => value.reason),
    /** What was asked of trades. */
    asked: () => running.asked.filter((path) => path.includes('/trades?')),
  }
}
const key = 'coinbase:BTC-USD'
const first = { key, reason: 'connected', missing: 0, since: 0 }
const span = (from: number, count: number) => Array.from({ length: count }, (_, n) => 1_000_010 + from + n)
const lose = (after: number, frames: number): readonly Fault[] => [
  { type: 'drop', after },
  { type: 'skip', after, frames },
]
/** REST of the exchange with `count` trades: the newest first, those older than `after`. */
const history =
  (count: number): NonNullable<Venue['rest']> =>
  ({ pathname, searchParams }) => {
    const headers = { connection: 'close' }
    if (pathname === '/products') return { body: [{ id: 'BTC-USD' }, { id: 'ETH-USD' }], headers }
    const [after, limit] = ['after', 'limit'].map((name) => Number(searchParams.get(name))) as [number, number]
    const older = Array.from({ length: count }, (_, n) => oldMatch(n)).filter(({ trade_id }) => trade_id < after)
    return { body: older.slice(-limit).reverse(), headers }
  }

test('asks for the matches of its products, and tells each once behind the gap of the first connection', async () => {
  const feed = await follow({ frames: [subscriptions('matches'), lastMatch(-1), heartbeat, ...matchFrames(100)] })
  await feed.until(() => feed.rows().length === 100)
  expect(feed.gaps()).toEqual([first])
  expect(feed.rows()[0]).toEqual({
    ...{ type: 'row', at: frameTime, key },
    value: { price: 400.23, size: 5.23512, side: 1, id: 1_000_010 },
  })
  expect(feed.ids()).toEqual(span(0, 100))
  await expect
    .poll(() => feed.venue.connections[0]?.received)
    .toEqual(['{"type":"subscribe","product_ids":["BTC-USD"],"channels":["matches"]}'])
})

test('a reconnection that misses nothing leaves no gap, whatever its last match says', async () => {
  const frames = [...matchFrames(50), lastMatch(49), ...matchFrames(80).slice(50)]
  const feed = await follow({ frames, faults: [{ type: 'drop', after: 50 }] })
  await feed.until(() => feed.rows().length === 80)
  expect(feed.ids()).toEqual(span(0, 80))
  expect(feed.gaps()).toEqual([first])
  expect(feed.reasons()).toEqual([])
})

test('what was lost is asked for over REST and told in its place', async () => {
  const feed = await follow({ frames: matchFrames(100), faults: lose(40, 7), rest: history(100) })
  await feed.until(() => feed.rows().length === 100)
  expect(feed.ids()).toEqual(span(0, 100))
  expect(feed.gaps()).toEqual([first])
  expect(feed.of('event').find(({ value }) => value.event === 'filled')?.value.count).toBe(7)
  expect(feed.rows()[41]).toEqual({
    ...{ type: 'row', at: frameTime + 41_000, key },
    value: { price: 400.23, size: 5.23512, side: -1, id: 1_000_051 },
  })
  expect(feed.asked()).toEqual(['/products/BTC-USD/trades?after=1000057&limit=7'])
})

test('a long loss is read page by page, from its end to its beginning', async () => {
  const feed = await follow({ frames: matchFrames(2600), faults: lose(50, 2400), rest: history(2600) })
  await feed.until(() => feed.rows().length === 2600)
  expect(feed.ids()).toEqual(span(0, 2600))
  expect(feed.gaps()).toEqual([first])
  expect(feed.asked().map((path) => path.replace(/.*limit=/, ''))).toEqual(['1000', '1000', '400'])
})

test('what REST does not have is a gap with the count', async () => {
  const rest: NonNullable<Venue['rest']> = (url) =>
    url.pathname === '/products' ? history(0)(url, 0) : { body: [], headers: { connection: 'close' } }
  const feed = await follow({ frames: matchFrames(60), faults: lose(40, 5), rest })
  await feed.until(() => feed.rows().length === 55)
  expect(feed.gaps()).toEqual([first, { key, reason: 'disconnected', missing: 5, since: frameTime + 39_000 }])
})

test('a match that the feed drops on a living connection is seen and asked for', async () => {
  const faults: readonly Fault[] = [{ type: 'skip', after: 20, frames: 3 }]
  const feed = await follow({ frames: matchFrames(40), faults, rest: history(40) })
  await feed.until(() => feed.rows().length === 40)
  expect(feed.ids()).toEqual(span(0, 40))
  expect(feed.gaps()).toEqual([first])
})

test('a misspelt product is an error that names its neighbour; the stream refuses it by name', async () => {
  const listed = await follow({ frames: [], rest: history(0) }, { symbols: ['ETH-USX'] })
  await listed.until(() => listed.errors.length === 1)
  expect(String(listed.errors[0])).toContain('did you mean "ETH-USD"')
  const refused = await follow({ frames: [refusedProduct] }, { symbols: ['BTC-USX'] })
  await refused.until(() => refused.errors.length === 1)
  expect(String(refused.errors[0])).toContain('refused "BTC-USX"')
})

test('rubbish is counted, and the connection lives on', async () => {
  const feed = await follow({ frames: [...matchFrames(5), ...rubbishFrames.map(([, frame]) => frame), matchFrame(5)] })
  await feed.until(() => feed.rows().length === 6)
  expect(feed.reasons()).toEqual(rubbishFrames.map(([reason]) => reason))
  expect(feed.gaps()).toEqual([first])
  expect(feed.venue.connections).toHaveLength(1)
})

test.each([[['btc-usd']], [['BTCUSD']], [['BTC/USD']], [[]]])('refuses the symbols %j', (symbols) => {
  expect(z.safeParse(coinbaseTrades.definition.params, { symbols }).success).toBe(false)
})

// ---- recorded frames --------------------------------------------------------------------------------

const path = join(process.env['TIDEGATE_DATA'] ?? './data', 'ws-frames/cryptofeed/COINBASE/COINBASE.ws.28.0.jsonl.gz')
test.skipIf(!existsSync(path))(
  'COINBASE.ws.28.0: 97 matches of ten products over two lost connections, each once, without a hole',
  async () => {
    const raw = saidIn(path)
    const matches = raw.filter((frame) => frame.startsWith('{"type":"match"'))
    const symbols = [
      ...new Set(
        raw
          .filter((frame) => frame.includes('last_match'))
          .map((frame) => (JSON.parse(frame) as { product_id: string }).product_id),
      ),
    ]
    const faults = [3000, 6000].flatMap((after): Fault[] => [
      { type: 'drop', after },
      { type: 'repeat', after, frames: 1000 },
    ])
    const feed = await follow({ frames: raw, faults }, { symbols })
    await feed.until(() => feed.rows().length === matches.length)
    expect(feed.rows()).toHaveLength(97)
    for (const symbol of symbols) {
      const own = matches.map((frame) => JSON.parse(frame) as { product_id: string; trade_id: number })
      const told = feed.rows().filter((row) => row.key === `coinbase:${symbol}`)
      const ids = own.filter(({ product_id }) => product_id === symbol).map(({ trade_id }) => trade_id)
      expect(told.map(({ value }) => (value as Trade).id)).toEqual(ids)
    }
    expect(new Set(feed.gaps().map(({ reason }) => reason))).toEqual(new Set(['connected']))
  },
)
