import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, expect, test } from 'vitest'
import type { Book } from '../../schemas/market.ts'
import { followFeed } from '../../testing/follow_feed.ts'
import { linesOf, saidIn } from '../../testing/recorded.ts'
import { startVenue } from '../../testing/venue_server.ts'
import { BookKeeper } from '../feed/book_keeper.ts'
import { openFeed } from '../feed/feed.ts'
import { LocalBook } from '../feed/local_book.ts'
import type { BookMessage, Channel, Word } from '../feed/venue.ts'
import { barsChannel, barsReader } from './bars.ts'
import { bookChannel, readBook } from './book.ts'
import { checksumOf } from './checksum.ts'
import { readQuotes } from './quotes.ts'
import { readTrades, tradesChannel } from './trades.ts'

// Recordings are third-party: they lie in TIDEGATE_DATA, never in the repository.
const frames = join(process.env['TIDEGATE_DATA'] ?? './data', 'ws-frames')
const readBars = barsReader('1m')
const readers = { trades: readTrades, quotes: readQuotes, book: readBook, bars: readBars }
const word = <T>(read: (bytes: Buffer) => Word<T>, text: string): Word<T> => read(Buffer.from(text))
const tally = (words: readonly Word<unknown>[]): Record<string, number> => {
  const counts: Record<string, number> = {}
  for (const { type } of words) counts[type] = (counts[type] ?? 0) + 1
  return counts
}

// ---- a session of 2023: OKCOIN, API v5, before books carried numbers ------------------------------

const session = join(frames, 'cryptofeed/OKCOIN/OKCOIN.ws.1.0.jsonl.gz')
const sessionTest = test.skipIf(!existsSync(session))
const received = (): string[] => saidIn(session)
const file = 'cryptofeed/OKCOIN/OKCOIN.ws.1.0.jsonl.gz'

sessionTest.each([
  ['trades', { subscribed: 40, rows: 4, other: 26 }],
  ['quotes', { subscribed: 40, other: 30 }],
  ['book', { subscribed: 40, book: 6, other: 24 }],
  ['bars', { subscribed: 40, rows: 12, other: 18 }],
] as const)(`knows every frame of ${file}, as a reader of %s`, (reader, counts) => {
  expect(tally(received().map((text) => word<unknown>(readers[reader], text)))).toEqual(counts)
})

sessionTest(`gives trades and bars of ${file} as their own fields have them`, () => {
  let [trades, closed, open] = [0, 0, 0]
  for (const text of received()) {
    const { arg, data } = JSON.parse(text)
    const [asTrades, asBars] = [word(readTrades, text), word(readBars, text)]
    if (asTrades.type === 'rows')
      for (const [n, { symbol, at, id, value }] of asTrades.rows.entries()) {
        const { instId, tradeId, px, sz, side, ts } = data[n]
        expect([symbol, at, String(id)]).toEqual([instId, Number(ts) * 1000, tradeId])
        const same = { price: Number.parseFloat(px), size: Number.parseFloat(sz), side: side === 'buy' ? 1 : -1 }
        expect(value).toEqual({ ...same, id: Number(tradeId) })
        trades++
      }
    if (asBars.type !== 'rows') continue
    const [ts, o, h, l, c, vol, , quote, confirm] = data[0]
    if (confirm === '0') {
      expect(asBars.rows).toEqual([])
      open++
      continue
    }
    const prices = { open: Number(o), high: Number(h), low: Number(l), close: Number(c) }
    const value = { ...prices, volume: Number(vol), turnover: Number(quote), count: 0, complete: true }
    expect(asBars.rows).toMatchObject([{ symbol: arg.instId, at: (Number(ts) + 60_000) * 1000, value }])
    closed++
  }
  expect([trades, closed, open]).toEqual([4, 4, 8])
})

interface Facts {
  readonly checksums_ok: number
  readonly checksums_bad: number
  readonly final: Readonly<Record<string, { best_bid: string; best_ask: string; bids: number; asks: number }>>
}
sessionTest(`reproduces every checksum of ${file} and ends with the books checksum_facts.json has`, () => {
  const facts = JSON.parse(readFileSync(join(frames, 'cryptofeed/checksum_facts.json'), 'utf8'))[file] as Facts
  const rules = bookChannel({ symbols: [] }).book
  if (rules === undefined) throw new Error('a book channel without rules')
  const keepers = new Map<string, BookKeeper>()
  const books = new Map<string, LocalBook>()
  let checked = 0
  for (const text of received()) {
    const told = word(readBook, text)
    if (told.type !== 'book') continue
    const { symbol, checksum } = told.message
    const keeper = keepers.get(symbol) ?? new BookKeeper(rules)
    const book = books.get(symbol) ?? new LocalBook()
    keepers.set(symbol, keeper)
    books.set(symbol, book)
    expect(keeper.take(told.message)).toMatchObject({ type: 'rows' })
    book.apply(told.message)
    expect(checksumOf(book.bids, book.asks)).toBe(checksum)
    checked++
  }
  expect([checked, facts.checksums_bad]).toEqual([facts.checksums_ok, 0])
  for (const [symbol, { best_bid, best_ask, bids, asks }] of Object.entries(facts.final)) {
    const book = books.get(symbol)
    expect([book?.bids[0]?.[2], book?.asks[0]?.[2]]).toEqual([best_bid, best_ask])
    expect([book?.bids.length, book?.asks.length]).toEqual([bids, asks])
  }
  expect(books.size).toBe(Object.keys(facts.final).length)
})
sessionTest(`a size of ${file} that is changed in its last digit breaks the checksum`, () => {
  const rules = bookChannel({ symbols: [] }).book
  const whole = received().find((text) => word(readBook, text).type === 'book') ?? ''
  const told = word(readBook, whole.replace('"4000"', '"4001"'))
  if (told.type !== 'book' || rules === undefined) throw new Error('no book')
  expect(new BookKeeper(rules).take(told.message)).toMatchObject({ type: 'broken', reason: 'checksum' })
})

