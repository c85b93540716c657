import { assert, constantFrom, dictionary, json, jsonValue, oneof, property, string, uint8Array } from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Word } from '../feed/venue.ts'
import { barsReader } from './bars.ts'
import { bookReader } from './book.ts'
import {
  barFrame,
  barOf,
  barStart,
  bookFrame,
  frameTime,
  pongFrames,
  push,
  refusedFrames,
  rubbishFrames,
  subscribedFrame,
  tradeFrame,
  tradeOf,
} from './frames.ts'
import { readQuotes } from './quotes.ts'
import { readTrades } from './trades.ts'

const readBook = bookReader(50)
const readBars = barsReader({ market: 'linear', interval: '1m' })
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
    ...pongFrames.map((frame) => [frame, { type: 'alive' }] as const),
    [subscribedFrame, { type: 'subscribed', symbol: 'BTCUSDT' }],
    ['{"success":true,"ret_msg":"","conn_id":"c","req_id":"","op":"subscribe"}', { type: 'subscribed' }],
    ['{"success":true,"ret_msg":"","req_id":"orderbook.50.BTCUSDT","op":"unsubscribe"}', { type: 'alive' }],
    [push('tickers.BTCUSDT', {}), { type: 'other', what: 'tickers.BTCUSDT' }],
    [push('orderbook.500.BTCUSDT', {}), { type: 'other', what: 'orderbook.500.BTCUSDT' }],
  ] as const)('knows %s', (frame, word) => {
    expect(read(Buffer.from(frame))).toEqual(word)
  })
  test.each(refusedFrames)('names the symbol of the refusal %s', (frame) => {
    expect(read(Buffer.from(frame))).toMatchObject({ type: 'refused', symbol: 'BTCUSTD' })
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
    const field = constantFrom('s', 'p', 'v', 'S', 'T', 'i', 'b', 'a', 'u', 'seq', 'start', 'confirm', 'success', 'op')
    const data = dictionary(field, oneof(jsonValue(), constantFrom('1', 'Buy', '1.5', true), string()))
    const channel = constantFrom('publicTrade.X', 'orderbook.1.X', 'orderbook.50.X', 'kline.1.X')
    assert(
      property(channel, data, data, (topic, inner, outer) => {
        never(Buffer.from(push(topic, inner, outer)))
        never(Buffer.from(push(topic, [inner], outer)))
        never(Buffer.from(JSON.stringify(outer)))
      }),
      { numRuns: 500 },
    )
  })
})

const at = frameTime * 1000
test('reads a trade: exact price and size, side of the taker, time in µs', () => {
  const value = { price: 16_578.5, size: 0.001, side: 1, id: 0 }
  expect(trades(tradeFrame(0))).toEqual({ type: 'rows', rows: [{ symbol: 'BTCUSDT', at, id: 0, value }] })
  expect(trades(tradeFrame(0, { S: 'Sell' }))).toMatchObject({ rows: [{ value: { side: -1 } }] })
})
test('reads several trades of one message, in its order', () => {
  const word = trades(push('publicTrade.BTCUSDT', [tradeOf(0), tradeOf(0, { p: '2' }), tradeOf(1)]))
  expect(word).toMatchObject({ rows: [{ value: { price: 16_578.5 } }, { value: { price: 2 } }, { at: at + 1000 }] })
})
test('a number of spot that a double does not hold is none', () => {
  expect(trades(tradeFrame(0, { i: '2290000000090712222' }))).toMatchObject({ rows: [{ id: 0, value: { id: 0 } }] })
  expect(trades(tradeFrame(0, { i: '90712222' }))).toMatchObject({ rows: [{ value: { id: 90_712_222 } }] })
})
test('a block trade is no row; the others of its message are', () => {
  expect(trades(tradeFrame(0, { BT: true }))).toEqual({ type: 'rows', rows: [] })
  const word = trades(push('publicTrade.BTCUSDT', [tradeOf(0, { BT: true, p: '1' }), tradeOf(1)]))
  expect(word).toMatchObject({ rows: [{ value: { price: 16_578.5 } }] })
})
test.each([
  [{ p: '0' }],
  [{ p: '-1' }],
  [{ p: '1e3' }],
  [{ p: 1.5 }],
  [{ v: '0' }],
  [{ v: '' }],
  [{ S: 'buy' }],
  [{ s: 5 }],
  [{ T: null }],
  [{ T: 1.5 }],
  [{ T: 1e15 }],
])('refuses a trade with %j', (fields) => {
  expect(trades(tradeFrame(0, fields))).toEqual({ type: 'invalid', reason: 'trade_fields', symbol: 'BTCUSDT' })
})

