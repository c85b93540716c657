import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, expect, test, vi } from 'vitest'
import { z } from 'zod'
import { type Clock, wallClock } from '../../runtime/clock.ts'
import type { SourceContext } from '../../runtime/define.ts'
import { isTidegateError } from '../../schemas/errors.ts'
import type { Trade } from '../../schemas/market.ts'
import { followFeed } from '../../testing/follow_feed.ts'
import { type Fault, startVenue, type Venue } from '../../testing/venue_server.ts'
import { type FeedParams, openFeed } from '../feed/feed.ts'
import { socketLimits } from '../feed/socket.ts'
import {
  acknowledged,
  controlFrames,
  frameTime,
  oldTrade,
  refusedFrame,
  rubbishFrames,
  tradeFrame,
  tradeFrames,
  tradeOf,
} from './frames.ts'
import { krakenTrades, tradesChannel } from './trades.ts'

const closing: (() => unknown)[] = []
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
})
const quick = { ...socketLimits, silentFor: 3600e6, pingAfter: 10e3, backoff: 4e3, backoffCap: 20e3 }
type Given = Parameters<typeof krakenTrades>[0]

async function follow(
  venue: Venue,
  given: Partial<Given> = {},
  answer?: (url: URL) => unknown,
  clock: Clock = wallClock,
) {
  const running = await startVenue(
    answer ? { ...venue, rest: (url) => ({ body: answer(url), headers: { connection: 'close' } }) } : venue,
  )
  closing.push(running.close)
  const still = { heartbeat_every: '1h', stall_after: '1h', fill_within: '1m' }
  const params = z.parse(krakenTrades.definition.params, { symbols: ['BTC/USD'], ...still, ...given }) as FeedParams
  const endpoints = { kraken_trades: running.url, ...(answer && { 'kraken_trades.rest': running.restUrl }) }
  const open = (context: SourceContext) => openFeed(tradesChannel(params.symbols), params, context, quick)
  const feed = followFeed(open, endpoints, { clock })
  closing.push(feed.stop)
  const gaps = () => feed.of('gap').map(({ key, value }) => ({ key, ...value }))
  const reasons = () => feed.of('invalid').map(({ value }) => value.reason)
  const events = () => feed.of('event').map(({ value }) => value.event)
  const rows = () => feed.of('row')
  /** What was asked of `Trades`. */
  const asked = () => running.asked.filter((path) => path.startsWith('/0/public/Trades?'))
  return {
    ...feed,
    gaps,
    reasons,
    events,
    venue: running,
    asked,
    rows,
    ids: () => rows().map(({ value }) => (value as Trade).id),
  }
}
const key = 'kraken:BTC/USD'
const first = { key, reason: 'connected', missing: 0, since: 0 }
const span = (from: number, count: number) => Array.from({ length: count }, (_, n) => 4_665_906 + from + n)
const lose = (after: number, frames: number): readonly Fault[] => [
  { type: 'drop', after },
  { type: 'skip', after, frames },
]
const pairs = { error: [], result: { XXBTZUSD: { wsname: 'XBT/USD' }, XDGUSD: { wsname: 'XDG/USD' }, X: {} } }
/** REST of Kraken: `n` trades, a page at a time. */
const history =
  (count: number, page = 1000) =>
  ({ pathname, searchParams }: URL): unknown => {
    if (pathname.endsWith('/AssetPairs')) return pairs
    const since = Number(searchParams.get('since')) / 1e9
    const rows = Array.from({ length: count }, (_, n) => oldTrade(n)).filter(([, , at]) => Number(at) > since)
    const some = rows.slice(0, page)
    const last = `${Math.round(Number((some.at(-1) ?? [0, 0, since])[2]) * 1e6)}000`
    return { error: [], result: { XXBTZUSD: some, last } }
  }

test('asks for the trades of its pairs, and tells each once behind the gap of the first connection', async () => {
  const frames = [controlFrames.status, acknowledged('trade'), controlFrames.heartbeat, ...tradeFrames(100)]
  const feed = await follow({ frames })
  await feed.until(() => feed.rows().length === 100)
  expect(feed.gaps()).toEqual([first])
  expect(feed.rows()[0]).toEqual({
    ...{ type: 'row', at: frameTime, key },
    value: { price: 45_283.5, size: 0.0001246, side: 1, id: 4_665_906 },
  })
  expect(feed.ids()).toEqual(span(0, 100))
  expect(feed.events()).toContain('subscribed')
  await expect
    .poll(() => feed.venue.connections[0]?.received)
    .toEqual(['{"method":"subscribe","params":{"channel":"trade","symbol":["BTC/USD"],"snapshot":false}}'])
})

test('a reconnection that misses nothing leaves no gap, and repeats are told once', async () => {
  const faults: Fault[] = [
    { type: 'drop', after: 50 },
    { type: 'repeat', after: 50, frames: 10 },
  ]
  const feed = await follow({ frames: tradeFrames(100), faults })
  await feed.until(() => feed.rows().length === 100)
  expect(feed.ids()).toEqual(span(0, 100))
  expect(feed.gaps()).toEqual([first])
  expect(feed.reasons()).toEqual(Array(10).fill('duplicate'))
})

