import type { Trade } from '../../schemas/market.ts'
import type { Word } from '../feed/venue.ts'

// A trade frame of a combined stream has its fields in one order, always. Reading them byte by byte costs a fifth of
// JSON.parse; whatever differs in a single byte that is not a value is left to the parser.

const bytesOf = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text))
const HEAD = bytesOf('{"stream":"')
const STREAM = bytesOf('@trade","data":{"e":"trade","E":')
const SYMBOL = bytesOf(',"s":"')
const ID = bytesOf('","t":')
const PRICE = bytesOf(',"p":"')
const SIZE = bytesOf('","q":"')
const TIME = bytesOf('","T":')
const TRUE = bytesOf(',"m":true')
const FALSE = bytesOf(',"m":false')
const LAST = bytesOf(',"M":')
const MARKET = bytesOf(',"X":"MARKET"')
const [QUOTE, DOT, ZERO, NINE, CLOSE] = [0x22, 0x2e, 0x30, 0x39, 0x7d]

/** 10^0 to 10^22: quotients of two doubles that are exact are rounded once, as the decimal itself would be. */
const POWERS = Float64Array.from({ length: 23 }, (_, n) => Number(`1e${n}`))
const MOST = 2 ** 53

/** Symbols seen before, by the sum of their bytes: text is made of them once. */
const symbols: { readonly bytes: Uint8Array; readonly text: string }[] = []
const SLOTS = 4096

/** Where the next byte is read; -1 once something did not fit. */
let at = 0
/** Digits behind the point of the number read last. */
let places = 0

function literal(bytes: Uint8Array, expected: Uint8Array): void {
  const from = at
  if (from < 0) return
  for (let i = 0; i < expected.length; i++)
    if (bytes[from + i] !== expected[i]) {
      at = -1
      return
    }
  at = from + expected.length
}
/** A whole number; JSON allows no zero in front. */
function whole(bytes: Uint8Array): number {
  if (at < 0) return 0
  const from = at
  let value = 0
  let digit = (bytes[at] as number) - ZERO
  while (digit >= 0 && digit <= 9) {
    value = value * 10 + digit
    digit = (bytes[++at] as number) - ZERO
  }
  if (at === from || value >= MOST || (at - from > 1 && bytes[from] === ZERO)) at = -1
  return value
}
/** A decimal up to its closing quote. */
function decimal(bytes: Uint8Array): number {
  if (at < 0) return 0
  const from = at
  let value = 0
  let point = -1
  for (; ; at++) {
    const byte = bytes[at] as number
    if (byte >= ZERO && byte <= NINE) value = value * 10 + (byte - ZERO)
    else if (byte === DOT && point < 0 && at > from) point = at
    else break
  }
  places = point < 0 ? 0 : at - point - 1
  if (bytes[at] !== QUOTE || at === from || value >= MOST || places > 22 || point === at - 1) {
    at = -1
    return 0
  }
  return value / (POWERS[places] as number)
}
function symbol(bytes: Uint8Array): string {
  if (at < 0) return ''
  const from = at
  let sum = 0
  for (let byte = bytes[at] as number; byte !== QUOTE; byte = bytes[++at] as number) {
    // letters, digits and underscores; the parser knows what escapes and other alphabets mean
    if (!((byte >= 0x30 && byte <= 0x39) || (byte >= 0x41 && byte <= 0x5a) || byte === 0x5f)) {
      at = -1
      return ''
    }
    sum = (Math.imul(sum, 31) + byte) | 0
  }
  const slot = (sum >>> 0) % SLOTS
  const known = symbols[slot]
  if (known !== undefined && same(bytes, from, known.bytes)) return known.text
  const own = Uint8Array.prototype.slice.call(bytes, from, at)
  const text = Buffer.from(own).toString('latin1')
  symbols[slot] = { bytes: own, text }
  return text
}
function same(bytes: Uint8Array, from: number, known: Uint8Array): boolean {
  if (known.length !== at - from) return false
  for (let i = 0; i < known.length; i++) if (bytes[from + i] !== known[i]) return false
  return true
}
function side(bytes: Uint8Array): -1 | 1 {
  const from = at
  literal(bytes, TRUE)
  if (at >= 0 || from < 0) return -1
  at = from
  literal(bytes, FALSE)
  return 1
}
/** Spot ends with a field of no meaning, futures say that the trade came about in the book. */
function tail(bytes: Uint8Array): void {
  if (at < 0) return
  const from = at
  literal(bytes, LAST)
  if (at >= 0) {
    // true or false
    at += bytes[at] === 0x74 ? 4 : 5
    if (bytes[at - 1] !== 0x65) at = -1
  } else {
    at = from
    literal(bytes, MARKET)
    if (at < 0) at = from
  }
  if (at >= 0 && (bytes[at] !== CLOSE || bytes[at + 1] !== CLOSE || bytes.length !== at + 2)) at = -1
}

/** The trade of a frame, or undefined where it is anything but the plain frame of every day. */
export function scanTrade(bytes: Uint8Array): Word<Trade> | undefined {
  at = 0
  literal(bytes, HEAD)
  if (at < 0) return undefined
  // the name of the stream says again what the fields say
  for (let byte = bytes[at] as number; byte !== 0x40; byte = bytes[++at] as number)
    if (at >= bytes.length || byte === QUOTE || byte === 0x5c || byte < 0x20) return undefined
  literal(bytes, STREAM)
  whole(bytes)
  literal(bytes, SYMBOL)
  const name = symbol(bytes)
  literal(bytes, ID)
  const id = whole(bytes)
  literal(bytes, PRICE)
  const price = decimal(bytes)
  literal(bytes, SIZE)
  const size = decimal(bytes)
  literal(bytes, TIME)
  const time = whole(bytes)
  const aggressor = side(bytes)
  tail(bytes)
  if (at < 0 || price === 0 || size === 0) return undefined
  const micros = time < 1e14 ? time * 1000 : time
  return { type: 'row', row: { symbol: name, at: micros, id, value: { price, size, side: aggressor, id } } }
}