const closing: (() => unknown)[] = []
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
})
const symbols = ['BTC-USD', 'ETH-USD', 'USDC-USDT', 'USDT-USD']
const still = { lateness: 0, stall_after: 3600e6, heartbeat_every: 3600e6, heartbeat_lag: 0, connections: 1 }
const params = { symbols, ...still, max_jump: 0.5, fill: true, fill_within: 10e6 }
/** Plays the session to a channel, and waits for so many rows. */
async function play<T>(channel: Channel<T>, rows: number) {
  const venue = await startVenue({ frames: received() })
  closing.push(venue.close)
  const feed = followFeed((context) => openFeed(channel, params, context), { [channel.name]: venue.url })
  closing.push(feed.stop)
  await feed.until(() => feed.of('row').length === rows)
  expect(feed.of('invalid')).toEqual([])
  expect(feed.of('gap').map(({ value }) => value.reason)).toEqual(Array(4).fill('connected'))
  return feed.of('row')
}
sessionTest(`a feed that is played ${file} tells its trades, bars and books, and nothing is invalid`, async () => {
  const trades = await play(tradesChannel({ symbols }), 4)
  expect(trades.map(({ key }) => key)).toEqual([...['okx:USDC-USDT', 'okx:ETH-USD', 'okx:BTC-USD', 'okx:USDT-USD']])
  const bars = await play(barsChannel({ symbols, interval: '1m' }), 4)
  expect(new Set(bars.map(({ at }) => at))).toEqual(new Set([1_685_221_680_000_000]))
  // 59, 91, 386 and 184 levels; the two changes after a minute of silence change nothing
  const levels = await play(bookChannel({ symbols }), 720)
  expect(levels.filter(({ value }) => (value as Book).last)).toHaveLength(4)
})

// ---- pairs of tardis.dev --------------------------------------------------------------------------

const pairs = join(frames, 'normalisation-pairs/tardis_pairs.jsonl.gz')
interface Pair {
  readonly exchange: string
  readonly message: { readonly table?: string; readonly arg?: { readonly channel: string }; readonly event?: string }
  readonly expected: readonly Readonly<Record<string, unknown>>[]
}
const sides = { buy: 1, sell: -1 } as const
const plain = (levels: BookMessage['bids']) => levels.map(([price, amount]) => ({ price, amount }))

test.skipIf(!existsSync(pairs))('agrees with tardis.dev on normalisation-pairs/tardis_pairs.jsonl.gz', () => {
  const ours = linesOf(pairs)
    .map((line) => JSON.parse(line) as Pair)
    .filter(({ exchange }) => exchange.startsWith('okex') || exchange === 'okcoin')
  const found: Record<string, number> = {}
  const note = (what: string) => {
    found[what] = (found[what] ?? 0) + 1
  }
  for (const { message, expected } of ours) {
    const text = JSON.stringify(message)
    const [asTrades, asQuotes, asBook] = [word(readTrades, text), word(readQuotes, text), word(readBook, text)]
    if (message.table !== undefined) {
      // API v3, gone since 2022: another form altogether.
      expect(asTrades).toEqual({ type: 'invalid', reason: 'unknown_message' })
      note('v3')
      continue
    }
    const stamp = (given: Readonly<Record<string, unknown>>) => Date.parse(String(given['timestamp'])) * 1000
    const theirs = expected.find(({ type }) => type === 'trade' || type === 'book_change' || type === 'book_ticker')
    switch (message.arg?.channel ?? 'none') {
      case 'trades': {
        if (theirs === undefined) expect(asTrades.type).toBe('subscribed')
        else {
          const { price, amount, side, id, symbol } = theirs
          const value = { price, size: amount, side: sides[side as keyof typeof sides], id: Number(id) }
          expect(asTrades).toEqual({ type: 'rows', rows: [{ symbol, at: stamp(theirs), id: Number(id), value }] })
        }
        break
      }
      case 'books-l2-tbt': {
        if (asBook.type !== 'book' || theirs === undefined) throw new Error(`no book: ${text}`)
        const { symbol, at, snapshot, bids, asks } = asBook.message
        expect({ symbol, at, isSnapshot: snapshot, bids: plain(bids), asks: plain(asks) }).toEqual({
          ...{ symbol: theirs['symbol'], at: stamp(theirs), isSnapshot: theirs['isSnapshot'] },
          ...{ bids: theirs['bids'], asks: theirs['asks'] },
        })
        break
      }
      case 'bbo-tbt': {
        // tardis.dev took quotes from another channel until 2022-05: then it has none here.
        if (theirs === undefined) expect(asQuotes.type).toBe('row')
        else {
          const { bidPrice: bid, askPrice: ask, bidAmount: bid_size, askAmount: ask_size, symbol } = theirs
          const value = { bid, ask, bid_size, ask_size }
          expect(asQuotes).toEqual({ type: 'row', row: { symbol, at: stamp(theirs), id: 0, value } })
        }
        break
      }
      default:
        for (const { type } of [asTrades, asQuotes, asBook]) expect(['other', 'subscribed']).toContain(type)
    }
    note(message.event ?? message.arg?.channel ?? 'none')
  }
  expect(found).toMatchObject({ v3: 35, subscribe: 2, trades: 2, 'books-l2-tbt': 3, 'bbo-tbt': 2 })
  expect(ours).toHaveLength(61)
})

