import fc from 'fast-check'
import { expect, test } from 'vitest'
import { drive } from '../../runtime/drive.ts'
import type { Depth, RefusedBook } from '../../schemas/cross_venue.ts'
import type { Quote } from '../../schemas/market.ts'
import { gap, level, type Sample } from '../../schemas/samples.ts'
import { orderBook } from './order_book.ts'

interface Said {
  readonly quote?: Quote
  readonly depth?: Depth
  readonly refused?: RefusedBook
}
const run = (input: readonly Sample[], params = {}): readonly Said[] => drive(orderBook, params, input) as Said[]
const quotes = (input: readonly Sample[], params = {}) =>
  run(input, params).map(({ quote, refused }) => (quote ? [quote.bid, quote.ask] : refused?.reason))
const end = { last: true }
const whole = { snapshot: true }
/** A snapshot of one bid and one ask. */
const snapshot = (at: number, bid: number, ask: number) => [
  level(at, 'bid', bid, 1, whole),
  level(at, 'ask', ask, 1, { ...whole, ...end }),
]

test('says nothing before the first snapshot is complete', () => {
  expect(quotes([level(1, 'bid', 99, 1, end), level(2, 'ask', 101, 1, end)])).toEqual([])
  expect(quotes([level(1, 'bid', 99, 1, end), ...snapshot(2, 98, 102)])).toEqual([[98, 102]])
})

test('says nothing in the middle of a message', () => {
  const half = [level(2, 'bid', 99, 0), level(2, 'bid', 100, 2)]
  expect(quotes([...snapshot(1, 99, 101), ...half])).toEqual([[99, 101]])
  expect(quotes([...snapshot(1, 99, 101), ...half, level(2, 'ask', 102, 1, end)])).toEqual([
    [99, 101],
    [100, 101],
  ])
})

test('after a reconnect nothing of the old book is left', () => {
  const said = quotes([...snapshot(1, 99, 101), gap(2), level(3, 'bid', 100, 1, end), ...snapshot(4, 90, 110)])
  expect(said).toEqual([
    [99, 101],
    [90, 110],
  ])
})

test('a second snapshot replaces the first', () => {
  expect(quotes([...snapshot(1, 99, 101), ...snapshot(2, 95, 97)])).toEqual([
    [99, 101],
    [95, 97],
  ])
})

test('a crossed book is refused and counted, and waits for the next snapshot', () => {
  const [crossed] = [level(2, 'bid', 101, 1, end)]
  const said = quotes([...snapshot(1, 99, 101), crossed, level(3, 'bid', 101, 0, end), ...snapshot(4, 99, 101)])
  expect(said).toEqual([[99, 101], 'crossed', [99, 101]])
  const twice = run([...snapshot(1, 99, 101), crossed, ...snapshot(3, 99, 101), { ...crossed, at: 4e6 }])
  expect(twice.flatMap(({ refused }) => refused ?? [])).toMatchObject([
    { bid: 101, ask: 101, count: 1 },
    { bid: 101, ask: 101, count: 2 },
  ])
})

test('an empty side is no quote, and no refusal', () => {
  expect(quotes([...snapshot(1, 99, 101), level(2, 'bid', 99, 0, end), level(3, 'bid', 98, 1, end)])).toEqual([
    [99, 101],
    [98, 101],
  ])
})

test('levels beyond those remembered are not believed in, until none is left and the book is refused', () => {
  const deep = [99, 98, 97].map((price) => level(1, 'bid', price, 1, whole))
  const start = [...deep, level(1, 'ask', 101, 1, { ...whole, ...end })]
  const falling = [level(2, 'bid', 99, 0, end), level(3, 'bid', 97, 5, end), level(4, 'bid', 98, 0, end)]
  expect(quotes([...start, ...falling], { levels: 1, behind: 1 })).toEqual([
    [99, 101],
    [98, 101],
    [98, 101],
    'exhausted',
  ])
  // 97 stands in the way of believing in 96: with room for it, it is the best
  expect(quotes([...start, ...falling], { levels: 1, behind: 2 }).at(-1)).toEqual([97, 101])
})

