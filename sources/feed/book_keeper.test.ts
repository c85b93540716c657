import { array, assert, boolean, integer, property, tuple } from 'fast-check'
import { expect, test } from 'vitest'
import type { Book } from '../../schemas/market.ts'
import { BookKeeper } from './book_keeper.ts'
import type { BookMessage, BookRules, Level } from './venue.ts'

const message = (
  id: number,
  bids: readonly Level[],
  asks: readonly Level[],
  rest: Partial<BookMessage> = {},
): BookMessage => ({
  symbol: 'A',
  at: id,
  id,
  snapshot: false,
  follows: [id - 1, id - 1],
  bids,
  asks,
  ...rest,
})
const whole = (id: number, bids: readonly Level[], asks: readonly Level[]) => {
  const { follows: _, ...rest } = message(id, bids, asks, { snapshot: true })
  return rest
}
const keeper = (rules: Partial<BookRules> = {}) => new BookKeeper({ depth: 0, ...rules })
/** What somebody who knows only the rows holds. */
class Reader {
  bids = new Map<number, number>()
  asks = new Map<number, number>()
  private fresh = true
  read(rows: readonly Book[]): void {
    for (const { side, price, size, snapshot, last } of rows) {
      if (this.fresh && snapshot) [this.bids, this.asks] = [new Map(), new Map()]
      const levels = side === 1 ? this.bids : this.asks
      if (size === 0) levels.delete(price)
      else levels.set(price, size)
      this.fresh = last
    }
  }
}
const sorted = (levels: ReadonlyMap<number, number>) => [...levels].toSorted(([a], [b]) => a - b)

test('who reads the rows holds the book of the venue, cut to its depth, after every message', () => {
  const levels = array(tuple(integer({ min: 1, max: 12 }), integer({ min: 0, max: 3 })), { maxLength: 6 })
  const step = tuple(boolean(), levels, levels)
  assert(
    property(array(step, { minLength: 1, maxLength: 30 }), integer({ min: 0, max: 5 }), (steps, depth) => {
      const book = keeper({ depth })
      const reader = new Reader()
      // the same by brute force
      let [bids, asks] = [new Map<number, number>(), new Map<number, number>()]
      steps.forEach(([again, b, a], i) => {
        const snapshot = again || i === 0
        if (snapshot) [bids, asks] = [new Map(), new Map()]
        for (const [price, size] of b) size === 0 ? bids.delete(price) : bids.set(price, size)
        for (const [price, size] of a) size === 0 ? asks.delete(100 + price) : asks.set(100 + price, size)
        if (depth > 0) {
          bids = new Map(sorted(bids).slice(-depth))
          asks = new Map(sorted(asks).slice(0, depth))
        }
        const shifted = a.map(([price, size]): Level => [100 + price, size])
        const booked = book.take(snapshot ? whole(i, b, shifted) : message(i, b, shifted))
        expect(booked.type).toBe('rows')
        if (booked.type === 'rows') {
          reader.read(booked.rows)
          expect(booked.rows.filter(({ last }) => last)).toHaveLength(Math.min(1, booked.rows.length))
        }
        expect([sorted(reader.bids), sorted(reader.asks)]).toEqual([sorted(bids), sorted(asks)])
      })
    }),
  )
})

test('a change that does not fit upon the last one breaks the book, and nothing is told until a whole one comes', () => {
  const book = keeper()
  book.take(whole(5, [[10, 1]], [[11, 1]]))
  expect(book.take(message(8, [[9, 1]], []))).toEqual({ type: 'broken', reason: 'sequence', missing: 2 })
  expect(book.take(message(9, [[9, 1]], []))).toEqual({ type: 'kept' })
  expect(book.take(whole(20, [[10, 2]], [[11, 2]])).type).toBe('rows')
  expect(book.take(message(21, [[9, 1]], [])).type).toBe('rows')
})

test('a change that was told before is a repeat', () => {
  const book = keeper()
  book.take(whole(5, [[10, 1]], [[11, 1]]))
  expect(book.take(message(5, [[10, 3]], []))).toEqual({ type: 'repeat' })
  expect(book.take(message(6, [[10, 3]], [])).type).toBe('rows')
})

test('changes that came before the whole book was there are told over it, those that it holds already are not', () => {
  const book = keeper({ snapshot: () => Promise.reject(new Error('asked elsewhere')) })
  for (const id of [3, 4, 5, 6]) expect(book.take(message(id, [[id, 1]], [])).type).toBe('kept')
  const booked = book.begin(
    whole(
      4,
      [
        [3, 1],
        [4, 1],
      ],
      [[11, 1]],
    ),
  )
  expect(booked.type === 'rows' && booked.rows.map(({ price, id }) => [price, id])).toEqual([
    [4, 4],
    [3, 4],
    [11, 4],
    [5, 5],
    [6, 6],
  ])
})

test('a whole book that is older than the first change kept is not enough', () => {
  const book = keeper({ snapshot: () => Promise.reject(new Error('asked elsewhere')) })
  book.take(message(9, [[9, 1]], []))
  expect(book.begin(whole(4, [[3, 1]], [[11, 1]]))).toEqual({ type: 'broken', reason: 'sequence', missing: 4 })
})

test('a wrong checksum and a crossed book break it', () => {
  const summed = keeper({ checksum: (bids, asks) => bids.length + asks.length })
  expect(summed.take({ ...whole(1, [[10, 1]], [[11, 1]]), checksum: 2 }).type).toBe('rows')
  expect(summed.take({ ...message(2, [[9, 1]], []), checksum: 2 })).toMatchObject({
    type: 'broken',
    reason: 'checksum',
  })
  const crossing = keeper()
  crossing.take(whole(1, [[10, 1]], [[11, 1]]))
  expect(crossing.take(message(2, [[11.5, 1]], []))).toMatchObject({ type: 'broken', reason: 'crossed_book' })
  expect(crossing.whole).toBe(false)
})