// ---- single frames --------------------------------------------------------------------------------

const single = (path: string) => {
  const found = join(frames, path)
  return { run: test.skipIf(!existsSync(found)), text: () => readFileSync(found, 'utf8') }
}
const snapshotFile = single('nautilus/okx/ws_books_snapshot.json')
snapshotFile.run('reads nautilus/okx/ws_books_snapshot.json, whose checksum is not that of its levels', () => {
  const told = word(readBook, snapshotFile.text())
  if (told.type !== 'book') throw new Error('no book')
  const { bids, asks, id, at, checksum } = told.message
  expect([bids.length, asks.length, id, at]).toEqual([8, 8, 123_456, 1_597_026_383_085_000])
  // it is typed from the documentation, which never carried a true one
  expect([checksum, checksumOf(bids, asks)]).toEqual([-855_196_043, -2_102_840_145])
})
const bboFile = single('nautilus/okx/ws_bbo_tbt.json')
bboFile.run('reads nautilus/okx/ws_bbo_tbt.json', () => {
  const value = { bid: 8476.97, ask: 8476.98, bid_size: 256, ask_size: 415 }
  const row = { symbol: 'BTC-USDT', at: 1_597_026_383_085_000, id: 123_456, value }
  expect(word(readQuotes, bboFile.text())).toEqual({ type: 'row', row })
})
const tradesFile = single('nautilus/okx/ws_trades.json')
tradesFile.run('reads nautilus/okx/ws_trades.json: three matches folded into one', () => {
  expect(word(readTrades, tradesFile.text())).toMatchObject({ rows: [{ first: 130_639_472, id: 130_639_474 }] })
})
const candleFile = single('nautilus/okx/ws_candle.json')
candleFile.run('reads nautilus/okx/ws_candle.json, a day of Hong Kong, as a candle of another name', () => {
  expect(word(barsReader('1d'), candleFile.text())).toEqual({ type: 'other', what: 'candle1D' })
  const asMinute = candleFile.text().replace('candle1D', 'candle1m')
  const value = { open: 8533.02, close: 8548.26, volume: 45_247, turnover: 5_529.5858061 }
  expect(word(readBars, asMinute)).toMatchObject({ rows: [{ value }] })
})
const realFile = single('gocryptotrader/okx/wsAllTrades.json')
realFile.run('reads gocryptotrader/okx/wsAllTrades.json: two trades of 2025, numbered without a hole', () => {
  const rows = realFile
    .text()
    .split('\n')
    .filter(Boolean)
    .flatMap((text) => {
      const told = word(readTrades, text)
      return told.type === 'rows' ? told.rows : []
    })
  expect(rows).toMatchObject([
    { id: 674_510_826, at: 1_740_394_561_685_000, value: { price: 95_634.9, size: 0.000_111_86, side: 1 } },
    { id: 674_510_827, at: 1_740_394_561_686_000, value: { price: 95_635.3, size: 0.000_111_94, side: -1 } },
  ])
})

for (const folder of ['nautilus/okx', 'jkorf/okx']) {
  const path = join(frames, folder)
  test.skipIf(!existsSync(path))(`never throws on the files of ${folder}, whole or part by part`, () => {
    const seen: Record<string, number> = {}
    for (const entry of readdirSync(path, { recursive: true, withFileTypes: true })) {
      if (!entry.isFile()) continue
      const text = readFileSync(join(entry.parentPath, entry.name), 'utf8')
      for (const part of [text, ...text.split(/^[<>=|]\d? ?/m)])
        for (const read of Object.values(readers)) {
          const { type } = word<unknown>(read, part.trim())
          seen[type] = (seen[type] ?? 0) + 1
        }
    }
    expect(seen['other']).toBeGreaterThan(0)
    expect(seen['rows']).toBeGreaterThan(0)
  })
}
