import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { assert, constantFrom, integer, property, string } from 'fast-check'
import { expect, test } from 'vitest'
import { saidIn } from '../../testing/recorded.ts'
import type { Channel, Word } from '../feed/venue.ts'
import { candleReader } from './bars.ts'
import { readBookFrame } from './book.ts'
import {
  acknowledged,
  bookFrame,
  candleOf,
  controlFrames,
  frameTime,
  guide,
  ohlcFrame,
  refusedFrame,
  rubbishFrames,
  tickerFrame,
  tradeFrame,
  tradeOf,
} from './frames.ts'
import { readTickerFrame } from './quotes.ts'
import { readTradeFrame } from './trades.ts'

const said = <T>(read: Channel<T>['read'], frame: string): Word<T> => read(Buffer.from(frame), false)
const readers = [readTradeFrame, readTickerFrame, readBookFrame, candleReader(1)] as const

test('reads the trades of a message, oldest first, with the side of the taker', () => {
  expect(said(readTradeFrame, tradeFrame(tradeOf(0), tradeOf(1, 'ETH/USD')))).toEqual({
    type: 'rows',
    rows: [
      {
        ...{ symbol: 'BTC/USD', at: frameTime, id: 4_665_906 },
        value: { price: 45_283.5, size: 0.0001246, side: 1, id: 4_665_906 },
      },
      {
        ...{ symbol: 'ETH/USD', at: frameTime + 1000, id: 4_665_907 },
        value: { price: 45_283.5, size: 0.0001246, side: -1, id: 4_665_907 },
      },
    ],
  })
})

test('reads a quote with its time, and one without', () => {
  const value = { bid: 100.5, ask: 101, bid_size: 0.5, ask_size: 1.25 }
  const timed = tickerFrame(100.5, 101, { timestamp: '2026-01-02T03:04:05.000007Z' })
  expect(said(readTickerFrame, timed)).toEqual({
    type: 'rows',
    rows: [{ symbol: 'BTC/USD', at: frameTime + 7, id: 0, value }],
  })
  expect(said(readTickerFrame, tickerFrame(100.5, 101))).toMatchObject({ rows: [{ at: 0, value }] })
  expect(said(readTickerFrame, tickerFrame(0, 101))).toEqual({ type: 'invalid', reason: 'ticker_values' })
  expect(said(readTickerFrame, tickerFrame(1, 2, { timestamp: 5 }))).toEqual({
    type: 'invalid',
    reason: 'ticker_fields',
  })
})

test('reads a book with the digits of its numbers as they were sent', () => {
  const word = said(readBookFrame, bookFrame('snapshot', guide, guide.checksum, frameTime))
  expect(word).toMatchObject({
    type: 'book',
    message: { symbol: 'BTC/USD', at: frameTime, snapshot: true, id: 0, checksum: guide.checksum },
  })
  if (word.type !== 'book') throw new Error('no book')
  expect(word.message.bids[3]).toEqual([45_281, 0.1, '45281.0', '0.10000000'])
  expect(word.message.bids).toHaveLength(10)
  expect(word.message.asks[0]).toEqual([45_285.2, 0.001, '45285.2', '0.00100000'])
})

test.each([
  ['book_fields', '"checksum":1', '"checksum":"1"'],
  ['book_fields', '"symbol":"BTC/USD"', '"symbol":7'],
  ['book_values', '"price":1.0', '"price":-1.0'],
  ['book_values', '"price":1.0', '"price":0.0'],
  ['book_values', '"price":1.0', '"price":1e5'],
  ['book_values', '"price":1.0', '"cost":1.0'],
  ['book_values', '"asks":[]', '"asks":[null]'],
  ['book_values', '"asks":[]', '"offers":[]'],
] as const)('a book with %s is none: %s for %s', (reason, right, wrong) => {
  const frame = bookFrame('update', { bids: [['1.0', '2.0']], asks: [] }, 1)
  expect(said(readBookFrame, frame).type).toBe('book')
  expect(frame).toContain(right)
  expect(said(readBookFrame, frame.replace(right, wrong))).toEqual({ type: 'invalid', reason })
})

test('several books in one message are refused, for the contract has a word for one', () => {
  const one = bookFrame('update', { bids: [], asks: [] }, 1)
  const [, entry = ''] = /"data":\[(.*)\]/.exec(one) ?? []
  expect(said(readBookFrame, one.replace(entry, `${entry},${entry}`))).toEqual({
    type: 'invalid',
    reason: 'several_books',
  })
})

