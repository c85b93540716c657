import { createHash } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, expect, test } from 'vitest'
import { z } from 'zod'
import { wallClock } from '../../runtime/clock.ts'
import type { SourceItem } from '../../runtime/define.ts'
import { isTidegateError } from '../../schemas/errors.ts'
import { Trade } from '../../schemas/market.ts'
import { type Fault, type RunningVenue, readFrames, startVenue, type Venue } from '../../testing/venue_server.ts'
import { openFeed } from '../feed/feed.ts'
import { socketLimits } from '../feed/socket.ts'
import { errorFrame, frameTime, otherFrames, rubbishFrames, tradeFrame, tradeFrames } from './frames.ts'
import { type BinanceTradesParams, binanceTrades, tradesChannel } from './trades.ts'

const ms = 1e3
/** Patience stays as long as it is: a test that is about it says how long. */
const quick = { ...socketLimits, pingAfter: 10 * ms, backoff: 4 * ms, backoffCap: 20 * ms }
const closing: (() => unknown)[] = []
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
})
const venueOf = async (venue: Venue): Promise<RunningVenue> => {
  const running = await startVenue(venue)
  closing.push(running.close)
  return running
}

type Item<T extends SourceItem['type']> = SourceItem & { readonly type: T }
type Given = Parameters<typeof binanceTrades>[0]
const parse = (given: Given): BinanceTradesParams =>
  z.parse(binanceTrades.definition.params, given) as BinanceTradesParams
/** No heartbeat unless the test is about them. */
const still = { heartbeat_every: '1h', stall_after: '1h' }

/** Opens the source on a local venue, gathers what it says, and waits for it. */
function follow(url: string, given: Partial<Given> = {}, { position = 0, openWithin = quick.openWithin } = {}) {
  const items: SourceItem[] = []
  const events: Item<'event'>[] = []
  const arrays: number[] = []
  const errors: unknown[] = []
  const notices: string[] = []
  const rows: Item<'row'>[] = []
  let look = () => {}
  const params = parse({ symbols: ['BTCUSDT'], ...still, ...given })
  const around = {
    clock: wallClock,
    random: () => 0.5,
    position,
    endpoint: (source: string) => (source === 'binance_trades' ? url : undefined),
    notice: (text: string) => {
      notices.push(text)
      look()
    },
  }
  const subscription = openFeed(tradesChannel(params), params, around, { ...quick, openWithin }).subscribe({
    next: (more) => {
      arrays.push(more.length)
      for (const item of more) {
        if (item.type === 'event') {
          events.push(item)
          continue
        }
        items.push(item)
        if (item.type === 'row') rows.push(item)
      }
      look()
    },
    error: (error) => {
      errors.push(error)
      look()
    },
  })
  closing.push(() => subscription.unsubscribe())
  const until = (done: () => boolean) =>
    new Promise<void>((resolve) => {
      look = () => done() && resolve()
      look()
    })
  const of = <T extends SourceItem['type']>(type: T) =>
    items.filter((item): item is Item<T> => item.type === type) as Item<T>[]
  const ids = () => rows.map(({ value }) => (value as Trade).id)
  const gaps = () => of('gap').map(({ key, value }) => ({ key, ...value }))
  const reasons = () => of('invalid').map(({ value }) => value.reason)
  return { items, events, arrays, errors, notices, rows, until, of, ids, gaps, reasons, subscription }
}

const key = 'binance:BTCUSDT'
const first = { key, reason: 'connected', missing: 0, since: 0 }
const span = (from: number, count: number) => Array.from({ length: count }, (_, n) => 12_345 + from + n)
const timeOf = (n: number) => (frameTime + n) * 1000

// ---- rows and numbers -------------------------------------------------------------------------------

