import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import type { Observable } from 'rxjs'
import { afterEach, expect, test } from 'vitest'
import { z } from 'zod'
import { binanceBook } from '../../sources/binance/book.ts'
import { frameTime, tradeFrames } from '../../sources/binance/frames.ts'
import { binanceQuotes } from '../../sources/binance/quotes.ts'
import { type BinanceTradesParams, binanceTrades, tradesChannel } from '../../sources/binance/trades.ts'
import { openFeed } from '../../sources/feed/feed.ts'
import { socketLimits } from '../../sources/feed/socket.ts'
import { followFeed } from '../../testing/follow_feed.ts'
import { type Fault, type RestAnswer, readFrames, startVenue, type Venue } from '../../testing/venue_server.ts'
import { wallClock } from '../clock.ts'
import type { Source, SourceContext, SourceItem } from '../define.ts'
import { playRaw } from './play_raw.ts'
import { decodeLine } from './raw_line.ts'
import { readRaw } from './raw_reader.ts'
import { rawLimits } from './raw_writer.ts'
import { Recorder } from './recorder.ts'

const ms = 1e3
const FIRST = 12_345
const quick = { ...socketLimits, pingAfter: 10 * ms, backoff: 4 * ms, backoffCap: 20 * ms }
const closing: (() => unknown)[] = []
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
})
const folder = () => {
  const path = mkdtempSync(join(tmpdir(), 'raw-'))
  closing.push(() => rmSync(path, { recursive: true, force: true }))
  return path
}
type Open = (context: SourceContext) => Observable<readonly SourceItem[]>

/** A source on a venue of this machine, with a recorder between. */
async function recorded(
  { definition, open, venue }: { definition: Source; open: Open; venue: Venue },
  limits = rawLimits,
  directory = folder(),
  addresses = (ws: string, http: string): readonly [string, string] => [ws, http],
) {
  const running = await startVenue(venue)
  closing.push(running.close)
  const { name } = definition
  const [ws, http] = addresses(running.url, running.restUrl)
  const endpoints: Record<string, string> = { [name]: ws, [`${name}.rest`]: http }
  const failures: unknown[] = []
  const world = { clock: wallClock, random: Math.random, position: 0, notice: () => {} }
  const source = { id: 'trades', component: definition, params: { symbols: ['BTCUSDT'] }, lateness: 0 }
  const recorder = new Recorder(
    directory,
    source,
    { ...world, endpoint: (of) => endpoints[of] },
    (error) => failures.push(error),
    limits,
  )
  const feed = followFeed(open, endpoints, recorder.context)
  closing.push(feed.stop)
  const finish = async () => {
    await recorder.finish()
    feed.stop()
  }
  return { ...feed, directory, recorder, failures, venue: running, finish }
}
async function played(directory: string, open: Open, notices: string[] = []): Promise<readonly SourceItem[]> {
  const items: SourceItem[] = []
  const notice = (text: string) => notices.push(text)
  for await (const some of playRaw(readRaw(directory, notice), (_, context) => open(context), notice))
    items.push(...some)
  return items
}
const wordsIn = (directory: string) =>
  readdirSync(directory).flatMap((name) => {
    const bytes = readFileSync(join(directory, name))
    return (name.endsWith('.gz') ? gunzipSync(bytes) : bytes).toString('latin1').split('\n').slice(0, -1)
  })

// ---- trades with everything that goes wrong ---------------------------------------------------------

const oldTrade = (id: number) => ({
  ...{ id, price: '0.00100000', qty: '100', time: frameTime + id - FIRST, isBuyerMaker: true },
})
const rest = (url: URL, attempt: number): RestAnswer | undefined => {
  if (url.pathname.endsWith('/exchangeInfo')) return { body: { symbols: [{ symbol: 'BTCUSDT' }] } }
  if (!url.pathname.endsWith('/historicalTrades')) return undefined
  if (attempt === 2) return { status: 503, body: 'busy' }
  const [from, limit] = ['fromId', 'limit'].map((name) => Number(url.searchParams.get(name)))
  // one in ten is lost for good
  const ids = Array.from({ length: limit as number }, (_, n) => (from as number) + n).filter((id) => id % 10 > 0)
  return { body: ids.map(oldTrade), after: 20 * ms }
}
const faults: readonly Fault[] = [
  { type: 'say', after: 10, what: '{"stream":"half' },
  { type: 'say', after: 12, what: '{"stream":\n"btcusdt@trade"}' },
  { type: 'say', after: 14, what: Buffer.from([0, 10, 255]) },
  { type: 'drop', after: 40 },
  { type: 'repeat', after: 40, frames: 5 },
  { type: 'skip', after: 80, frames: 30 },
  { type: 'stall', after: 150, micros: 150 * ms },
  { type: 'close', after: 200, code: 1001, reason: 'moved' },
  { type: 'skip', after: 200, frames: 20 },
]
function trades(given: Record<string, unknown> = {}): { definition: Source; open: Open; venue: Venue } {
  const params = z.parse(binanceTrades.definition.params, {
    ...{ symbols: ['BTCUSDT'], heartbeat_every: '20ms', heartbeat_lag: '1ms', fill_within: '1s' },
    ...given,
  }) as BinanceTradesParams
  return {
    definition: binanceTrades.definition,
    open: (context) => openFeed(tradesChannel(params), params, context, quick),
    venue: { frames: tradeFrames(300), rate: 1000, rest, faults },
  }
}