test.each(rubbishFrames)('tells %s from frame %#', (reason, frame) => {
  const bytes = Buffer.from(frame)
  expect(readTradeFrame(bytes, Buffer.isBuffer(frame))).toEqual({ type: 'invalid', reason })
})

test('hears signs of life, acceptance and refusal on every channel', () => {
  for (const read of readers)
    for (const frame of Object.values(controlFrames)) expect(said(read as never, frame)).toEqual({ type: 'alive' })
  expect(said(readTradeFrame, acknowledged('trade'))).toEqual({ type: 'subscribed', symbol: 'BTC/USD' })
  expect(said(readBookFrame, acknowledged('trade'))).toEqual({ type: 'other', what: 'subscribe' })
  expect(said(readBookFrame, refusedFrame)).toEqual({
    type: 'refused',
    message: 'Currency pair not supported BTC/USX',
    symbol: 'BTC/USX',
  })
  const depth = '{"error":"Subscription depth not supported","method":"subscribe","success":false}'
  expect(said(readBookFrame, depth)).toEqual({ type: 'refused', message: 'Subscription depth not supported' })
  expect(said(readTradeFrame, tickerFrame(1, 2))).toEqual({ type: 'other', what: 'ticker' })
})

test('no reader throws, whatever is cut from a frame, put into it or put in its place', () => {
  const frames = [
    tradeFrame(tradeOf(0)),
    tickerFrame(1, 2),
    bookFrame('update', guide, 1),
    ohlcFrame('update', candleOf(0, 1)),
    refusedFrame,
  ]
  assert(
    property(
      constantFrom(...frames),
      integer({ min: 0, max: 900 }),
      integer({ min: 0, max: 40 }),
      string(),
      (frame, at, cut, put) => {
        for (const read of readers)
          for (const text of [frame.slice(0, at) + put + frame.slice(at + cut), put])
            expect(read(Buffer.from(text), false).type).toBeTypeOf('string')
      },
    ),
  )
})

// ---- recorded and documented frames -----------------------------------------------------------------

const folder = join(process.env['TIDEGATE_DATA'] ?? './data', 'ws-frames')
const there = existsSync(folder)
const text = (path: string) => readFileSync(join(folder, path), 'utf8')
const types = (frame: string) => readers.map((read) => said(read as never, frame).type)
/** A conversation: what the venue answers, and what it pushes. */
const conversation = (path: string): readonly string[] =>
  text(path)
    .split(/^(?=[<>=])/m)
    .filter((part) => /^[<=]/.test(part))
    .map((part) => part.replace(/^[<=]\d?\s*/, '').replace(/\|\w+\|/g, '1'))

test.skipIf(!there)('nautilus/kraken: the trades of ws_trade_update.json are the numbers of its text', () => {
  expect(said(readTradeFrame, text('nautilus/kraken/ws_trade_update.json'))).toEqual({
    type: 'rows',
    rows: [
      {
        ...{ symbol: 'BTC/USD', at: Date.UTC(2023, 9, 6, 17, 35, 55) * 1000 + 440_295, id: 10_218_208 },
        value: { price: 105_944.2, size: 0.00027625, side: 1, id: 10_218_208 },
      },
      {
        ...{ symbol: 'BTC/USD', at: Date.UTC(2023, 9, 6, 17, 35, 56) * 1000 + 123_456, id: 10_218_209 },
        value: { price: 105_910.5, size: 0.0001246, side: -1, id: 10_218_209 },
      },
    ],
  })
})

test.skipIf(!there)('nautilus/kraken: the levels of ws_book_snapshot.json have the texts of the file', () => {
  const word = said(readBookFrame, text('nautilus/kraken/ws_book_snapshot.json'))
  if (word.type !== 'book') throw new Error('no book')
  expect(word.message).toMatchObject({ symbol: 'BTC/USD', snapshot: true, checksum: 2_439_117_997 })
  expect(word.message.bids.map(([, , ...texts]) => texts)).toEqual([
    ['105944.20', '0.136'],
    ['105935.40', '0.024'],
    ['105920.10', '0.052'],
  ])
  expect(word.message.asks.map(([price]) => price)).toEqual([105_944.3, 105_946.9, 105_955.8])
})