test('tells the gap of the first connection, then every trade once, in order', async () => {
  const venue = await venueOf({ frames: tradeFrames(300) })
  const feed = follow(venue.url)
  await feed.until(() => feed.rows.length === 300)
  expect(feed.items[0]).toEqual({
    type: 'gap',
    at: timeOf(0),
    key,
    value: { reason: 'connected', missing: 0, since: 0 },
  })
  expect(feed.items[1]).toEqual({
    type: 'row',
    at: timeOf(0),
    key,
    value: { price: 0.001, size: 100, side: -1, id: 12_345 },
  })
  expect(feed.ids()).toEqual(span(0, 300))
  expect(feed.items).toHaveLength(301)
  expect(venue.connections[0]?.url).toBe('/stream?streams=btcusdt@trade')
})

test('after a restart goes on counting and says resumed', async () => {
  const venue = await venueOf({ frames: tradeFrames(2) })
  const feed = follow(venue.url, {}, { position: 40 })
  await feed.until(() => feed.rows.length === 2)
  expect(feed.gaps()).toEqual([{ ...first, reason: 'resumed' }])
  expect(feed.rows).toHaveLength(2)
})

test('numbers missing within a connection are a gap before the row', async () => {
  const venue = await venueOf({ frames: tradeFrames(20), faults: [{ type: 'skip', after: 10, frames: 3 }] })
  const feed = follow(venue.url)
  await feed.until(() => feed.rows.length === 17)
  expect(feed.gaps()).toEqual([first, { key, reason: 'sequence', missing: 3, since: timeOf(9) }])
  const at = feed.items.findIndex(({ type }, n) => type === 'gap' && n > 0)
  expect(feed.items.slice(at, at + 2)).toMatchObject([{ at: timeOf(13) }, { at: timeOf(13), value: { id: 12_358 } }])
})

test('repeated trades are dropped and counted', async () => {
  const venue = await venueOf({ frames: tradeFrames(20), faults: [{ type: 'repeat', after: 10, frames: 4 }] })
  const feed = follow(venue.url)
  await feed.until(() => feed.rows.length === 20)
  expect(feed.ids()).toEqual(span(0, 20))
  expect(feed.reasons()).toEqual(Array(4).fill('duplicate'))
  expect(feed.gaps()).toEqual([first])
})

test('numbers that start afresh a minute later or more are a gap, not repeats for ever', async () => {
  const venue = await venueOf({ frames: [tradeFrame(5), tradeFrame(70_000, { t: 1 }), tradeFrame(70_001, { t: 2 })] })
  const feed = follow(venue.url)
  await feed.until(() => feed.rows.length === 3)
  expect(feed.gaps()).toEqual([first, { key, reason: 'sequence', missing: 0, since: timeOf(5) }])
})

test('futures trades outside the book give no row and no gap', async () => {
  const frames = [tradeFrame(0), tradeFrame(1, { X: 'INSURANCE_FUND' }), tradeFrame(2, { X: 'NA', p: '0' })]
  const venue = await venueOf({ frames: [...frames, tradeFrame(3, { X: 'MARKET' })] })
  const feed = follow(venue.url, { market: 'usdm' })
  await feed.until(() => feed.rows.length === 2)
  expect(feed.rows.map((row) => row.key)).toEqual(['binance_usdm:BTCUSDT', 'binance_usdm:BTCUSDT'])
  expect(feed.gaps()).toEqual([{ ...first, key: 'binance_usdm:BTCUSDT' }])
})

test('each symbol has a sequence of its own; one that was not asked for is no row', async () => {
  const frames = [tradeFrame(0), tradeFrame(7, {}, 'ETHUSDT'), tradeFrame(1), tradeFrame(0, {}, 'XRPUSDT')]
  const venue = await venueOf({ frames: [...frames, tradeFrame(9, {}, 'ETHUSDT')] })
  const feed = follow(venue.url, { symbols: ['BTCUSDT', 'ETHUSDT'] })
  await feed.until(() => feed.rows.length === 4)
  const other = 'binance:ETHUSDT'
  expect(feed.gaps()).toEqual([
    first,
    { ...first, key: other },
    { key: other, reason: 'sequence', missing: 1, since: timeOf(7) },
  ])
  expect(feed.reasons()).toEqual(['unasked_symbol'])
  expect(venue.connections[0]?.url).toBe('/stream?streams=btcusdt@trade/ethusdt@trade')
})

