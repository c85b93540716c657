import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { assert, constantFrom, integer, property, string } from 'fast-check'
import { expect, test } from 'vitest'
import { parseTime } from '../../schemas/units.ts'
import { linesOf, saidIn } from '../../testing/recorded.ts'
import type { Channel, Word } from '../feed/venue.ts'
import { readBookFrame } from './book.ts'
import {
  changeFrame,
  frameTime,
  heartbeat,
  lastMatch,
  matchFrame,
  refusedChannel,
  refusedProduct,
  rubbishFrames,
  snapshotFrame,
  subscriptions,
  tickerFrame,
} from './frames.ts'
import { readTickerFrame } from './quotes.ts'
import { readMatchFrame } from './trades.ts'

const said = <T>(read: Channel<T>['read'], frame: string): Word<T> => read(Buffer.from(frame), false)
const readers = [readMatchFrame, readTickerFrame, readBookFrame] as const
const none = '0001-01-01T00:00:00.000000Z'

test('reads a match with the side of the taker, the other one than the maker it names', () => {
  const row = { symbol: 'BTC-USD', at: frameTime, id: 1_000_010 }
  const value = { price: 400.23, size: 5.23512, side: 1, id: 1_000_010 }
  expect(said(readMatchFrame, matchFrame(0))).toEqual({ type: 'row', row: { ...row, value } })
  expect(said(readMatchFrame, matchFrame(1))).toMatchObject({ row: { id: 1_000_011, value: { side: -1 } } })
  expect(said(readMatchFrame, lastMatch(0))).toEqual({ type: 'other', what: 'last_match' })
})

test('reads a ticker as a quote by its sequence; sizes that are not told are 0', () => {
  const row = { symbol: 'ETH-USD', at: frameTime, id: 37_475_248_783 }
  const value = { bid: 1285.04, ask: 1285.27, bid_size: 0.46688654, ask_size: 1.5663704 }
  expect(said(readTickerFrame, tickerFrame(0))).toEqual({ type: 'row', row: { ...row, value } })
  const before = tickerFrame(0, { best_bid_size: undefined, best_ask_size: undefined })
  expect(said(readTickerFrame, before)).toMatchObject({ row: { value: { bid: 1285.04, bid_size: 0, ask_size: 0 } } })
})

test.each([
  ['ticker_fields', { sequence: '1' }],
  ['ticker_fields', { product_id: undefined }],
  ['ticker_fields', { time: 7 }],
  ['ticker_values', { best_bid: undefined }],
  ['ticker_values', { best_bid: '0' }],
  ['ticker_values', { best_ask_size: '-1' }],
])('a ticker is %s with %j', (reason, wrong) => {
  expect(said(readTickerFrame, tickerFrame(0, wrong))).toEqual({ type: 'invalid', reason })
})

test('reads a whole book, which tells no time, and its changes', () => {
  const book = snapshotFrame([['10101.10', '0.45054140']], [['10102.55', '0.57753524']])
  expect(said(readBookFrame, book)).toEqual({
    type: 'book',
    message: {
      symbol: 'BTC-USD',
      at: 0,
      snapshot: true,
      id: 0,
      bids: [[10_101.1, 0.4505414]],
      asks: [[10_102.55, 0.57753524]],
    },
  })
  const changes = [
    ['buy', '10101.80', '0.162567'],
    ['sell', '10102.55', '0.00000000'],
  ] as const
  expect(said(readBookFrame, changeFrame(changes, frameTime + 7))).toEqual({
    type: 'book',
    message: {
      symbol: 'BTC-USD',
      at: frameTime + 7,
      snapshot: false,
      id: 0,
      bids: [[10_101.8, 0.162567]],
      asks: [[10_102.55, 0]],
    },
  })
  expect(said(readBookFrame, changeFrame(changes, undefined))).toMatchObject({ message: { at: 0 } })
})