test('what was lost is asked for over REST and told in its place', async () => {
  const feed = await follow({ frames: tradeFrames(100), faults: lose(40, 7) }, {}, history(100))
  await feed.until(() => feed.rows().length === 100)
  expect(feed.ids()).toEqual(span(0, 100))
  expect(feed.gaps()).toEqual([first])
  expect(feed.of('event').find(({ value }) => value.event === 'filled')?.value.count).toBe(7)
  const filled = feed.rows().slice(40, 47)
  expect(filled.map(({ at }) => at)).toEqual(filled.map((_, n) => frameTime + (40 + n) * 1000))
  expect(feed.asked()).toEqual([`/0/public/Trades?pair=XBTUSD&since=${frameTime + 39_000 - 1}000`])
})

test('a long loss is read page by page', async () => {
  const feed = await follow({ frames: tradeFrames(2600), faults: lose(50, 2400) }, { fill_within: '2m' }, history(2600))
  await feed.until(() => feed.rows().length === 2600)
  expect(feed.ids()).toEqual(span(0, 2600))
  expect(feed.gaps()).toEqual([first])
  expect(feed.asked()).toHaveLength(3)
})

test('REST that is too busy, and says so within its answer, is asked again', async () => {
  let n = 0
  const busy = ['EAPI:Rate limit exceeded', 'EService:Unavailable']
  const answer = (url: URL) => {
    if (!url.pathname.endsWith('/Trades')) return pairs
    return n < busy.length ? { error: [busy[n++]], result: undefined } : history(60)(url)
  }
  const feed = await follow({ frames: tradeFrames(60), faults: lose(40, 5) }, { fill_within: '20s' }, answer)
  await feed.until(() => feed.rows().length === 60)
  expect(feed.gaps()).toEqual([first])
})

test.each([
  ['refuses within its answer', () => ({ error: ['EGeneral:Temporary lockout'], result: undefined })],
  ['has forgotten them', () => ({ error: [], result: { XXBTZUSD: [], last: '1' } })],
  ['answers otherwise than documented', () => ({ error: [], result: { XXBTZUSD: [['a']], last: '1' } })],
] as const)('what is lost and REST %s is a gap with the count', async (_what, trades) => {
  const answer = ({ pathname }: URL) => (pathname.endsWith('/Trades') ? trades() : pairs)
  const feed = await follow({ frames: tradeFrames(60), faults: lose(40, 5) }, {}, answer)
  await feed.until(() => feed.rows().length === 55)
  expect(feed.gaps()).toEqual([first, { key, reason: 'disconnected', missing: 5, since: frameTime + 39_000 }])
  expect(feed.ids()).toEqual([...span(0, 40), ...span(45, 15)])
})

test('a misspelt pair is an error that names its neighbour, by the spelling of v2', async () => {
  const feed = await follow({ frames: [controlFrames.status] }, { symbols: ['DOGE/USX'] }, history(0))
  await feed.until(() => feed.errors.length === 1)
  expect(isTidegateError(feed.errors[0]) && feed.errors[0].code).toBe('SOURCE_FAILED')
  expect(String(feed.errors[0])).toContain('did you mean "DOGE/USD"')
})

test('a pair the stream refuses is an error with its name', async () => {
  const feed = await follow({ frames: [controlFrames.status, refusedFrame] }, { symbols: ['BTC/USX'] })
  await feed.until(() => feed.errors.length === 1)
  expect(String(feed.errors[0])).toContain('refused "BTC/USX": Currency pair not supported')
})

test('a pair that is refused after a reconnection is a gap, and no time passes for it; the others go on', async () => {
  const refusal = refusedFrame.replaceAll('BTC/USX', 'ETH/USD')
  const frames = [...tradeFrames(2), tradeFrame(tradeOf(0, 'ETH/USD')), refusal, tradeFrame(tradeOf(2))]
  const heartbeats = { heartbeat_every: '10ms', heartbeat_lag: '0s' }
  const feed = await follow(
    { frames, faults: [{ type: 'drop', after: 3 }] },
    { symbols: ['BTC/USD', 'ETH/USD'], ...heartbeats },
  )
  await feed.until(() => feed.rows().length === 4)
  const beats = (of: string) => feed.of('heartbeat').filter(({ key }) => key === of).length
  const [before, told] = [beats(key), beats('kraken:ETH/USD')]
  await feed.until(() => beats(key) > before + 10)
  expect(beats('kraken:ETH/USD')).toBe(told)
  expect(feed.gaps().filter((gap) => gap.key === 'kraken:ETH/USD')).toMatchObject([
    { reason: 'connected' },
    { reason: 'disconnected', missing: 0 },
  ])
  expect(feed.of('invalid').map((item) => [item.key, item.value.reason])).toEqual([['kraken:ETH/USD', 'refused']])
})