test('rubbish is counted, messages of other streams are passed over, and the connection lives on', async () => {
  const { serverShutdown: _, ...rest } = otherFrames
  const others = Object.values(rest)
  const says: Fault[] = rubbishFrames.map((what, n) => ({ type: 'say', after: n + 1, what }))
  const refusal: Fault = { type: 'say', after: 20, what: errorFrame }
  const venue = await venueOf({ frames: [...tradeFrames(20), ...others, tradeFrame(20)], faults: [...says, refusal] })
  const feed = follow(venue.url)
  await feed.until(() => feed.rows.length === 21)
  expect(feed.ids()).toEqual(span(0, 21))
  expect(feed.of('invalid')).toHaveLength(rubbishFrames.length + 1)
  expect(new Set(feed.reasons())).toEqual(new Set(['not_json', 'unknown_message', 'trade_fields', 'binary', 'refused']))
  const half = Buffer.from(rubbishFrames[1] as string)
  const hash = createHash('sha256').update(half).digest('hex').slice(0, 16)
  expect(feed.of('invalid')[1]?.value).toEqual({ reason: 'not_json', hash, bytes: half.length })
  expect(feed.gaps()).toEqual([first])
  expect(venue.connections).toHaveLength(1)
})

test('a venue that says it is about to shut down is left at once, and nothing is lost or doubled', async () => {
  const frames = [...tradeFrames(5), otherFrames['serverShutdown'] as string, ...tradeFrames(9).slice(5)]
  const venue = await venueOf({ frames, faults: [{ type: 'stall', after: 6, micros: 5e6 }] })
  const feed = follow(venue.url)
  await feed.until(() => feed.rows.length === 9)
  expect(feed.ids()).toEqual(span(0, 9))
  const events = feed.events.slice(0, 4).map(({ value }) => value.event)
  expect(events).toEqual(['connected', 'lost', 'retrying', 'connected'])
})

// ---- connections ------------------------------------------------------------------------------------

test.each([
  ['goes on where it was', []],
  ['repeats the last trades', [{ type: 'repeat', after: 100, frames: 30 }]],
] as const)('a reconnection that %s leaves no gap: the numbers prove it', async (_what, more) => {
  const faults: Fault[] = [{ type: 'drop', after: 100 }, ...more]
  const venue = await venueOf({ frames: tradeFrames(200), faults })
  const feed = follow(venue.url)
  await feed.until(() => feed.rows.length === 200)
  expect(feed.ids()).toEqual(span(0, 200))
  expect(feed.gaps()).toEqual([first])
  expect(feed.reasons()).toEqual(Array(more.length * 30).fill('duplicate'))
  expect(venue.connections).toHaveLength(2)
  expect(feed.notices.filter((text) => text.includes('trying again'))).toEqual([
    'binance_trades: trying again in 2ms (attempt 1)',
  ])
})

test('what was lost while disconnected is one gap with the count', async () => {
  const faults: Fault[] = [
    { type: 'drop', after: 100 },
    { type: 'skip', after: 100, frames: 25 },
  ]
  const venue = await venueOf({ frames: tradeFrames(200), faults })
  const feed = follow(venue.url)
  await feed.until(() => feed.rows.length === 175)
  expect(feed.gaps()).toEqual([first, { key, reason: 'disconnected', missing: 25, since: timeOf(99) }])
  expect(feed.ids()).toEqual([...span(0, 100), ...span(125, 75)])
})

test('a stalled feed is given up; what it kept back is a gap of that reason', async () => {
  const faults: Fault[] = [
    { type: 'stall', after: 10, micros: 10_000 * ms },
    { type: 'skip', after: 10, frames: 2 },
  ]
  const venue = await venueOf({ frames: tradeFrames(20), faults })
  const feed = follow(venue.url, { stall_after: '80ms' })
  await feed.until(() => feed.rows.length === 18)
  expect(feed.gaps()).toEqual([first, { key, reason: 'stalled', missing: 2, since: timeOf(9) }])
  expect(feed.notices).toContain('binance_trades: connection lost: stalled (no data for 80ms)')
})