test('reads a quote, numbered by the cross sequence; with one side empty there is none', () => {
  const value = { bid: 16_493.5, ask: 16_611, bid_size: 0.006, ask_size: 0.029 }
  const row = { symbol: 'BTCUSDT', at, id: 7_961_638_724, value }
  expect(quotes(bookFrame(0, 5, { depth: 1 }))).toEqual({ type: 'row', row })
  expect(quotes(bookFrame(0, 5, { depth: 1, a: [] }))).toEqual({ type: 'rows', rows: [] })
})
test('the change of a quote, which Bybit does not send any more, is no quote', () => {
  const change = bookFrame(0, 5, { depth: 1, type: 'delta', b: [['1', '1']] })
  expect(quotes(change)).toEqual({ type: 'invalid', reason: 'quote_change' })
})

test('reads a whole book and what changed', () => {
  const message = { symbol: 'BTCUSDT', at, id: 5, asks: [[16_611, 0.029]], bids: [[16_493.5, 0.006]] }
  expect(book(bookFrame(0, 5))).toEqual({ type: 'book', message: { ...message, snapshot: true } })
  const change = { symbol: 'BTCUSDT', at, id: 6, asks: [[16_611, 0]], bids: [], snapshot: false, follows: [5, 5] }
  const frame = bookFrame(0, 6, { type: 'delta', a: [['16611.00', '0']] })
  expect(book(frame)).toEqual({ type: 'book', message: change })
})
test('number 1 is a whole book, whatever its type says', () => {
  const word = book(bookFrame(0, 1, { type: 'delta', b: [['1', '1']] }))
  expect(word).toMatchObject({ message: { snapshot: true, id: 1 } })
  expect(word).not.toHaveProperty('message.follows')
})
test('takes the time of the message where the matching engine tells none', () => {
  const data = { s: 'BTCUSDT', b: [], a: [], u: 7 }
  expect(book(push('orderbook.50.BTCUSDT', data))).toMatchObject({ message: { at: (frameTime + 3) * 1000 } })
})
test.each([
  [{ s: 'BTCUSDT', b: [], a: [] }],
  [{ s: 'BTCUSDT', b: [['x', '1']], a: [], u: 1 }],
  [{ s: 'BTCUSDT', b: [['0', '1']], a: [], u: 1 }],
  [{ s: 'BTCUSDT', b: null, a: [], u: 1 }],
  [[]],
])('refuses the book %j', (data) => {
  expect(book(push('orderbook.50.BTCUSDT', data))).toEqual({ type: 'invalid', reason: 'book_fields' })
})

test('reads a closed bar, stamped with its end and numbered by its start', () => {
  const prices = { open: 16_649.5, high: 16_677, low: 16_608, close: 16_677 }
  const value = { ...prices, volume: 2.081, turnover: 34_666.4005, count: 0, complete: true }
  const row = { symbol: 'BTCUSDT', at: (barStart + 60_000) * 1000, id: barStart / 60_000, value }
  expect(bars(barFrame(0))).toEqual({ type: 'rows', rows: [row] })
})
test('the volume of an inverse contract, which is counted in dollars, is told in coins', () => {
  const inverse = barsReader({ market: 'inverse', interval: '1h' })
  const given = { ...barOf(0, true, 60), volume: '268611', turnover: '15.74462667' }
  const word = inverse(Buffer.from(push('kline.60.BTCUSD', [given])))
  expect(word).toMatchObject({ rows: [{ value: { volume: 15.744_626_67, turnover: 268_611 } }] })
})
test('an open bar is data, and no row', () => {
  expect(bars(barFrame(0, false))).toEqual({ type: 'rows', rows: [] })
  expect(bars(push('kline.1.BTCUSDT', [barOf(0), barOf(1, false)]))).toMatchObject({ rows: [{}] })
})
test('a bar of another length is for somebody else', () => {
  expect(bars(push('kline.5.BTCUSDT', [barOf(0)]))).toEqual({ type: 'other', what: 'kline.5.BTCUSDT' })
})
test.each([[{}], ['x'], [{ ...barOf(0), confirm: 'true' }], [{ ...barOf(0), open: '' }], [{ ...barOf(0), start: -1 }]])(
  'refuses the bar %j',
  (bar) => {
    expect(bars(push('kline.1.BTCUSDT', [bar]))).toEqual({ type: 'invalid', reason: 'bar_fields' })
  },
)