test.each([1, 3])('a recording of a bad day over %i connections gives the very items again', async (connections) => {
  const source = trades({ connections })
  const live = await recorded(source)
  await live.until(() => live.of('row').length > 250 && live.of('heartbeat').length > 3)
  await live.until(() => live.of('row').at(-1)?.at === (frameTime + 299) * ms)
  await live.finish()
  for (const type of ['row', 'gap', 'heartbeat', 'event', 'invalid'] as const)
    expect(live.of(type).length, type).toBeGreaterThan(0)
  expect(await played(live.directory, source.open)).toEqual(live.items)
})

test('a book that is asked for over REST is the same book again', async () => {
  const E = 1_672_515_782_136
  const changes = Array.from({ length: 60 }, (_, n) =>
    JSON.stringify({
      stream: 'btcusdt@depth@100ms',
      data: { e: 'depthUpdate', E: E + n, s: 'BTCUSDT', U: n + 1, u: n + 1, b: [[String(10 + (n % 5)), '1']], a: [] },
    }),
  )
  const { definition } = binanceBook
  const params = z.parse(definition.params, { symbols: ['BTCUSDT'], heartbeat_every: '20ms' })
  const open = (context: SourceContext) =>
    (definition.open as (p: unknown, c: SourceContext) => ReturnType<Open>)(params, context)
  let books = 0
  const depth = (): RestAnswer => ({
    body: { lastUpdateId: 5 + 20 * books++, bids: [['9', '1']], asks: [['99', '1']] },
    after: 30 * ms,
  })
  const live = await recorded({
    definition,
    open,
    venue: {
      ...{ frames: changes, rate: 200, faults: [{ type: 'skip', after: 30, frames: 4 }] },
      rest: (url) => (url.pathname.endsWith('/depth') ? depth() : { body: { symbols: [{ symbol: 'BTCUSDT' }] } }),
    },
  })
  await live.until(() => live.of('row').some(({ value }) => (value as { id: number }).id === 60))
  await live.finish()
  expect(books).toBeGreaterThan(1)
  expect(live.of('gap').length).toBeGreaterThan(1)
  expect(await played(live.directory, open)).toEqual(live.items)
})

test('a connection the source gives up in the middle of what it has received ends there, then as now', async () => {
  const params = z.parse(binanceTrades.definition.params, { symbols: ['BTCUSDT'], fill: false }) as BinanceTradesParams
  const channel = tradesChannel(params)
  const leave = { type: 'leave', detail: 'enough' } as const
  const read = (bytes: Buffer, binary: boolean) => {
    const word = channel.read(bytes, binary)
    return word.type === 'row' && word.row.id % 500 === 0 ? leave : word
  }
  const open = (context: SourceContext) => openFeed({ ...channel, read }, params, context, quick)
  const { definition } = binanceTrades
  const live = await recorded({ definition, open, venue: { frames: tradeFrames(50_000), rate: 20_000 } })
  // looked at after every item: what was counted is not counted again
  let [looked, lost] = [0, 0]
  await live.until(() => {
    for (; looked < live.items.length; looked++) {
      const item = live.items[looked] as SourceItem
      if (item.type === 'event' && item.value.event === 'lost') lost++
    }
    return lost > 2
  })
  await live.finish()
  expect(await played(live.directory, open)).toEqual(live.items)
})

test('what is played again is read anew: params and parser may be others', async () => {
  const live = await recorded(trades({ fill: false }))
  await live.until(() => live.of('row').at(-1)?.at === (frameTime + 299) * ms)
  await live.finish()
  const silent = trades({ fill: false, heartbeat_every: '1h' })
  const again = await played(live.directory, silent.open)
  expect(again.filter(({ type }) => type === 'row')).toEqual(live.of('row'))
  expect(again.filter(({ type }) => type === 'heartbeat')).toEqual([])
})

test('a source that gives a connection up where it did not before loses what came on it, and tells a gap', async () => {
  const live = await recorded({
    ...trades(),
    venue: { frames: tradeFrames(300), rate: 1000, faults: [{ type: 'drop', after: 200 }] },
  })
  await live.until(() => live.of('row').length === 300)
  await live.finish()
  const params = z.parse(binanceTrades.definition.params, { symbols: ['BTCUSDT'], fill: false }) as BinanceTradesParams
  const channel = tradesChannel(params)
  let heard = 0
  const leaves = {
    ...channel,
    read: (bytes: Buffer, binary: boolean) =>
      ++heard === 100 ? ({ type: 'leave', detail: 'enough' } as const) : channel.read(bytes, binary),
  }
  const again = await played(live.directory, (context) => openFeed(leaves, params, context, quick))
  expect(again.filter(({ type }) => type === 'row')).toHaveLength(199)
  expect(again.filter(({ type }) => type === 'gap')).toMatchObject([
    { value: { reason: 'connected' } },
    { value: { missing: 101 } },
  ])
})