test.each([
  ['l2update_values', '{"type":"l2update","product_id":"A-B","time":"2026-01-02","changes":[["both","1","2"]]}'],
  ['l2update_values', '{"type":"l2update","product_id":"A-B","time":"2026-01-02","changes":[["buy","1"]]}'],
  ['l2update_values', '{"type":"l2update","product_id":"A-B","time":"2026-01-02","changes":[["buy","0","1"]]}'],
  ['l2update_values', '{"type":"l2update","product_id":"A-B","time":"2026-01-02","changes":[null]}'],
  ['l2update_fields', '{"type":"l2update","product_id":"A-B","changes":[]}'],
  ['l2update_fields', '{"type":"l2update","product_id":"A-B","time":"2026-01-02","changes":{}}'],
  ['snapshot_fields', '{"type":"snapshot","product_id":"A-B","bids":[]}'],
  ['snapshot_fields', '{"type":"snapshot","bids":[],"asks":[]}'],
])('tells %s from %s', (reason, frame) => {
  const book = reason.startsWith('l2update') && { symbol: 'A-B' }
  expect(said(readBookFrame, frame)).toEqual({ type: 'invalid', reason, ...book })
})

test.each(rubbishFrames)('tells %s from frame %#', (reason, frame) => {
  expect(readMatchFrame(Buffer.from(frame), Buffer.isBuffer(frame))).toEqual({ type: 'invalid', reason })
})

test('hears acceptance, refusal and signs of life on every channel, and passes over what may be added', () => {
  for (const read of readers as readonly Channel<unknown>['read'][]) {
    expect(said(read, subscriptions('matches'))).toEqual({ type: 'subscribed' })
    expect(said(read, heartbeat)).toEqual({ type: 'alive' })
    const message = 'Failed to subscribe: BTC-USX is not a valid product'
    expect(said(read, refusedProduct)).toEqual({ type: 'refused', message, symbol: 'BTC-USX' })
    expect(said(read, refusedChannel)).toEqual({
      type: 'refused',
      message: 'Failed to subscribe: level2, level3, and full channels now require authentication.',
    })
    for (const type of ['received', 'auction', 'toString', '__proto__'])
      expect(said(read, `{"type":"${type}"}`)).toEqual({ type: 'other', what: type })
  }
})

