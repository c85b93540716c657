import { assert, constantFrom, dictionary, json, jsonValue, oneof, property, string, uint8Array } from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Word } from '../feed/venue.ts'
import { barsReader } from './bars.ts'
import { readBook } from './book.ts'
import {
  barFrame,
  barOf,
  barStart,
  bookChangeFrame,
  frameTime,
  level,
  push,
  quoteFrame,
  refusedFrame,
  rubbishFrames,
  subscribedFrame,
  tradeFrame,
  tradeOf,
  upgradeFrame,
  wholeBookFrame,
} from './frames.ts'
import { readQuotes } from './quotes.ts'
import { readTrades } from './trades.ts'

const readBars = barsReader('1m')
const readers = { readTrades, readQuotes, readBook, readBars }
const textOf =
  <T>(read: (bytes: Buffer) => Word<T>) =>
  (text: string) =>
    read(Buffer.from(text))
const [trades, quotes, book, bars] = [textOf(readTrades), textOf(readQuotes), textOf(readBook), textOf(readBars)]

describe.each(Object.entries(readers))('%s', (_name, read) => {
  test.each(rubbishFrames.map((frame) => [String(frame).slice(0, 40), frame] as const))(
    'finds %j invalid',
    (_, frame) => {
      expect(read(Buffer.from(frame), typeof frame !== 'string')).toMatchObject({ type: 'invalid' })
    },
  )
  test.each([
    ['pong', { type: 'alive' }],
    [subscribedFrame, { type: 'subscribed', symbol: 'BTC-USDT' }],
    ['{"event":"unsubscribe","arg":{"channel":"books","instId":"BTC-USDT"},"connId":"a"}', { type: 'alive' }],
    ['{"event":"channel-conn-count","channel":"trades","connCount":"1","connId":"a"}', { type: 'alive' }],
    ['{"event":"notice","code":"1","msg":"hello"}', { type: 'alive' }],
    ['{"arg":{"channel":"mark-price","instId":"BTC-USDT"},"data":[]}', { type: 'other', what: 'mark-price' }],
    ['{"arg":{"channel":"status"},"data":[]}', { type: 'other', what: 'status' }],
  ] as const)('knows %s', (frame, word) => {
    expect(read(Buffer.from(frame))).toEqual(word)
  })
  test('names the symbol of a refusal, which stands in its words', () => {
    expect(read(Buffer.from(refusedFrame))).toMatchObject({ type: 'refused', code: '60018', symbol: 'BTC-USTD' })
    const malformed = '{"id":"1","event":"error","code":"60012","msg":"Invalid request: {\\"op\\": \\"subscribe\\"}"}'
    expect(read(Buffer.from(malformed))).toEqual({
      ...{ type: 'refused', code: '60012', message: 'Invalid request: {"op": "subscribe"}' },
    })
  })
  test('leaves when the venue is about to shut the connection', () => {
    expect(read(Buffer.from(upgradeFrame))).toMatchObject({ type: 'leave' })
  })
  test('never throws, whatever comes', () => {
    const never = (bytes: Uint8Array): void => {
      expect(read(Buffer.from(bytes)).type).toBeTypeOf('string')
    }
    assert(property(uint8Array({ maxLength: 300 }), never), { numRuns: 300 })
    assert(
      property(json(), (text) => never(Buffer.from(text))),
      { numRuns: 300 },
    )
    const field = constantFrom('tradeId', 'px', 'sz', 'ts', 'side', 'count', 'bids', 'asks', 'seqId', 'prevSeqId')
    const data = dictionary(field, oneof(jsonValue(), constantFrom('1', 'buy', '1.5'), string()))
    const channel = constantFrom('trades-all', 'bbo-tbt', 'books', 'candle1m')
    assert(
      property(channel, data, jsonValue(), (name, fields, action) => {
        never(Buffer.from(push(name, 'BTC-USDT', [fields], { action })))
        never(Buffer.from(push(name, 'BTC-USDT', [Object.values(fields)], { action: 'update' })))
      }),
      { numRuns: 500 },
    )
  })
})

const at = frameTime * 1000
test('reads a trade: number, exact price and size, side of the taker, time in µs', () => {
  const value = { price: 42_219.9, size: 0.120_603_06, side: 1, id: 130_639_474 }
  const row = { symbol: 'BTC-USDT', at, id: 130_639_474, value }
  expect(trades(tradeFrame(0))).toEqual({ type: 'rows', rows: [row] })
  expect(trades(tradeFrame(0, { side: 'sell' }))).toMatchObject({ rows: [{ value: { side: -1 } }] })
})
test('a trade of several folded matches says which number it begins with', () => {
  const folded = tradeFrame(0, { count: '3', seqId: 1234 }, 'BTC-USDT', 'trades')
  expect(trades(folded)).toMatchObject({ rows: [{ first: 130_639_472, id: 130_639_474 }] })
  expect(trades(tradeFrame(0, { count: '1' }))).not.toHaveProperty('rows.0.first')
})
test('reads several trades of one message, in its order', () => {
  const word = trades(push('trades-all', 'BTC-USDT', [tradeOf(0), tradeOf(1)]))
  expect(word).toMatchObject({ rows: [{ id: 130_639_474 }, { id: 130_639_475 }] })
})
test.each([
  [{ px: '0' }],
  [{ px: '-1' }],
  [{ px: '1e3' }],
  [{ px: 1.5 }],
  [{ sz: '0' }],
  [{ sz: '' }],
  [{ side: 'none' }],
  [{ tradeId: 'abc' }],
  [{ tradeId: '9007199254740993' }],
  [{ ts: null }],
  [{ ts: '99999999999999' }],
  [{ count: 'x' }],
])('refuses a trade with %j', (fields) => {
  expect(trades(tradeFrame(0, fields))).toEqual({ type: 'invalid', reason: 'trade_fields' })
})

