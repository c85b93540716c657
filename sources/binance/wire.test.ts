import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { assert, constantFrom, dictionary, json, jsonValue, oneof, property, string, uint8Array } from 'fast-check'
import { expect, test } from 'vitest'
import type { Trade } from '../../schemas/market.ts'
import { linesOf, saidIn } from '../../testing/recorded.ts'
import type { Word as AnyWord } from '../feed/venue.ts'
import { errorFrame, frameTime, otherFrames, rubbishFrames, tradeFrame } from './frames.ts'
import { parseTradeFrame, readTradeFrame as read } from './trades.ts'

type Word = AnyWord<Trade>

const readText = (text: string): Word => read(Buffer.from(text))
const readFields = (fields: Readonly<Record<string, unknown>>): Word => readText(tradeFrame(0, fields))

test('reads a trade: number, exact price and size, time in µs', () => {
  expect(readText(tradeFrame(7, { p: '61837.63000000', q: '0.02000000' }))).toEqual({
    type: 'row',
    row: {
      symbol: 'BTCUSDT',
      at: (frameTime + 7) * 1000,
      id: 12_352,
      value: { price: 61_837.63, size: 0.02, side: -1, id: 12_352 },
    },
  })
})

test('takes the side of the aggressor: a buyer who was the maker was sold to', () => {
  expect(readFields({ m: true })).toMatchObject({ row: { value: { side: -1 } } })
  expect(readFields({ m: false })).toMatchObject({ row: { value: { side: 1 } } })
})

test('takes times in µs as they are, when the stream was asked for them', () => {
  expect(readFields({ T: 1_672_515_782_136_421 })).toMatchObject({ row: { at: 1_672_515_782_136_421 } })
})

test('reads a trade of a raw stream, without the envelope', () => {
  expect(readText(JSON.stringify(JSON.parse(tradeFrame(0)).data))).toEqual(readText(tradeFrame(0)))
})

test('leaves out futures trades outside the book, even at price 0, but keeps their number', () => {
  for (const X of ['INSURANCE_FUND', 'ADL', 'NA'])
    expect(readFields({ X, p: '0', q: '0' })).toMatchObject({ type: 'left_out', id: 12_345, symbol: 'BTCUSDT' })
  expect(readFields({ X: 'MARKET' })).toMatchObject({ type: 'row' })
})

test.each(Object.entries(otherFrames))('knows %s and passes it over', (_name, frame) => {
  expect(['other', 'alive', 'leave']).toContain(readText(frame).type)
})

test('knows a refusal in both forms', () => {
  const refused = { type: 'refused', code: 2, message: 'Invalid request: too many parameters' }
  expect(readText(errorFrame)).toEqual(refused)
  expect(readText('{"error":{"code":2,"msg":"Invalid request: too many parameters"},"id":1}')).toEqual(refused)
})

test.each(rubbishFrames.map((frame) => [String(frame).slice(0, 40), frame] as const))(
  'finds %j invalid',
  (_, frame) => {
    expect(read(Buffer.from(frame), typeof frame !== 'string')).toMatchObject({ type: 'invalid' })
  },
)

test.each([
  [{ p: '0.00000000' }, 'trade_values'],
  [{ p: '-1' }, 'trade_values'],
  [{ p: '' }, 'trade_values'],
  [{ p: '0x10' }, 'trade_values'],
  [{ p: '1e3' }, 'trade_values'],
  [{ p: 'Infinity' }, 'trade_values'],
  [{ q: '0' }, 'trade_values'],
  [{ p: 1.5 }, 'trade_fields'],
  [{ t: '12345' }, 'trade_fields'],
  [{ t: -1 }, 'trade_fields'],
  [{ t: 2 ** 53 }, 'trade_fields'],
  [{ t: 1.5 }, 'trade_fields'],
  [{ T: null }, 'trade_fields'],
  [{ m: 'true' }, 'trade_fields'],
  [{ s: 5 }, 'trade_fields'],
] as const)('refuses a trade with %j', (fields, reason) => {
  expect(readFields(fields)).toEqual({ type: 'invalid', reason })
})

test('refuses a price beyond what a double holds', () => {
  expect(readFields({ p: '9'.repeat(400) })).toEqual({ type: 'invalid', reason: 'trade_values' })
})

test('never throws, whatever comes', () => {
  const never = (bytes: Uint8Array): void => {
    expect(read(Buffer.from(bytes)).type).toBeTypeOf('string')
  }
  assert(property(uint8Array({ maxLength: 300 }), never), { numRuns: 500 })
  assert(
    property(json(), (text) => never(Buffer.from(text))),
    { numRuns: 500 },
  )
  const field = constantFrom('e', 's', 't', 'p', 'q', 'T', 'm', 'X', 'code', 'msg', 'error', 'result', 'id', 'stream')
  const value = oneof(jsonValue(), constantFrom('trade', 'MARKET', '1.5', 'btcusdt@trade'), string())
  const data = dictionary(field, value)
  assert(
    property(data, data, (outer, inner) => {
      never(Buffer.from(JSON.stringify({ ...outer, data: inner })))
      never(Buffer.from(tradeFrame(0, inner)))
    }),
    { numRuns: 1000 },
  )
})

