import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { saidIn } from '../../testing/recorded.ts'
import { BookKeeper } from '../feed/book_keeper.ts'
import { LocalBook } from '../feed/local_book.ts'
import type { BookMessage, Level } from '../feed/venue.ts'
import { bookChecksum } from './checksum.ts'
import { guide, type Sides } from './frames.ts'

const levels = (side: Sides['bids']): readonly Level[] => side.map(([p, q]) => [Number(p), Number(q), p, q])

test("the worked example of Kraken's guide has the checksum the guide says", () => {
  expect(bookChecksum(levels(guide.bids), levels(guide.asks))).toBe(guide.checksum)
})

test('only the best ten levels a side count, and every digit of them', () => {
  const [bids, asks] = [levels(guide.bids), levels(guide.asks)]
  expect(bookChecksum([...bids, [1, 1, '1.0', '1.0']], [...asks, [9e4, 1, '90000.0', '1.0']])).toBe(guide.checksum)
  expect(bookChecksum(bids.slice(0, 9), asks)).not.toBe(guide.checksum)
  const unpadded = bids.map(([price, size]): Level => [price, size, String(price), String(size)])
  expect(bookChecksum(unpadded, asks)).not.toBe(guide.checksum)
})

// ---- recorded and documented books ------------------------------------------------------------------

const folder = join(process.env['TIDEGATE_DATA'] ?? './data', 'ws-frames')
const there = existsSync(folder)

test.skipIf(!there)('jkorf/kraken: the documented book has its checksum once its digits are filled up again', () => {
  const script = readFileSync(join(folder, 'jkorf/kraken/Subscriptions/Spot/AggBook.txt'), 'utf8')
  interface Frame {
    readonly data: readonly [Record<'bids' | 'asks', { price: number; qty: number }[]> & { checksum: number }]
  }
  const { data } = JSON.parse(script.slice(script.indexOf('\n= ') + 3)) as Frame
  const [{ bids, asks, checksum }] = data
  // the pair is MATIC/USD in Kraken's own page: prices to 4 places, sizes to 8
  const filled = (side: typeof bids) =>
    side.map(({ price, qty }): Level => [price, qty, price.toFixed(4), qty.toFixed(8)])
  expect(bookChecksum(filled(bids), filled(asks))).toBe(checksum)
})

/** Frames of v1 as book messages: the algorithm is the same, the text of a level is a string there. */
type Rows = readonly (readonly [string, string, string])[]
interface Part {
  readonly as?: Rows
  readonly bs?: Rows
  readonly a?: Rows
  readonly b?: Rows
  readonly c?: string
}
function messageOf(frame: readonly unknown[]): BookMessage {
  const symbol = frame.at(-1) as string
  const parts = frame.slice(1, -2) as readonly Part[]
  const side = (names: readonly ('as' | 'bs' | 'a' | 'b')[]): readonly Level[] =>
    parts.flatMap((part) =>
      names.flatMap((name) => (part[name] ?? []).map(([p, q]): Level => [Number(p), Number(q), p, q])),
    )
  const checksum = parts.find(({ c }) => c !== undefined)?.c
  return {
    ...{ symbol, at: 0, id: 0, snapshot: parts.some(({ as }) => as !== undefined) },
    ...{ bids: side(['bs', 'b']), asks: side(['as', 'a']) },
    ...(checksum !== undefined && { checksum: Number(checksum) }),
  }
}
const path = 'cryptofeed/KRAKEN/KRAKEN.ws.50.0.jsonl.gz'
function recorded(): readonly BookMessage[] {
  const frames = saidIn(join(folder, path)).map((raw) => JSON.parse(raw) as unknown)
  return frames.filter(Array.isArray).map(messageOf)
}
interface Facts {
  readonly checksums_ok: number
  readonly messages_with_checksum: Readonly<Record<string, number>>
  readonly final: Readonly<Record<string, { best_bid: string; best_ask: string; bids: number; asks: number }>>
}

test.skipIf(!there)(
  `${path}: every checksum of ten books of v1 is ours, and the books end as checksum_facts.json says`,
  () => {
    const all = JSON.parse(readFileSync(join(folder, 'cryptofeed/checksum_facts.json'), 'utf8')) as Record<
      string,
      Facts
    >
    const facts = all[path] as Facts
    const keepers = new Map<string, BookKeeper>()
    const books = new Map<string, LocalBook>()
    const proven: Record<string, number> = {}
    for (const message of recorded()) {
      const { symbol, snapshot, checksum } = message
      const keeper = keepers.get(symbol) ?? new BookKeeper({ depth: 1000, checksum: bookChecksum })
      const book = books.get(symbol) ?? new LocalBook()
      keepers.set(symbol, keeper)
      books.set(symbol, book)
      expect(checksum === undefined).toBe(snapshot)
      expect(keeper.take(message).type).toBe('rows')
      book.apply(message, 1000)
      if (checksum !== undefined) proven[symbol] = (proven[symbol] ?? 0) + 1
    }
    expect(proven).toEqual(facts.messages_with_checksum)
    expect(Object.values(proven).reduce((sum, n) => sum + n)).toBe(facts.checksums_ok)
    const ends = [...books].map(([symbol, { bids, asks }]) => [
      symbol,
      { best_bid: bids[0]?.[2], best_ask: asks[0]?.[2], bids: bids.length, asks: asks.length },
    ])
    expect(Object.fromEntries(ends)).toEqual(facts.final)
  },
)

test.skipIf(!there)(`${path}: one lost message breaks the book, and a later snapshot is what mends it`, () => {
  const messages = recorded().filter(({ symbol }) => symbol === 'XMR/USD')
  const snapshot = messages[0] as BookMessage
  const lost = 100
  const keeper = new BookKeeper({ depth: 1000, checksum: bookChecksum })
  const types = messages.map((message, n) => (n === lost ? 'lost' : keeper.take(message).type))
  const broken = types.indexOf('broken')
  expect(types.slice(0, lost)).toEqual(Array(lost).fill('rows'))
  expect(broken).toBeGreaterThan(lost)
  expect(new Set(types.slice(broken + 1))).toEqual(new Set(['kept']))
  expect(keeper.take(snapshot).type).toBe('rows')
})
