import { guardOf } from '../../schemas/guard.ts'
import { Trade } from '../../schemas/market.ts'

/** What one frame of a Binance market stream says. */
export type Word =
  | {
      readonly type: 'trade'
      readonly symbol: string
      readonly at: number
      readonly id: number
      readonly trade: Trade
    }
  /** A futures trade that did not come about in the book: no row, but its number is part of the sequence. */
  | { readonly type: 'left_out'; readonly symbol: string; readonly at: number; readonly id: number }
  /** A message of another stream, or an answer: known, and not for us. */
  | { readonly type: 'other'; readonly what: string }
  | { readonly type: 'refused'; readonly code: number; readonly message: string }
  | { readonly type: 'invalid'; readonly reason: Rubbish }
export type Rubbish = 'binary' | 'not_json' | 'unknown_message' | 'trade_fields' | 'trade_values'

const isTrade = guardOf(Trade)
type Fields = Readonly<Record<string, unknown>>
const isFields = (value: unknown): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** Reads a frame of a raw or combined stream. Never throws. */
export function read(bytes: Buffer, binary = false): Word {
  if (binary) return { type: 'invalid', reason: 'binary' }
  let frame: unknown
  try {
    frame = JSON.parse(bytes.toString())
  } catch {
    return { type: 'invalid', reason: 'not_json' }
  }
  if (!isFields(frame)) return { type: 'invalid', reason: 'unknown_message' }
  const { stream } = frame
  if (typeof stream !== 'string') return frame['e'] === 'trade' ? readTrade(frame) : readOther(frame)
  const { data } = frame
  if (!isFields(data)) return Array.isArray(data) ? other(stream) : { type: 'invalid', reason: 'unknown_message' }
  if (data['e'] === 'trade') return readTrade(data)
  // Spot bookTicker and partial depth carry no event name, a trade always does.
  return typeof data['e'] === 'string' || !stream.endsWith('@trade')
    ? other(stream)
    : { type: 'invalid', reason: 'trade_fields' }
}

const decimal = /^\d+(?:\.\d+)?$/

// Fields: developers.binance.com, Spot, WebSocket Streams, "Trade Streams" (2026-11). The futures stream is not
// documented; its frames carry the same fields and `X`, as recorded in 2019-2024.
function readTrade({ s: symbol, t: id, p, q, T, m, X }: Fields): Word {
  if (typeof symbol !== 'string' || typeof p !== 'string' || typeof q !== 'string' || typeof m !== 'boolean')
    return { type: 'invalid', reason: 'trade_fields' }
  if (!isCount(id) || !isCount(T)) return { type: 'invalid', reason: 'trade_fields' }
  const at = microsOf(T)
  // Insurance fund and auto-deleveraging trades come at prices outside the book, some at price 0.
  if (X !== undefined && X !== 'MARKET') return { type: 'left_out', symbol, at, id }
  if (!decimal.test(p) || !decimal.test(q)) return { type: 'invalid', reason: 'trade_values' }
  // `m`: the buyer was the maker, so the aggressor sold.
  const trade = { price: Number(p), size: Number(q), side: m ? -1 : 1, id }
  return isTrade(trade) && Number.isSafeInteger(at)
    ? { type: 'trade', symbol, at, id, trade }
    : { type: 'invalid', reason: 'trade_values' }
}

const isCount = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0

// Times are ms, or µs when the URL says `timeUnit=MICROSECOND` (same page, 2026-11): 1e14 ms is the year 5138, 1e14 µs 1973.
const microsOf = (time: number): number => (time < 1e14 ? time * 1000 : time)

const other = (what: string): Word => ({ type: 'other', what })

/** Messages outside a stream: answers to requests, errors (same page, "Error Messages"), raw events, book snapshots. */
function readOther(frame: Fields): Word {
  const { code, msg } = isFields(frame['error']) ? frame['error'] : frame
  if (typeof code === 'number' && typeof msg === 'string') return { type: 'refused', code, message: msg }
  if (typeof frame['e'] === 'string') return other(frame['e'])
  if (isFields(frame['event']) && typeof frame['event']['e'] === 'string') return other(frame['event']['e'])
  if ('result' in frame && 'id' in frame) return other('answer')
  if ('lastUpdateId' in frame) return other('depth')
  if ('u' in frame && 'B' in frame && 'A' in frame) return other('bookTicker')
  return { type: 'invalid', reason: 'unknown_message' }
}