test.each([
  ['a later answer takes it', [], (refusal: string, taken: string) => [refusal, taken]],
  ['another connection takes it', [{ type: 'drop', after: 4 }], (refusal: string) => [refusal]],
] as const)('time passes again for a pair that was refused once %s', async (_how, faults, answers) => {
  const refusal = refusedFrame.replaceAll('BTC/USX', 'ETH/USD')
  const taken = acknowledged('trade', 'ETH/USD')
  const frames = [...tradeFrames(2), tradeFrame(tradeOf(0, 'ETH/USD')), ...answers(refusal, taken)]
  const feed = await follow(
    { frames: [...frames, ...tradeFrames(60).slice(2)], faults },
    { symbols: ['BTC/USD', 'ETH/USD'], heartbeat_every: '10ms', heartbeat_lag: '0s' },
  )
  await feed.until(() => feed.rows().length === 61)
  expect(feed.reasons()).toEqual(['refused'])
  const beats = () => feed.of('heartbeat').filter(({ key }) => key === 'kraken:ETH/USD').length
  const before = beats()
  await feed.until(() => beats() > before + 2)
})

test('a pair that is refused after a reconnection is asked for again on the same one, by itself', async () => {
  const fast: Clock = {
    now: () => wallClock.now() * 100,
    after: (micros, call) => wallClock.after(micros / 100, call),
  }
  const refusal = refusedFrame.replaceAll('BTC/USX', 'ETH/USD')
  const frames = [tradeFrame(tradeOf(0)), refusal, tradeFrame(tradeOf(1))]
  const symbols = { symbols: ['BTC/USD', 'ETH/USD'] }
  const feed = await follow({ frames, faults: [{ type: 'drop', after: 1 }] }, symbols, undefined, fast)
  const asked = (symbol: readonly string[]) =>
    JSON.stringify({ method: 'subscribe', params: { channel: 'trade', symbol, snapshot: false } })
  await vi.waitFor(() => {
    expect(feed.venue.connections.at(-1)?.received.slice(0, 2)).toEqual([
      asked(['BTC/USD', 'ETH/USD']),
      asked(['ETH/USD']),
    ])
  }, 60_000)
  expect(feed.venue.connections).toHaveLength(2)
})

test('rubbish is counted, and the connection lives on', async () => {
  const rubbish = rubbishFrames.map(([, frame]) => frame)
  const frames = [...tradeFrames(5), ...rubbish, tradeFrame(tradeOf(5))]
  const feed = await follow({ frames })
  await feed.until(() => feed.rows().length === 6)
  expect(feed.reasons()).toEqual(rubbishFrames.map(([reason]) => reason))
  expect(feed.gaps()).toEqual([first])
  expect(feed.venue.connections).toHaveLength(1)
})

test.each([[['btc/usd']], [['BTCUSD']], [['XBT-USD']], [[]], [['BTC/USD', 'BTC/USD']]])(
  'refuses the symbols %j',
  (symbols) => {
    expect(z.safeParse(krakenTrades.definition.params, { symbols }).success).toBe(false)
  },
)

// ---- recorded answers -------------------------------------------------------------------------------

const path = join(process.env['TIDEGATE_DATA'] ?? './data', 'ws-frames/nautilus/kraken/http_trades.json')
test.skipIf(!existsSync(path))(
  'nautilus/kraken/http_trades.json: 1000 trades of XBTUSDT, numbered without a hole, fill what the stream misses',
  async () => {
    const recorded = JSON.parse(readFileSync(path, 'utf8')) as {
      result: { XBTUSDT: [string, string, number, string, string, string, number][] }
    }
    const trades = recorded.result.XBTUSDT
    const ids = trades.map((trade) => trade[6])
    expect(ids).toEqual(Array.from({ length: 1000 }, (_, n) => 10_218_208 + n))
    const live = (n: number) => {
      const [price, qty, seconds, side, , , trade_id] = trades[n] as (typeof trades)[number]
      const timestamp = new Date(Math.floor(seconds * 1000)).toISOString()
      const taker = side === 'b' ? 'buy' : 'sell'
      return tradeFrame({
        symbol: 'BTC/USDT',
        side: taker,
        price: Number(price),
        qty: Number(qty),
        trade_id,
        timestamp,
      })
    }
    // all but the first are missed for as long as a feed believes a time that has leapt ahead
    const within = trades.findLastIndex(([, , at]) => at < (trades[0]?.[2] ?? 0) + 3600)
    const answer = ({ pathname }: URL) =>
      pathname.endsWith('/Trades') ? recorded : { error: [], result: { X: { wsname: 'XBT/USDT' } } }
    const feed = await follow(
      { frames: [live(0), ...trades.slice(within).map((_, n) => live(within + n))] },
      { symbols: ['BTC/USDT'] },
      answer,
    )
    await feed.until(() => feed.rows().length === 1000)
    expect(feed.rows().map(({ value }) => value)).toEqual(
      trades.map(([price, qty, , side, , , id]) => ({
        price: Number(price),
        size: Number(qty),
        side: side === 'b' ? 1 : -1,
        id,
      })),
    )
    expect(feed.asked()[0]).toContain('pair=XBTUSDT&')
    expect(feed.gaps()).toEqual([{ ...first, key: 'kraken:BTC/USDT' }])
  },
)