test('rubbish alone does not keep a stalled feed alive', async () => {
  const frames = [tradeFrame(0), ...Array(100).fill('rubbish'), tradeFrame(1)]
  const venue = await venueOf({ frames, rate: 100 })
  const feed = follow(venue.url, { stall_after: '80ms' })
  await feed.until(() => feed.notices.some((text) => text.includes('stalled')))
  expect(feed.reasons().length).toBeGreaterThan(2)
})

test('a message above the bound of the socket is counted, and the feed mends itself', async () => {
  const huge = 'x'.repeat(socketLimits.maxBytes + 1)
  const venue = await venueOf({
    frames: tradeFrames(20),
    faults: [
      { type: 'say', after: 10, what: huge },
      { type: 'stall', after: 10, micros: 100 * ms },
    ],
  })
  const feed = follow(venue.url)
  await feed.until(() => feed.rows.length === 20)
  expect(feed.reasons()).toEqual(['oversized'])
  expect(feed.ids()).toEqual(span(0, 20))
})

test.each([
  ['refuses the upgrade', { frames: [], upgrades: [{ refuse: 404 }] }, 'refused (HTTP 404)'],
  ['answers with an error', { frames: [errorFrame] }, 'too many parameters'],
] as const)('a venue that %s at the start is an error for people', async (_what, script, words) => {
  const venue = await venueOf(script)
  const feed = follow(venue.url)
  await feed.until(() => feed.errors.length === 1)
  expect(isTidegateError(feed.errors[0]) && feed.errors[0].code).toBe('SOURCE_FAILED')
  expect(String(feed.errors[0])).toContain(words)
})

test('a venue that never answers again is tried on and on once the feed ran', async () => {
  const upgrades = ['accept', ...Array(7).fill('unanswered'), { refuse: 503 }] as const
  const venue = await venueOf({ frames: tradeFrames(2), upgrades, faults: [{ type: 'drop', after: 1 }] })
  const feed = follow(venue.url, {}, { openWithin: 100 * ms })
  await feed.until(() => feed.rows.length === 2)
  expect(venue.attempts()).toBe(10)
  expect(feed.errors).toEqual([])
  expect(feed.gaps()).toEqual([first])
})

test('names the symbols that never spoke', async () => {
  const venue = await venueOf({ frames: tradeFrames(5) })
  const feed = follow(venue.url, { symbols: ['BTCUSDT', 'BTCUSTD'], stall_after: '60ms' })
  await feed.until(() => feed.notices.some((text) => text.includes('nothing yet')))
  expect(feed.notices).toContain('binance_trades: nothing yet from BTCUSTD')
})

test('unsubscribing closes the connection and says nothing more', async () => {
  const venue = await venueOf({ frames: tradeFrames(1000), rate: 500 })
  const feed = follow(venue.url, { heartbeat_every: '10ms', heartbeat_lag: 0 })
  await feed.until(() => feed.rows.length > 3)
  feed.subscription.unsubscribe()
  const before = feed.items.length
  await new Promise<void>((resolve) => wallClock.after(50 * ms, resolve))
  expect(feed.items).toHaveLength(before)
  expect(venue.connections).toMatchObject([{ state: 'closed' }])
})

// ---- time in silence --------------------------------------------------------------------------------

test('time passes in silence, never ahead of what the clock and the offset allow', async () => {
  const now = wallClock.now()
  const T = Math.floor(now / 1000)
  const venue = await venueOf({ frames: [tradeFrame(0, { T }), tradeFrame(1, { T: T + 1 })] })
  const feed = follow(venue.url, { heartbeat_every: '10ms', heartbeat_lag: '15ms' })
  await feed.until(() => feed.of('heartbeat').length === 5)
  const told = feed.of('heartbeat').map(({ at }) => at)
  expect(told).toEqual(told.toSorted((a, b) => a - b))
  expect(new Set(told).size).toBe(5)
  expect(told[0]).toBeGreaterThan((T + 1) * 1000)
  expect(told.at(-1)).toBeLessThanOrEqual(wallClock.now() - 15 * ms)
})