test('gives only trades that keep the rules of the kind', () => {
  const text = oneof(constantFrom('1', '0', '0.5', '1e9', ' 1', '1.', '.5', '٣'), string())
  assert(
    property(text, text, (p, q) => {
      const word = readFields({ p, q })
      if (word.type !== 'row') return
      expect(word.row.value.price).toBeGreaterThan(0)
      expect(word.row.value.price.toString()).toBe(String(Number.parseFloat(p)))
      expect(word.row.value.size).toBeGreaterThan(0)
    }),
  )
})

// ---- recorded frames --------------------------------------------------------------------------------

const data = process.env['TIDEGATE_DATA'] ?? './data'
const frames = join(data, 'ws-frames')
const filesUnder = (folder: string): string[] =>
  readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))

/** Each frame must be read; a trade must say what its own fields say. */
function tally(texts: readonly string[]): Record<string, number> {
  const counts: Record<string, number> = {}
  for (const text of texts) {
    const word = readText(text)
    // the scanner and the parser say the same
    expect(word).toEqual(parseTradeFrame(Buffer.from(text)))
    counts[word.type] = (counts[word.type] ?? 0) + 1
    if (word.type !== 'row') continue
    const frame = JSON.parse(text)
    const { s, t, p, q, T, m } = frame.data ?? frame
    expect(word).toEqual({
      type: 'row',
      row: {
        symbol: s,
        at: T * 1000,
        id: t,
        value: { price: Number.parseFloat(p), size: Number.parseFloat(q), side: m ? -1 : 1, id: t },
      },
    })
  }
  return counts
}

const sessions = [
  ['cryptofeed/BINANCE/BINANCE.ws.1.0.jsonl.gz', 265],
  ['cryptofeed/BINANCE_DELIVERY/BINANCE_DELIVERY.ws.1.0.jsonl.gz', 4371],
] as const
for (const [file, count] of sessions) {
  const path = join(frames, file)
  test.skipIf(!existsSync(path))(`passes over every frame of ${file}: it holds no raw trades`, () => {
    expect(tally(saidIn(path))).toEqual({ other: count })
  })
}

const pairs = join(frames, 'normalisation-pairs/tardis_pairs.jsonl.gz')
interface Pair {
  readonly exchange: string
  readonly message: unknown
  readonly expected: readonly Readonly<Record<string, unknown>>[]
}
test.skipIf(!existsSync(pairs))('agrees with tardis.dev on normalisation-pairs/tardis_pairs.jsonl.gz', () => {
  const messages = linesOf(pairs)
    .map((line) => JSON.parse(line) as Pair)
    .filter(({ exchange }) => exchange === 'binance' || exchange === 'binance-futures')
    .map(({ message, expected }) => ({ word: readText(JSON.stringify(message)), message, expected }))
  const spoken = messages.filter(({ message }) => JSON.stringify(message).includes('"e":"trade"'))
  expect(spoken).toHaveLength(5)
  for (const { word, expected } of spoken) {
    const [trade] = expected
    if (trade === undefined) expect(word.type).toBe('left_out')
    else
      expect(word).toMatchObject({
        type: 'row',
        row: {
          at: Date.parse(String(trade['timestamp'])) * 1000,
          symbol: trade['symbol'],
          value: {
            price: trade['price'],
            size: trade['amount'],
            side: trade['side'] === 'buy' ? 1 : -1,
            id: Number(trade['id']),
          },
        },
      })
  }
  expect(messages.filter(({ word }) => word.type === 'row')).toHaveLength(4)
})

const bodies = ['nautilus/binance', 'nautilus/binance-py', 'gocryptotrader/binance', 'jkorf/binance']
for (const folder of bodies) {
  const path = join(frames, folder)
  test.skipIf(!existsSync(path))(`never throws on the files of ${folder}, whole or line by line`, () => {
    let trades = 0
    for (const file of filesUnder(path)) {
      const text = readFileSync(file, 'utf8')
      const parts = text.split(/^[<>=|] ?/m)
      for (const part of [text, ...parts, ...text.split('\n')]) {
        const word = readText(part)
        expect(word.type).toBeTypeOf('string')
        if (word.type === 'row') trades += tally([part])['row'] ?? 0
      }
    }
    expect(trades).toBeGreaterThan(0)
  })
}