test('no reader throws, whatever is cut from a frame, put into it or put in its place', () => {
  const frames = [
    matchFrame(0),
    tickerFrame(0),
    snapshotFrame([['1', '2']], []),
    changeFrame([['buy', '1', '2']], 5),
    refusedProduct,
  ]
  assert(
    property(
      constantFrom(...frames),
      integer({ min: 0, max: 500 }),
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
type Fields = Readonly<Record<string, string>> & { readonly trade_id: number; readonly sequence: number }

const path = 'cryptofeed/COINBASE/COINBASE.ws.28.0.jsonl.gz'
const recorded = (): readonly string[] => saidIn(join(folder, path))

test.skipIf(!there)(
  `${path}: of 9946 frames each is what its type says on its own channel, and nothing on the others`,
  () => {
    const counts: Record<string, number> = {}
    const own: Record<string, readonly [string, string, string]> = {
      match: ['row', 'other', 'other'],
      last_match: ['other', 'other', 'other'],
      ticker: ['other', 'row', 'other'],
      snapshot: ['other', 'other', 'book'],
      l2update: ['other', 'other', 'book'],
      subscriptions: ['subscribed', 'subscribed', 'subscribed'],
    }
    for (const frame of recorded()) {
      const { type } = JSON.parse(frame) as { type: string }
      counts[type] = (counts[type] ?? 0) + 1
      expect([type, ...readers.map((read) => said(read as Channel<unknown>['read'], frame).type)]).toEqual([
        type,
        ...(own[type] ?? []),
      ])
    }
    expect(counts).toEqual({ match: 97, last_match: 10, ticker: 107, snapshot: 10, l2update: 9719, subscriptions: 3 })
  },
)

test.skipIf(!there)(
  `${path}: matches and tickers have the values of their fields; matches count on from the last one without a hole`,
  () => {
    const last = new Map<string, number>()
    const sequences = new Map<string, number>()
    for (const frame of recorded()) {
      const fields = JSON.parse(frame) as Fields
      const { type, product_id: symbol = '', trade_id, sequence, time = '' } = fields
      if (type === 'last_match') last.set(symbol, trade_id)
      if (type === 'match') {
        expect(trade_id).toBe((last.get(symbol) ?? 0) + 1)
        last.set(symbol, trade_id)
        const side = fields['side'] === 'buy' ? -1 : 1
        const value = { price: Number(fields['price']), size: Number(fields['size']), side, id: trade_id }
        expect(said(readMatchFrame, frame)).toEqual({
          type: 'row',
          row: { symbol, at: parseTime(time), id: trade_id, value },
        })
      }
      if (type === 'ticker') {
        expect(sequence).toBeGreaterThan(sequences.get(symbol) ?? 0)
        sequences.set(symbol, sequence)
        const value = { bid: Number(fields['best_bid']), ask: Number(fields['best_ask']), bid_size: 0, ask_size: 0 }
        expect(said(readTickerFrame, frame)).toEqual({
          type: 'row',
          row: { symbol, at: parseTime(time), id: sequence, value },
        })
      }
    }
    expect(last.size).toBe(10)
  },
)

interface Pair {
  readonly exchange: string
  readonly message: unknown
  readonly expected: readonly {
    readonly type: string
    readonly symbol: string
    readonly timestamp: string
    readonly localTimestamp: string
    readonly [field: string]: unknown
  }[]
}
type Side = readonly { readonly price: number; readonly amount: number }[]
const timed = (timestamp: string, untimed: boolean) => (untimed ? 0 : parseTime(timestamp))
/** What our word for a message must be, from what an independent party makes of it. */
function wordOf({ type, symbol, timestamp, localTimestamp, ...of }: Pair['expected'][number], raw: string): unknown {
  const at = timed(timestamp, timestamp.startsWith(localTimestamp.slice(0, 19)) || raw.includes(none))
  switch (type) {
    case 'trade': {
      const value = {
        price: of['price'],
        size: of['amount'],
        side: of['side'] === 'buy' ? 1 : -1,
        id: Number(of['id']),
      }
      return { type: 'row', row: { symbol, at, id: Number(of['id']), value } }
    }
    case 'book_ticker': {
      const { bidPrice: bid, askPrice: ask, bidAmount: bid_size = 0, askAmount: ask_size = 0 } = of
      return {
        type: 'row',
        row: { symbol, at, id: (JSON.parse(raw) as Fields).sequence, value: { bid, ask, bid_size, ask_size } },
      }
    }
    default: {
      const side = (levels: unknown) => (levels as Side).map(({ price, amount }) => [price, amount])
      const message = { symbol, at, snapshot: of['isSnapshot'], id: 0, bids: side(of['bids']), asks: side(of['asks']) }
      return { type: 'book', message }
    }
  }
}
test.skipIf(!there)('normalisation-pairs: nine Coinbase messages become what tardis makes of them', () => {
  const pairs = linesOf(join(folder, 'normalisation-pairs/tardis_pairs.jsonl.gz'))
    .map((line) => JSON.parse(line) as Pair)
    .filter(({ exchange }) => exchange === 'coinbase')
  expect(pairs).toHaveLength(9)
  for (const { message, expected } of pairs) {
    const raw = JSON.stringify(message)
    const [only, ...more] = expected
    if (only === undefined || more.length > 0) throw new Error('one record for each')
    const read = { trade: readMatchFrame, book_ticker: readTickerFrame, book_change: readBookFrame }[only.type]
    expect(said(read as Channel<unknown>['read'], raw)).toEqual(wordOf(only, raw))
  }
})

test.skipIf(!there)(
  'nautilus, jkorf, cross-venue: frames of Advanced Trade, another interface, are known and none of ours',
  () => {
    const frames: string[] = []
    for (const name of readdirSync(join(folder, 'nautilus/coinbase')))
      if (name.startsWith('ws_')) frames.push(text(`nautilus/coinbase/${name}`))
    const scripts = 'jkorf/coinbase/Subscriptions/AdvancedTrade'
    for (const name of readdirSync(join(folder, scripts)))
      for (const part of text(`${scripts}/${name}`).split(/^(?=[<>=])/m))
        if (/^[<=]/.test(part)) frames.push(part.replace(/^[<=]\d?\s*/, ''))
    const all = JSON.parse(text('cross-venue/ws_trade_frames.json')) as Record<string, { frames: string[] }>
    frames.push(...(all['coinbase']?.frames ?? []))
    expect(frames).toHaveLength(6 + 18 + 1)
    for (const frame of frames)
      for (const read of readers as readonly Channel<unknown>['read'][])
        expect(said(read, frame)).toEqual({ type: 'other', what: (JSON.parse(frame) as { channel: string }).channel })
  },
)
