import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { linesOf, saidIn } from '../../testing/recorded.ts'
import { BookKeeper } from '../feed/book_keeper.ts'
import type { BookMessage, Word } from '../feed/venue.ts'
import { barsReader } from './bars.ts'
import { bookChannel, bookReader } from './book.ts'
import { readQuotes } from './quotes.ts'
import { readTrades } from './trades.ts'

// Recordings are third-party: they lie in TIDEGATE_DATA, never in the repository.
const frames = join(process.env['TIDEGATE_DATA'] ?? './data', 'ws-frames')
const readBook = bookReader(50)
const readBars = barsReader({ market: 'linear', interval: '5m' })
const readers = { trades: readTrades, quotes: readQuotes, book: readBook, bars: readBars }
const word = <T>(read: (bytes: Buffer) => Word<T>, text: string): Word<T> => read(Buffer.from(text))

// ---- sessions of 2021, of the API before v5 -------------------------------------------------------

describe.each([
  ['cryptofeed/BYBIT/BYBIT.ws.25.0.jsonl.gz', { subscribed: 16, other: 3326 }],
  ['cryptofeed/BYBIT/BYBIT.ws.26.0.jsonl.gz', { subscribed: 4, other: 1094 }],
] as const)('%s', (file, counts) => {
  const path = join(frames, file)
  test.skipIf(!existsSync(path)).each(Object.entries(readers))(
    'every frame is another topic to a reader of %s: the API of before v5 is not read',
    (_name, read) => {
      const found: Record<string, number> = {}
      for (const raw of saidIn(path)) {
        const { type } = word<unknown>(read, raw)
        found[type] = (found[type] ?? 0) + 1
      }
      expect(found).toEqual(counts)
    },
  )
})

// ---- pairs of tardis.dev --------------------------------------------------------------------------

const pairs = join(frames, 'normalisation-pairs/tardis_pairs.jsonl.gz')
interface Pair {
  readonly exchange: string
  readonly message: { readonly topic?: string; readonly type?: string }
  readonly expected: readonly Readonly<Record<string, unknown>>[]
}
const bybitPairs = () =>
  linesOf(pairs)
    .map((line) => JSON.parse(line) as Pair)
    .filter(({ exchange }) => exchange === 'bybit')
    .map(({ message, expected }) => ({ text: JSON.stringify(message), topic: message.topic ?? '', message, expected }))
const stampOf = (given: Readonly<Record<string, unknown>>) => Date.parse(String(given['timestamp'])) * 1000
const plain = (levels: BookMessage['bids']) => levels.map(([price, amount]) => ({ price, amount }))
const pairsTest = test.skipIf(!existsSync(pairs))

pairsTest('agrees with tardis.dev on the trades of normalisation-pairs/tardis_pairs.jsonl.gz', () => {
  const ours = bybitPairs().filter(({ topic }) => topic.startsWith('publicTrade.'))
  const told = ours.flatMap(({ text, expected }) => {
    const asTrades = word(readTrades, text)
    if (asTrades.type !== 'rows') throw new Error(`no trades: ${text}`)
    const theirs = expected.map((given) => {
      const { symbol, price, amount, side } = given
      const value = { price, size: amount, side: side === 'buy' ? 1 : -1, id: 0 }
      return { symbol, at: stampOf(given), id: 0, value }
    })
    expect(asTrades.rows).toEqual(theirs)
    return asTrades.rows
  })
  expect([ours.length, told.length]).toEqual([2, 4])
})

pairsTest(
  'agrees with tardis.dev on the books of normalisation-pairs/tardis_pairs.jsonl.gz, one upon the other',
  () => {
    const ours = bybitPairs().filter(({ topic }) => topic.startsWith('orderbook.50.'))
    const rules = bookChannel({ symbols: [], market: 'linear', depth: 50 }).book
    if (rules === undefined) throw new Error('a book channel without rules')
    const keeper = new BookKeeper(rules)
    for (const { text, expected } of ours) {
      const asBook = word(readBook, text)
      if (asBook.type !== 'book') throw new Error(`no book: ${text}`)
      const { symbol, at, snapshot, bids, asks } = asBook.message
      const [theirs = {}] = expected
      expect({ symbol, at, isSnapshot: snapshot, bids: plain(bids), asks: plain(asks) }).toEqual({
        ...{ symbol: theirs['symbol'], at: stampOf(theirs), isSnapshot: theirs['isSnapshot'] },
        ...{ bids: theirs['bids'], asks: theirs['asks'] },
      })
      expect(keeper.take(asBook.message)).toMatchObject({ type: 'rows' })
    }
    expect(ours).toHaveLength(2)
  },
)