test('heartbeats of one symbol never pass rows that come with the same latency', async () => {
  const started = Math.floor(wallClock.now() / 1000)
  const quiet = Array.from({ length: 3 }, (_, n) => tradeFrame(n, { T: started + n * 100 }, 'ETHUSDT'))
  const frames = tradeFrames(60).flatMap((_, n) => {
    const busy = tradeFrame(n, { T: started + n * 5 })
    return n % 20 === 0 ? [quiet[n / 20] ?? busy, busy] : [busy]
  })
  const venue = await venueOf({ frames, rate: 200 })
  const given = { symbols: ['BTCUSDT', 'ETHUSDT'], heartbeat_every: '10ms', heartbeat_lag: '40ms' }
  const feed = follow(venue.url, given)
  await feed.until(() => feed.rows.length === 63)
  const latest = new Map<string, number>()
  for (const item of feed.items) {
    if (item.type !== 'row' && item.type !== 'heartbeat') continue
    expect(item.at).toBeGreaterThanOrEqual(latest.get(item.key) ?? 0)
    latest.set(item.key, item.at)
  }
  expect(feed.of('heartbeat').some((beat) => beat.key === 'binance:ETHUSDT')).toBe(true)
})

test('without a sign of life no time passes', async () => {
  const faults: Fault[] = [{ type: 'stall', after: 2, micros: 300 * ms, deaf: true }]
  const venue = await venueOf({ frames: tradeFrames(3), faults })
  const feed = follow(venue.url, { heartbeat_every: '10ms', heartbeat_lag: 0 })
  await feed.until(() => feed.rows.length === 3)
  expect(feed.of('heartbeat')).toEqual([])
})

test('a symbol that stays silent after a reconnection tells its gap before time passes', async () => {
  const venue = await venueOf({ frames: [tradeFrame(0)], faults: [{ type: 'drop', after: 1 }] })
  const feed = follow(venue.url, { heartbeat_every: '10ms', heartbeat_lag: 0 })
  await feed.until(() => feed.of('gap').length === 2 && feed.of('heartbeat').length > 3)
  expect(feed.gaps()).toEqual([first, { key, reason: 'disconnected', missing: 0, since: timeOf(0) }])
  const told = feed.items.findLastIndex(({ type }) => type === 'gap')
  expect(feed.items[told + 1]).toMatchObject({ type: 'heartbeat' })
})

test('a symbol that never spoke tells its gap with its first heartbeat', async () => {
  const venue = await venueOf({ frames: [tradeFrame(0)] })
  const feed = follow(venue.url, { symbols: ['BTCUSDT', 'ETHUSDT'], heartbeat_every: '10ms', heartbeat_lag: 0 })
  const silent = () => feed.items.filter((item) => 'key' in item && item.key === 'binance:ETHUSDT')
  await feed.until(() => silent().length > 2)
  expect(silent().map(({ type }) => type)).toEqual(['gap', 'heartbeat', 'heartbeat'])
})

// ---- params -----------------------------------------------------------------------------------------

test.each([
  [{ symbols: [] }],
  [{ symbols: ['btcusdt'] }],
  [{ symbols: ['BTC/USDT'] }],
  [{ symbols: ['BTCUSDT', 'BTCUSDT'] }],
  [{ symbols: ['BTCUSDT'], stall_after: 0 }],
  [{ symbols: ['BTCUSDT'], market: 'margin' }],
  [{ symbols: ['BTCUSDT'], symbol: 'BTCUSDT' }],
])('refuses the params %j', (given) => {
  expect(z.safeParse(binanceTrades.definition.params, given).success).toBe(false)
})

test('lateness is a parameter of the source', () => {
  const { lateness, params } = binanceTrades.definition
  expect(lateness(parse({ symbols: ['BTCUSDT'], lateness: '250ms' }) as never)).toBe(250_000)
  expect(params).toBeDefined()
})

// ---- recorded frames --------------------------------------------------------------------------------