test('counts depth within its levels only', () => {
  const bids = [100, 99, 98].map((price, i) => level(1, 'bid', price, i + 1, whole))
  const asks = [level(1, 'ask', 101, 3, whole), level(1, 'ask', 102, 4, { ...whole, ...end })]
  expect(run([...bids, ...asks], { levels: 2 })[0]?.depth).toEqual({
    bid_volume: 3,
    ask_volume: 7,
    imbalance: -0.4,
    micro_price: 100.25,
    bid_reach: 99,
    ask_reach: 102,
    bid_levels: 2,
    ask_levels: 2,
  })
})

// ---- against the plainest book there is ----------------------------------------------------------------

type Change = readonly [side: 'bid' | 'ask', price: number, size: number]
const change: fc.Arbitrary<Change> = fc.oneof(
  fc.tuple(fc.constant('bid' as const), fc.integer({ min: 80, max: 101 }), fc.integer({ min: 0, max: 3 })),
  fc.tuple(fc.constant('ask' as const), fc.integer({ min: 100, max: 120 }), fc.integer({ min: 0, max: 3 })),
)
const message = fc.record({
  snapshot: fc.boolean(),
  changes: fc.array(change, { minLength: 1, maxLength: 12 }),
})
const samplesOf = (messages: readonly { snapshot: boolean; changes: readonly Change[] }[]): readonly Sample[] =>
  messages.flatMap(({ snapshot, changes }, at) =>
    changes.map(([side, price, size], i) =>
      level(at, side, price, size, { snapshot, last: i === changes.length - 1, id: at }),
    ),
  )

/** What the best of two maps from price to size is after each message. */
function plainly(messages: readonly { snapshot: boolean; changes: readonly Change[] }[]) {
  const book = { bid: new Map<number, number>(), ask: new Map<number, number>() }
  let standing = false
  return messages.map(({ snapshot, changes }) => {
    if (snapshot) {
      book.bid.clear()
      book.ask.clear()
      standing = true
    }
    for (const [side, price, size] of changes)
      if (size === 0) book[side].delete(price)
      else book[side].set(price, size)
    if (!standing || book.bid.size === 0 || book.ask.size === 0) return undefined
    const [bid, ask] = [Math.max(...book.bid.keys()), Math.min(...book.ask.keys())]
    if (bid >= ask) {
      standing = false
      return 'crossed'
    }
    return { bid, ask, bid_size: book.bid.get(bid), ask_size: book.ask.get(ask) }
  })
}

test('random snapshots and changes give the book that two maps give', () => {
  fc.assert(
    fc.property(fc.array(message, { maxLength: 40 }), (messages) => {
      const expected = plainly(messages).filter((said) => said !== undefined)
      expect(run(samplesOf(messages)).map(({ quote, refused }) => quote ?? refused?.reason)).toEqual(expected)
    }),
  )
})

test('with little room every quote is still the right one, or none', () => {
  fc.assert(
    fc.property(fc.array(message, { maxLength: 40 }), fc.integer({ min: 0, max: 4 }), (messages, behind) => {
      const expected = plainly(messages)
      let standing = false
      const said = run(samplesOf(messages), { levels: 1, behind })
      // what was refused as exhausted is silent until a snapshot: quotes are compared by the id of their message
      const input = samplesOf(messages)
      let next = 0
      const found = messages.map((_, at) => {
        const upTo = run(
          input.filter((s) => s.at <= at * 1e6),
          { levels: 1, behind },
        ).length
        const fresh = said.slice(next, upTo)
        next = upTo
        return fresh[0]
      })
      for (const [at, answer] of found.entries()) {
        if (messages[at]?.snapshot) standing = true
        if (answer?.quote) expect([at, answer.quote]).toEqual([at, expected[at]])
        if (answer?.refused) standing = false
        if (standing && answer === undefined) expect(expected[at]).toBeUndefined()
      }
    }),
    { numRuns: 50 },
  )
})