test.skipIf(!there)('nautilus/kraken: no other frame is data of ours; only those of Kraken Futures are rubbish', () => {
  const ours = new Set(['ws_trade_update.json', 'ws_book_snapshot.json'])
  const names = readdirSync(join(folder, 'nautilus/kraken')).filter((name) => name.startsWith('ws_') && !ours.has(name))
  const expected = (name: string) => {
    if (name === 'ws_subscribe_response.json') return ['other', 'subscribed', 'other', 'other']
    const type = name === 'ws_pong.json' ? 'alive' : name.startsWith('ws_futures_') ? 'invalid' : 'other'
    return Array(4).fill(type)
  }
  expect(names).toHaveLength(23)
  for (const name of names) expect([name, types(text(`nautilus/kraken/${name}`))]).toEqual([name, expected(name)])
})

test.skipIf(!there)('jkorf/kraken: documented conversations of spot channels', () => {
  const spot = (name: string) => conversation(`jkorf/kraken/Subscriptions/Spot/${name}.txt`)
  const [ack = '', trade = ''] = spot('Trades')
  expect(said(readTradeFrame, ack)).toEqual({ type: 'subscribed', symbol: 'ETH/USDT' })
  expect(said(readTradeFrame, trade)).toMatchObject({
    rows: [{ symbol: 'ETH/USDT', id: 4_665_906, value: { price: 0.5117, size: 40, side: -1, id: 4_665_906 } }],
  })
  expect(said(readTickerFrame, spot('Ticker')[1] ?? '')).toEqual({
    type: 'rows',
    rows: [{ symbol: 'ETH/USDT', at: 0, id: 0, value: { bid: 0.10025, ask: 0.10035, bid_size: 740, ask_size: 740 } }],
  })
  const book = said(readBookFrame, spot('AggBook')[1] ?? '')
  expect(book).toMatchObject({ type: 'book', message: { symbol: 'ETH/USDT', at: 0, checksum: 2_439_117_997 } })
  expect(said(readBookFrame, spot('IndividualBook')[1] ?? '')).toEqual({ type: 'other', what: 'level3' })
  const fiveMinutes = candleReader(5)
  expect(said(fiveMinutes, spot('Kline')[1] ?? '')).toEqual({ type: 'rows', rows: [] })
  expect(said(candleReader(1), spot('Kline')[1] ?? '')).toEqual({ type: 'invalid', reason: 'other_interval' })
  // their script leaves out all prices
  expect(spot('Concurrent').map((frame) => said(candleReader(60), frame).type)).toEqual([
    'subscribed',
    'subscribed',
    'invalid',
    'invalid',
  ])
})

test.skipIf(!there)('cryptofeed/KRAKEN: of 4430 frames of v1 none is a message of v2', () => {
  const counts = [48, 49, 50].map((n) => {
    const frames = saidIn(join(folder, `cryptofeed/KRAKEN/KRAKEN.ws.${n}.0.jsonl.gz`))
    expect(new Set(frames.flatMap(types))).toEqual(new Set(['invalid']))
    return frames.length
  })
  expect(counts).toEqual([49, 60, 4321])
})

test.skipIf(!there)('gocryptotrader/kraken: frames of v1, another interface, are no messages of v2', () => {
  for (const name of ['wsAllTrades', 'wsHandleData', 'wsOpenTrades'])
    for (const frame of text(`gocryptotrader/kraken/${name}.json`).trim().split('\n'))
      expect(types(frame)).toEqual(['invalid', 'invalid', 'invalid', 'invalid'])
})

test.skipIf(!there)('cross-venue: the Kraken frame is the trade an independent party makes of it', () => {
  const all = JSON.parse(text('cross-venue/ws_trade_frames.json')) as Record<
    string,
    { frames: string[]; expect: { price: number; size: number; side: number; trade_id: string } }
  >
  const { frames, expect: expected } = all['kraken'] as NonNullable<(typeof all)[string]>
  expect(frames).toHaveLength(1)
  expect(said(readTradeFrame, frames[0] ?? '')).toMatchObject({
    rows: [
      {
        symbol: 'BTC/USD',
        id: Number(expected.trade_id),
        value: { price: expected.price, size: expected.size, side: expected.side },
      },
    ],
  })
})