const data = process.env['TIDEGATE_DATA'] ?? './data'
const folder = join(data, 'ticks/binance-raw-frames')
interface Facts {
  readonly trades: { n: number; qty: string; first_id: number; last_id: number; buyer_maker: number }
}
const factsOf = (file: string): Facts['trades'] => {
  const all = JSON.parse(readFileSync(join(folder, 'facts.json'), 'utf8')) as Record<string, Facts>
  const facts = all[`binance-raw-frames/${file}`]
  if (facts === undefined) throw new Error(`no facts of ${file}`)
  return facts.trades
}
const exact = (size: number) => BigInt(Math.round(size * 1e8))
const recordings = [
  ['spot_btcusdt_20240808.jsonl.txt.gz', 'BTCUSDT', 'spot'],
  ['usdm_btcusdt_20240808.jsonl.txt.gz', 'BTCUSDT', 'usdm'],
  ['cm_btcusd_perp_20240808.jsonl.txt.gz', 'BTCUSD_PERP', 'coinm'],
] as const

for (const [file, symbol, market] of recordings) {
  const path = join(folder, file)
  test.skipIf(!existsSync(path))(`gives the trades of ${file} as facts.json has them`, async () => {
    const facts = factsOf(file)
    const venue = await venueOf({ frames: await readFrames(path) })
    const feed = follow(venue.url, { symbols: [symbol], market })
    await feed.until(() => feed.rows.length === facts.n)
    const trades = feed.rows.map(({ value }) => value as Trade)
    expect(feed.ids()).toEqual(Array.from({ length: facts.n }, (_, n) => facts.first_id + n))
    expect(trades.at(-1)?.id).toBe(facts.last_id)
    expect(trades.reduce((sum, { size }) => sum + exact(size), 0n)).toBe(exact(Number(facts.qty)))
    expect(trades.filter(({ side }) => side === -1)).toHaveLength(facts.buyer_maker)
    expect(feed.gaps().map(({ reason }) => reason)).toEqual(['connected'])
    expect(feed.reasons()).toEqual([])
    expect(z.safeParse(Trade.schema, trades[0]).success).toBe(true)
  })
}

const spot = 'spot_btcusdt_20240808.jsonl.txt.gz'
const recorded = join(folder, spot)
test.skipIf(!existsSync(recorded))(
  `${spot} with drops and overlaps gives the same rows once, without a gap`,
  async () => {
    const frames = await readFrames(recorded)
    const facts = factsOf(spot)
    const cuts = [9000, 20_000, 33_333]
    const faults = cuts.flatMap((after): Fault[] => [
      { type: 'drop', after },
      { type: 'repeat', after, frames: 700 },
    ])
    const venue = await venueOf({ frames, faults })
    const feed = follow(venue.url)
    await feed.until(() => feed.rows.length === facts.n)
    expect(feed.ids()).toEqual(Array.from({ length: facts.n }, (_, n) => facts.first_id + n))
    expect(feed.gaps().map(({ reason }) => reason)).toEqual(['connected'])
    const repeated = cuts.flatMap((cut) => frames.slice(cut - 700, cut)).filter((frame) => frame.includes('@trade"'))
    expect(feed.reasons()).toEqual(repeated.map(() => 'duplicate'))
    expect(venue.connections).toHaveLength(4)
  },
)

test.skipIf(!existsSync(recorded))(`${spot} with frames lost in a drop gives one gap with the count`, async () => {
  const frames = await readFrames(recorded)
  const facts = factsOf(spot)
  const lost = frames.slice(20_000, 20_500).filter((frame) => frame.includes('@trade"')).length
  const faults: Fault[] = [
    { type: 'drop', after: 20_000 },
    { type: 'skip', after: 20_000, frames: 500 },
  ]
  const venue = await venueOf({ frames, faults })
  const feed = follow(venue.url)
  await feed.until(() => feed.rows.length === facts.n - lost)
  expect(lost).toBeGreaterThan(10)
  expect(feed.gaps()).toMatchObject([{ reason: 'connected' }, { reason: 'disconnected', missing: lost }])
})