test('reads a quote; with one side empty there is none, and it is data all the same', () => {
  const value = { bid: 111.05, ask: 111.06, bid_size: 57_745, ask_size: 55_154 }
  expect(quotes(quoteFrame(0))).toEqual({ type: 'row', row: { symbol: 'BTC-USDT', at, id: 363_996_337, value } })
  expect(quotes(quoteFrame(0, { asks: [] }))).toEqual({ type: 'rows', rows: [] })
})
test.each([[{ asks: 'x' }], [{ bids: [['1']] }], [{ bids: [['0', '1']] }], [{ ts: '' }]])(
  'refuses a quote with %j',
  (fields) => {
    expect(quotes(quoteFrame(0, fields))).toEqual({ type: 'invalid', reason: 'quote_fields' })
  },
)

test('reads a whole book and what changed, with the texts a checksum is taken of', () => {
  const bids = [
    [8476.97, 256, '8476.97', '256'],
    [8475.55, 101, '8475.55', '101'],
  ]
  const whole = { symbol: 'BTC-USDT', at, snapshot: true, id: 10, bids }
  expect(book(wholeBookFrame(0, 10, { checksum: -5 }))).toMatchObject({
    ...{ type: 'book', message: { ...whole, checksum: -5 } },
  })
  const change = bookChangeFrame(0, [10, 15], { bids: [level('8475.55', '0')] })
  expect(book(change)).toEqual({
    type: 'book',
    message: {
      ...{ symbol: 'BTC-USDT', at, snapshot: false, id: 15, follows: [10, 14], asks: [] },
      bids: [[8475.55, 0, '8475.55', '0']],
    },
  })
})
test.each([
  ['follows the message before', [10, 15], [10, 14]],
  ['of nothing has the number of the one before', [15, 15], [15, 15]],
  ['begins the numbers anew', [15, 3], [15, 15]],
] as const)('a change that %s', (_what, numbers, follows) => {
  expect(book(bookChangeFrame(0, numbers))).toMatchObject({ message: { id: numbers[1], follows } })
})
test('a checksum of 0 says nothing: OKX has told no other since 2026-06-23', () => {
  expect(book(wholeBookFrame(0, 10, { checksum: 0 }))).not.toHaveProperty('message.checksum')
})
test.each([[{ asks: [['x', '1']] }], [{ bids: null }], [{ ts: 5.5 }]])('refuses a book with %j', (fields) => {
  expect(book(wholeBookFrame(0, 1, fields))).toEqual({ type: 'invalid', reason: 'book_fields' })
})

test('reads a closed bar, stamped with its end and numbered by its start', () => {
  const prices = { open: 8533.02, high: 8553.74, low: 8527.17, close: 8548.26 }
  const value = { ...prices, volume: 45.25, turnover: 386_520.9, count: 0, complete: true }
  const row = { symbol: 'BTC-USDT', at: (barStart + 60_000) * 1000, id: barStart / 60_000, value }
  expect(bars(barFrame(0))).toEqual({ type: 'rows', rows: [row] })
})
test('the volume of a contract is told in base units', () => {
  expect(bars(barFrame(0, '1', 'BTC-USDT-SWAP'))).toMatchObject({ rows: [{ value: { volume: 386_521.1 } }] })
})
test('an open bar is data, and no row', () => {
  expect(bars(barFrame(0, '0'))).toEqual({ type: 'rows', rows: [] })
  expect(bars(push('candle1m', 'BTC-USDT', [barOf(0), barOf(1, '0')]))).toMatchObject({ rows: [{}] })
})
test('a bar of another length is for somebody else', () => {
  expect(bars(push('candle1Dutc', 'BTC-USDT', [barOf(0)]))).toEqual({ type: 'other', what: 'candle1Dutc' })
})
test.each([[[]], [['x']], [[...barOf(0).slice(0, 8), '2']], [[...barOf(0).slice(0, 7), '', '1']], [{}]])(
  'refuses the bar %j',
  (bar) => {
    expect(bars(push('candle1m', 'BTC-USDT', [bar]))).toEqual({ type: 'invalid', reason: 'bar_fields' })
  },
)