// ---- files ------------------------------------------------------------------------------------------

test('files are closed at their size, gzipped, and read in their order', async () => {
  const source = trades()
  const live = await recorded(source, { ...rawLimits, bytes: 5000 })
  await live.until(() => live.of('row').at(-1)?.at === (frameTime + 299) * ms)
  await live.finish()
  const files = readdirSync(live.directory)
  expect(files.length).toBeGreaterThan(5)
  expect(files.every((name) => name.endsWith('.raw.gz'))).toBe(true)
  expect(await played(live.directory, source.open)).toEqual(live.items)
})

test('after a kill the last line may be torn: what stands before it gives the items again, and the next start follows', async () => {
  const source = trades()
  const first = await recorded(source)
  await first.until(() => first.of('row').length > 100)
  first.stop()
  const [file = ''] = readdirSync(first.directory)
  // elsewhere: the recorder is still there, and may be about to write
  const directory = folder()
  writeFileSync(join(directory, file), readFileSync(join(first.directory, file)).subarray(0, -7))
  const notices: string[] = []
  const before = await played(directory, source.open, notices)
  expect(before.length).toBeGreaterThan(90)
  expect(first.items.slice(0, before.length)).toEqual(before)
  expect(notices).toContainEqual(expect.stringContaining('no whole line'))
  const next = await recorded({ ...source, venue: { frames: tradeFrames(50), rest } }, rawLimits, directory)
  await next.until(() => next.of('row').length === 50)
  await next.finish()
  expect(await played(directory, source.open)).toEqual([...before, ...next.items])
})

test('a line in the middle that cannot be read is named', async () => {
  const live = await recorded(trades())
  await live.until(() => live.of('row').length > 20)
  live.stop()
  const path = join(live.directory, readdirSync(live.directory)[0] as string)
  const lines = readFileSync(path, 'latin1').split('\n')
  writeFileSync(path, lines.with(7, 'rubbish').join('\n'), 'latin1')
  await expect(played(live.directory, trades().open)).rejects.toMatchObject({
    code: 'RECORDING_CORRUPT',
    message: expect.stringContaining('line 8'),
  })
})

test('addresses are kept without their paths, queries and users, where keys stand', async () => {
  const source = trades()
  const keyed = (ws: string, http: string) => [ws.replace('://', '://key:secret@'), `${http}/secret`] as const
  const live = await recorded(source, rawLimits, folder(), keyed)
  await live.until(() => live.of('row').length > 20)
  await live.finish()
  const lines = wordsIn(live.directory)
  expect(lines.filter((line) => / endpoint /.test(line))).toHaveLength(2)
  expect(lines.filter((line) => /secret/.test(line))).toEqual([])
  expect(lines.filter((line) => / ask /.test(line)).length).toBeGreaterThan(0)
  for (const line of lines) expect(typeof decodeLine(Buffer.from(line, 'latin1')), line).toBe('object')
})

// ---- recorded frames: third-party, in TIDEGATE_DATA, never in the repository ------------------------

const session = 'ticks/binance-raw-frames/spot_btcusdt_20240808.jsonl.txt.gz'
const path = join(process.env['TIDEGATE_DATA'] ?? './data', session)
test.skipIf(!existsSync(path)).each([
  ['trades', binanceTrades.definition],
  ['quotes', binanceQuotes.definition],
] as const)(
  `a session of ${session}, cut twice while it is recorded as %s, gives the very items again`,
  async (_, definition) => {
    const params = z.parse(definition.params, { symbols: ['BTCUSDT'], heartbeat_every: '20ms', stall_after: '10s' })
    const open = (context: SourceContext) =>
      (definition.open as (p: unknown, c: SourceContext) => ReturnType<Open>)(params, context)
    const stream = definition.name === 'binance_trades' ? '@trade"' : '@bookTicker"'
    const frames = (await readFrames(path)).filter((frame) => frame.includes(stream)).slice(0, 5000)
    const cuts: readonly Fault[] = [
      { type: 'drop', after: 1500 },
      { type: 'skip', after: 3000, frames: 200 },
      { type: 'drop', after: 3000 },
    ]
    const live = await recorded({ definition, open, venue: { frames, faults: cuts } })
    await live.until(() => live.venue.sent() >= frames.length - 200)
    await new Promise((resolve) => setTimeout(resolve, 200))
    await live.finish()
    expect(live.of('row').length).toBeGreaterThan(1000)
    expect(live.of('gap').length).toBeGreaterThan(1)
    expect(await played(live.directory, open)).toEqual(live.items)
  },
)