pairsTest('agrees with tardis.dev on the whole quotes of normalisation-pairs/tardis_pairs.jsonl.gz', () => {
  const ours = bybitPairs().filter(({ topic }) => topic.startsWith('orderbook.1.'))
  const told = ours.map(({ text, expected, message }) => {
    const asQuotes = word(readQuotes, text)
    // 2023: a quote was sent as changes too, which need the one before
    if (message.type === 'delta') {
      expect(asQuotes).toEqual({ type: 'invalid', reason: 'quote_change' })
      return 'change'
    }
    const [theirs = {}] = expected
    const { bidPrice: bid, askPrice: ask, bidAmount: bid_size, askAmount: ask_size, symbol } = theirs
    const value = { bid, ask, bid_size, ask_size }
    expect(asQuotes).toMatchObject({ type: 'row', row: { symbol, at: stampOf(theirs), value } })
    return 'whole'
  })
  expect(told).toEqual(['whole', 'change', 'change'])
})

pairsTest('passes over what else is in normalisation-pairs/tardis_pairs.jsonl.gz, all of v2 too', () => {
  const others = bybitPairs().filter(({ topic }) => !/^(?:publicTrade|orderbook)\./.test(topic))
  const types = others.map(({ text }) => Object.values(readers).map((read) => word<unknown>(read, text).type))
  expect(types.filter((each) => each.every((type) => type === 'other'))).toHaveLength(46)
  expect(types.filter((each) => each.every((type) => type === 'subscribed'))).toHaveLength(1)
  expect(others).toHaveLength(47)
})

// ---- single frames --------------------------------------------------------------------------------

const single = (path: string) => {
  const found = join(frames, path)
  return { run: test.skipIf(!existsSync(found)), text: () => readFileSync(found, 'utf8') }
}
const wholeFile = single('nautilus/bybit/ws_orderbook_snapshot.json')
wholeFile.run('reads nautilus/bybit/ws_orderbook_snapshot.json as a quote', () => {
  const value = { bid: 27_450, ask: 27_451, bid_size: 0.5, ask_size: 0.75 }
  const row = { symbol: 'BTCUSDT', at: 1_709_891_679_000_000, id: 987_654_321, value }
  expect(word(readQuotes, wholeFile.text())).toEqual({ type: 'row', row })
})
const klineFile = single('nautilus/bybit/ws_kline.json')
klineFile.run('reads nautilus/bybit/ws_kline.json, an open bar; closed it would be a row', () => {
  expect(word(readBars, klineFile.text())).toEqual({ type: 'rows', rows: [] })
  const closed = klineFile.text().replace('"confirm": false', '"confirm": true')
  const value = { open: 16_649.5, close: 16_677, volume: 2.081, turnover: 34_666.4005 }
  expect(word(readBars, closed)).toMatchObject({ rows: [{ symbol: 'BTCUSDT', at: 1_672_325_100_000_000, value }] })
})
const tradeFile = single('nautilus/bybit/ws_public_trade.json')
tradeFile.run('passes over nautilus/bybit/ws_public_trade.json, whose topic no v5 channel has', () => {
  expect(word(readTrades, tradeFile.text())).toEqual({ type: 'other', what: 'trade.linear.BTCUSDT' })
})
const ackFile = single('nautilus/bybit/ws_subscription_ack.json')
ackFile.run('reads nautilus/bybit/ws_subscription_ack.json', () => {
  expect(word(readTrades, ackFile.text())).toEqual({ type: 'subscribed' })
})
/** Scripts: `> ` what a client sends, `< ` what is answered, `= ` what is pushed, over several lines. */
const script = (path: string) => {
  const { run, text } = single(path)
  return {
    run,
    part: (mark: string) =>
      text()
        .split(/^(?=[<>=] )/m)
        .find((part) => part.startsWith(mark))
        ?.slice(2) ?? '',
  }
}
const spotTrades = script('jkorf/bybit/Subscriptions/V5/Spot/Trades.txt')
spotTrades.run('reads jkorf/bybit/Subscriptions/V5/Spot/Trades.txt: the answer and the trade', () => {
  expect(word(readTrades, spotTrades.part('<'))).toEqual({ type: 'subscribed' })
  const value = { price: 16_578.5, size: 0.001, side: 1, id: 0 }
  const row = { symbol: 'BTCUSDT', at: 1_672_304_486_865_000, id: 0, value }
  expect(word(readTrades, spotTrades.part('='))).toEqual({ type: 'rows', rows: [row] })
})

for (const folder of ['nautilus/bybit', 'jkorf/bybit', 'gocryptotrader/bybit']) {
  const path = join(frames, folder)
  test.skipIf(!existsSync(path))(`never throws on the files of ${folder}, whole or part by part`, () => {
    const seen: Record<string, number> = {}
    for (const entry of readdirSync(path, { recursive: true, withFileTypes: true })) {
      if (!entry.isFile()) continue
      const text = readFileSync(join(entry.parentPath, entry.name), 'utf8')
      for (const part of [text, ...text.split(/^[<>=|] ?/m), ...text.split('\n')])
        for (const read of Object.values(readers)) {
          const { type } = word<unknown>(read, part.trim())
          seen[type] = (seen[type] ?? 0) + 1
        }
    }
    expect(seen['other']).toBeGreaterThan(0)
  })
}
